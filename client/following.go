package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"
)

const (
	// maxEvent is the longest event: a page of 100 texts of 4 KB may take 2.4 MB when each byte is written as \u0000,
	// and servers can be configured to more.
	maxEvent = 64 << 20
	// longestSilence ends a connection: servers say something every 25 seconds.
	longestSilence = time.Minute
	// longestPause bounds the Retry-After that an endless Follow obeys.
	longestPause = time.Minute
)

var (
	errLoopEnded = errors.New("the loop has ended")
	errSilent    = errors.New("the server was silent for too long")
	errEnded     = errors.New("the server has ended the stream")
)

// following is one loop over events. It is used by one goroutine.
type following struct {
	client  *Client
	request FollowRequest
	cursors map[string]int64 // of the yielded messages
	lastID  string           // of the events of an inbox, from which the server resumes
	yield   func(Event, error) bool

	connected time.Time // when the server accepted; zero: it has not
	heard     bool      // messages since then
}

// run follows through one server after the other, and returns the final error.
func (f *following) run(ctx context.Context) error {
	c := f.client
	turns, pace, attempt := c.servers.turns(), newPace(ctx, c.policy), 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		asked := turns.take()
		f.connected, f.heard = time.Time{}, false
		failed := f.through(ctx, asked)
		if err := ctx.Err(); err != nil && !errors.Is(failed.err, errLoopEnded) {
			return err
		}
		if !failed.passes {
			return failed.err
		}
		if failed.refused {
			asked.refused()
		}
		if f.heard || !f.connected.IsZero() && time.Since(f.connected) > c.policy.MaxWait {
			pace, attempt = newPace(ctx, c.policy), 0
		}
		attempt++
		failed.after = min(failed.after, longestPause)
		wait := pace.after(failed, turns)
		c.notify(Repeat{Attempt: attempt, Server: asked.base, Err: failed.err, Wait: wait})
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// through follows through one server until that fails. It reconnects after a connection that ended with its token.
func (f *following) through(ctx context.Context, s *server) *failure {
	if f.request.Over == LongPoll { // every request renews the token
		return f.poll(ctx, s)
	}
	for renewals := 0; ; renewals++ {
		held, failed := f.client.heldFor(ctx, s)
		if failed != nil {
			return failed
		}
		f.connected = time.Time{}
		if f.request.Over == WebSocket {
			failed = f.socket(ctx, s, held)
		} else {
			failed = f.stream(ctx, s, held.AccessToken)
		}
		if !f.connected.IsZero() {
			renewals = 0
		}
		if !f.client.renewable(failed) || renewals == maxRenewals {
			return failed
		}
		if failed := f.client.renew(ctx, s, held); failed != nil {
			return failed
		}
	}
}

// accepted notes that the server has accepted the connection.
func (f *following) accepted(s *server) {
	if f.connected.IsZero() {
		f.connected = time.Now()
		if f.request.Connected != nil {
			f.request.Connected(s.base)
		}
	}
}

// told is a server's message about a chat, over any transport: the data of an event, or a frame.
type told struct {
	Ref  string `json:"ref"`
	Type string `json:"type"` // a frame's; in the data of a signal event the signal's
	Chat string `json:"chat"`
	Page
	Name    string     `json:"name"`
	Users   []UserName `json:"users"`
	Sender  string     `json:"sender"`
	Signal  string     `json:"signal"`
	Data    string     `json:"data"`
	Readers []string   `json:"readers"`
	Count   int        `json:"count"`
	Reader  string     `json:"reader"`
	Cursor  int64      `json:"cursor"`
	Code    string     `json:"code"`
	Message string     `json:"message"`
}

// take yields an event. It skips unknown kinds, of later servers.
func (f *following) take(s *server, t told) *failure {
	switch t.Type {
	case "messages":
		return f.page(s, t)
	case "signal":
		return f.tell(Event{Chat: t.Chat, Signal: &Signal{Chat: t.Chat, Sender: t.Sender, Type: t.Signal, Data: t.Data}})
	case "presence":
		return f.tell(Event{Chat: t.Chat, Presence: &Presence{Chat: t.Chat, Readers: t.Readers, Count: t.Count}})
	case "read":
		return f.tell(Event{Chat: t.Chat, Reading: &Reading{Chat: t.Chat, Reader: t.Reader, Cursor: t.Cursor}})
	case "delivered":
		return f.tell(Event{Chat: t.Chat, Delivered: &Reading{Chat: t.Chat, Reader: t.Reader, Cursor: t.Cursor}})
	case "error":
		return &failure{err: &Error{Code: t.Code, Message: t.Message}, passes: passingCode(t.Code)}
	}
	return nil
}

func (f *following) tell(e Event) *failure {
	if !f.yield(e, nil) {
		return &failure{err: errLoopEnded}
	}
	return nil
}

// page yields the messages that were not yielded before.
func (f *following) page(s *server, t told) *failure {
	chat, p := t.Chat, t.Page
	cursor, asked := f.cursors[chat]
	if !asked && !f.request.Inbox {
		return strange(s, fmt.Errorf("it sends messages of %q, which was not requested", chat))
	}
	for i := 1; i < len(p.Messages); i++ {
		if p.Messages[i].SendTime <= p.Messages[i-1].SendTime {
			return strange(s, fmt.Errorf("its messages of %s are out of order", chat))
		}
	}
	for len(p.Messages) > 0 && p.Messages[0].SendTime < cursor {
		p.Messages = p.Messages[1:]
	}
	if len(p.Messages) > 0 {
		cursor = p.Messages[len(p.Messages)-1].NextCursor()
	}
	p.NextCursor = max(cursor, p.NextCursor)
	f.cursors[chat] = p.NextCursor
	if len(p.Messages) == 0 {
		return nil
	}
	f.heard = true
	return f.tell(Event{Chat: chat, Name: t.Name, Users: t.Users, Page: &p})
}

// strange is the failure of a connection to something that is not a Pullchat server.
func strange(s *server, err error) *failure {
	return &failure{err: fmt.Errorf("%s does not look like a Pullchat server: %w", s.base, err)}
}

// passingCode reports whether a failure with this code is temporary, as passing does for statuses.
func passingCode(code string) bool {
	switch code {
	case "unavailable", "deadline_exceeded", "resource_exhausted":
		return true
	}
	return false
}

// answered is the failure of a connection whose answer is not a stream.
func answered(s *server, a *answer) *failure {
	if a.status < http.StatusBadRequest {
		return strange(s, errors.New("it answers "+a.line))
	}
	return &failure{err: a.error(), passes: passing(a.status), after: a.retryAfter()}
}

// silenceGuard guards one connection: it ends reads that wait too long. It does not count the time of the loop.
type silenceGuard struct {
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	silence time.Duration
	contact contact
}

// guard begins a connection, which has Policy.Attempt until answered is called. release ends the context.
func (f *following) guard(parent context.Context) (ctx context.Context, g *silenceGuard, release func()) {
	ctx, cancel := context.WithCancelCause(parent)
	g = &silenceGuard{cancel: cancel, silence: f.client.silence}
	attempt := f.client.policy.Attempt
	late := fmt.Errorf("no answer within %v", attempt)
	answer := time.AfterFunc(attempt, func() { cancel(late) })
	g.timer = answer
	return httptrace.WithClientTrace(ctx, g.contact.trace()), g, func() {
		g.timer.Stop()
		cancel(nil)
	}
}

// answered ends the time for an answer. From now on only silence ends the connection.
func (g *silenceGuard) answered() {
	g.timer.Stop()
	g.timer = time.AfterFunc(g.silence, func() { g.cancel(errSilent) })
	g.timer.Stop()
}

func (g *silenceGuard) waits()  { g.timer.Reset(g.silence) }
func (g *silenceGuard) waited() { g.timer.Stop() }

// broken is the failure of a connection with err.
func (g *silenceGuard) broken(ctx context.Context, err error) *failure {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return &failure{err: err, passes: !final(err), refused: g.contact.missing()}
}

// heard reads, and counts the time of the reads.
type heard struct {
	io.Reader
	guard *silenceGuard
}

func (h heard) Read(p []byte) (int, error) {
	h.guard.waits()
	defer h.guard.waited()
	return h.Reader.Read(p)
}
