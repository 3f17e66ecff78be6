package history

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
)

// Recorder makes calls and records the outcomes. It is safe for concurrent use.
type Recorder struct {
	began time.Time

	mutex   sync.Mutex
	history History
}

// NewRecorder begins a recording.
func NewRecorder() *Recorder { return &Recorder{began: time.Now()} }

// Send makes one attempt.
func (r *Recorder) Send(ctx context.Context, client int, service chat.Service, m chat.Message) Send {
	s := Send{Client: client, Message: plain(m)}
	if m.Content != nil {
		s.ReplyTo = m.Content.ReplyTo
	}
	return r.record(s, func() (chat.Receipt, error) { return service.Send(ctx, m) })
}

// Change makes one attempt to change a message. The change has an id.
func (r *Recorder) Change(ctx context.Context, client int, service chat.Changes, c chat.Change) Send {
	s := Send{Client: client, Message: chat.Message{Chat: c.Chat, Text: c.ID, Sender: c.Sender, ID: c.ID}, Change: &c}
	return r.record(s, func() (chat.Receipt, error) { return service.Change(ctx, c) })
}

func (r *Recorder) record(s Send, call func() (chat.Receipt, error)) Send {
	s.Call = time.Since(r.began)
	receipt, err := call()
	s.Return = time.Since(r.began)
	s.Outcome, s.Err = OutcomeOf(err), err
	if err == nil {
		s.Message.SendTime, s.Duplicate = receipt.SendTime, receipt.Duplicate
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.history.Sends = append(r.history.Sends, s)
	r.denied(s.Client, s.Message.Chat, err)
	return s
}

// denied requires that the mutex is held.
func (r *Recorder) denied(client int, chat string, err error) {
	if Denied(err) {
		r.history.Denials = append(r.history.Denials, Denial{client, chat, err})
	}
}

// Stored records a message that was stored since a time, but not by a send.
func (r *Recorder) Stored(client int, since time.Time, m chat.Message) {
	m = plain(m)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.history.Sends = append(r.history.Sends, Send{
		Client: client, Call: since.Sub(r.began), Return: time.Since(r.began), Message: m, Outcome: Acknowledged,
	})
}

// Intrude tries to send and pull without access.
func (r *Recorder) Intrude(ctx context.Context, client int, service chat.Service, m chat.Message) {
	i := Intrusion{Client: client, Message: m}
	_, i.Sent = service.Send(ctx, m)
	page, err := service.Pull(ctx, chat.PullRequest{Chat: m.Chat})
	i.Pulled, i.Messages = err, len(page.Messages)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.history.Intrusions = append(r.history.Intrusions, i)
}

// Pull makes one pull. follows says that it continues where the client's last one ended.
func (r *Recorder) Pull(ctx context.Context, client int, service chat.Service, request chat.PullRequest, follows bool) (chat.Page, error) {
	p := Pull{Client: client, Call: time.Since(r.began), Request: request, Follows: follows}
	page, err := service.Pull(ctx, request)
	shown := page
	page.Messages = comparable(page.Messages)
	p.Return, p.Page = time.Since(r.began), page
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err != nil {
		r.denied(client, request.Chat, err)
		return chat.Page{}, err
	}
	r.history.Pulls = append(r.history.Pulls, p)
	return shown, nil
}

// comparable returns messages as plain has each.
func comparable(messages []chat.Message) []chat.Message {
	messages = slices.Clone(messages)
	for i := range messages {
		messages[i] = plain(messages[i])
	}
	return messages
}

// plain returns the unchanging part of a message, so that two readings of it are equal. A message that is changed has
// its text as id, and a change its id as text.
func plain(m chat.Message) chat.Message {
	if m.Notice.IsChange() || m.Changed() {
		m.Text = m.ID
	}
	return chat.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, SendTime: m.SendTime}
}

// Finish reads every chat that was sent to, forward and in reverse, as a client with the given number, and returns the
// history. Call it after all other clients have ended. reader returns a user with access to a chat.
func (r *Recorder) Finish(ctx context.Context, client int, service chat.Service, reader func(string) string) (History, error) {
	logs, shown := make(map[string][]chat.Message), make(map[string][]chat.Message)
	for _, s := range r.history.Sends {
		logs[s.Message.Chat] = nil
	}
	for name := range logs {
		ctx := programtest.As(ctx, reader(name))
		log, err := r.read(ctx, client, service, chat.PullRequest{Chat: name, Limit: 100})
		if err != nil {
			return History{}, fmt.Errorf("read %s: %w", name, err)
		}
		logs[name], shown[name] = comparable(log), log
		if _, err := r.read(ctx, client, service, chat.PullRequest{Chat: name, Limit: 100, Reverse: true}); err != nil {
			return History{}, fmt.Errorf("read %s in reverse: %w", name, err)
		}
	}
	r.history.Logs, r.history.Shown = logs, shown
	return r.history, nil
}

func (r *Recorder) read(ctx context.Context, client int, service chat.Service, request chat.PullRequest) ([]chat.Message, error) {
	var messages []chat.Message
	for {
		page, err := r.Pull(ctx, client, service, request, false)
		if err != nil {
			return nil, err
		}
		messages = append(messages, page.Messages...)
		if !page.HasMore {
			return messages, nil
		}
		request.Cursor = page.NextCursor
	}
}
