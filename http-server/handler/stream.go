package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/frame"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
)

// maxStreamChats bounds the chats of one event stream: each event id has the cursors of all.
const maxStreamChats = 100

// streamRetry is how long a client waits before it connects again.
const streamRetry = time.Second

const eventStream = "text/event-stream; charset=utf-8"

// Stream answers GET /api/stream with server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html),
// until the client disconnects or the server stops.
func (h *Handler) Stream(ctx context.Context, c *app.RequestContext) {
	wanted, err := readStream(ctx, c)
	if err == nil {
		err = checkNoBody(c)
	}
	if err == nil {
		err = h.hub.Admit(ctx, wanted.follows)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	if wanted.longestID() > h.roomForID(c) {
		reply.Fail(c, chat.Errorf(chat.InvalidArgument, "the names of these %d chats are too long for one stream: its event ids would not fit into a request; "+
			"open two, or a WebSocket", len(wanted.follows)))
		return
	}
	if c.IsHead() {
		c.SetContentType(eventStream)
		return
	}
	seat, err := h.config.Quota.Enter(ctx)
	if err == nil {
		if err = seat.Fits(len(wanted.follows)); err != nil {
			seat.Leave()
		}
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	below := connection(ctx)
	sink := &eventSink{conn: below.Take(), part: h.config.Part, end: below.Wake, chats: len(wanted.follows), metrics: h.config.Metrics}
	head := streamHead(c)
	below.Leave(c, func() {
		defer seat.Leave()
		h.serveStream(ctx, below, seat, sink, head, wanted)
	})
}

// serveStream writes events until the client goes or the server stops.
func (h *Handler) serveStream(ctx context.Context, below Connection, share live.Share, sink *eventSink, head []byte, wanted stream) {
	began := time.Now()
	err := sink.write(head)
	defer h.config.Metrics.Streams(metrics.SSE)()
	session := h.hub.OpenWithin(h.share(share, metrics.SSE), sink, sink.ended)
	defer session.Close()
	if err == nil {
		err = session.Write(func() error { // so that the first id has all chats
			for _, f := range wanted.follows {
				if err := session.Follow(f); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err == nil && wanted.inbox != nil {
		err = session.FollowInbox(*wanted.inbox)
	}
	if err == nil {
		below.AwaitClose()
	} else {
		_ = session.Write(func() error { return sink.Refuse("", err) })
	}
	if h.config.Access.Logs(false) {
		h.config.Log.Info("stream ended", slog.String("id", logging.RequestID(ctx)), logging.Took(began))
	}
}

// streamHead returns the header of a stream: the answer has no length, and ends with its connection.
func streamHead(c *app.RequestContext) []byte {
	c.SetContentType(eventStream)
	c.Response.Header.Set("X-Accel-Buffering", "no") // nginx passes events on as they come
	return fmt.Appendf(takenHead(c), "\r\nretry: %d\n\n", streamRetry.Milliseconds())
}

// takenHead returns the header of an answer that the handler writes itself, without its empty line. The connection ends with
// the answer.
func takenHead(c *app.RequestContext) []byte {
	c.Response.Header.Set("Connection", "close")
	head := []byte("HTTP/1.1 200 OK\r\n")
	c.Response.Header.VisitAll(func(name, value []byte) {
		head = fmt.Appendf(head, "%s: %s\r\n", name, value)
	})
	return head
}

// streamQuery is the query string of /api/stream.
type streamQuery struct {
	chats                      []string
	inbox, fromCursor          bool
	follow                     live.Follow // but for the chat
	presence, batch, lastEvent string
}

// stream is the set of chats to follow.
type stream struct {
	follows []live.Follow
	inbox   *live.InboxFollow // or nil
}

// readStream returns the chats to follow, with their cursors.
func readStream(ctx context.Context, c *app.RequestContext) (stream, error) {
	query, err := readStreamQuery(c)
	if err != nil {
		return stream{}, err
	}
	positions := newestPositions(string(c.GetHeader(lastEventID)), query.lastEvent)
	follows, err := query.follows(positions)
	switch {
	case err != nil:
		return stream{}, err
	case !query.inbox && len(follows) == 0:
		return stream{}, chat.Errorf(chat.InvalidArgument, "chat is missing; give one or several, as ?chat=alice:bob&chat=room")
	case !query.inbox:
		return stream{follows: follows}, nil
	}
	inbox := live.InboxFollow{Follow: query.follow, FromCursor: query.fromCursor, At: positions}
	inbox.By, _ = chat.CallerOf(ctx)
	if inbox.Reader, err = chat.ActingReader(ctx, inbox.Reader); err == nil {
		err = inbox.Check()
	}
	return stream{follows: follows, inbox: &inbox}, err
}

func (query streamQuery) follows(positions []live.Position) ([]live.Follow, error) {
	at := make(map[chat.ID]int64, len(positions))
	for _, p := range positions {
		id, err := chat.ParseID(p.Chat)
		if err != nil {
			return nil, err
		}
		at[id] = p.Cursor
	}
	follows := make([]live.Follow, 0, len(query.chats))
	seen := map[chat.ID]bool{}
	for _, name := range query.chats {
		id, err := chat.ParseID(name)
		if err != nil {
			return nil, err
		}
		if seen[id] {
			return nil, chat.Errorf(chat.InvalidArgument, "chat %q is given twice", name)
		}
		seen[id] = true
		f := query.follow
		f.Chat = name
		if cursor, ok := at[id]; ok {
			f.Cursor = cursor
		}
		if err := f.Check(id); err != nil {
			return nil, err
		}
		follows = append(follows, f)
	}
	if len(follows) > maxStreamChats {
		return nil, chat.Errorf(chat.InvalidArgument, "%d chats are too many for one stream; the limit is %d", len(follows), maxStreamChats)
	}
	return follows, nil
}

func readStreamQuery(c *app.RequestContext) (q streamQuery, err error) {
	c.QueryArgs().VisitAll(func(name, value []byte) {
		if err != nil || len(value) == 0 {
			return
		}
		switch strings.ToLower(string(name)) {
		case "chat":
			q.chats = append(q.chats, string(value))
		case "inbox":
			q.inbox, err = queryBool("inbox", value)
		case "cursor":
			q.follow.Cursor, err = queryInt("cursor", value)
			q.fromCursor = true
		case "reader":
			q.follow.Reader = string(value)
		case "presence":
			q.presence = string(value)
		case "batch":
			q.batch = string(value)
		case "last_event_id":
			q.lastEvent = string(value)
		}
	})
	if err == nil {
		q.follow.Batch, err = live.ParseDuration("batch", q.batch)
	}
	q.follow.Presence = q.follow.Reader != ""
	if err == nil && q.presence != "" {
		q.follow.Presence, err = queryBool("presence", []byte(q.presence))
	}
	return q, err
}

// eventSink writes events to one client.
type eventSink struct {
	conn net.Conn
	part time.Duration // the time in which a client must read a write
	once sync.Once
	end  func() // lets the handler return

	chats   int // without those of an inbox
	metrics *metrics.Gateway
}

var _ live.Sink = (*eventSink)(nil)

func (s *eventSink) ended(error) { s.once.Do(s.end) }

func (s *eventSink) write(text []byte) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.part))
	_, err := s.conn.Write(text)
	return err
}

// event writes an event, in one piece. The data is JSON, and so one line.
func (s *eventSink) event(id, name string, data []byte) error {
	text := make([]byte, 0, len(id)+len(name)+len(data)+32)
	if id != "" {
		text = fmt.Appendf(text, "id: %s\n", id)
	}
	text = fmt.Appendf(text, "event: %s\ndata: ", name)
	return s.write(append(append(text, data...), "\n\n"...))
}

// Page implements live.Sink.
func (s *eventSink) Page(page *live.Page, title chat.Title, positions func() []live.Position) error {
	data := page.Encoded(frame.EncodePage)
	if titled := frame.AppendTitle(nil, title); titled != nil {
		data = append(append([]byte{'{'}, titled...), data[1:]...)
	}
	return s.event(eventID(positions(), s.chats), "messages", data)
}

// Tell implements live.Sink.
func (s *eventSink) Tell(name string, e chat.Event) error {
	switch e.Kind {
	case chat.Signalled:
		return s.event("", "signal", jsonobject.Encode(signalEvent{name, e.Signal.Sender, e.Signal.Type, e.Signal.Data}))
	case chat.Moved:
		return s.event("", "read", jsonobject.Encode(readEvent{name, e.Reading.Reader, e.Reading.Cursor}))
	case chat.Received:
		return s.event("", "delivered", jsonobject.Encode(readEvent{name, e.Reading.Reader, e.Reading.Cursor}))
	case chat.RoomGone:
		return s.event("", "deleted", jsonobject.Encode(deletedEvent{name}))
	}
	return nil
}

// Presence implements live.Sink.
func (s *eventSink) Presence(name string, p *live.Present) error {
	return s.event("", "presence", jsonobject.Encode(presence(name, p.Readers)))
}

// Refuse implements live.Sink: a stream that cannot have one of its chats ends.
func (s *eventSink) Refuse(_ string, err error) error {
	e := chat.AsError(err)
	if errors.Is(err, live.ErrExpired) {
		e = chat.AsError(chat.Errorf(e.Code, "the token has expired; connect again with a new one, and the id of the last event as Last-Event-ID or last_event_id"))
	}
	if err := s.event("", "error", jsonobject.Encode(&api.ErrorResponse{Code: string(e.Code), Message: e.Message})); err != nil {
		return err
	}
	return e
}

// Beat implements live.Sink.
func (s *eventSink) Beat() error { return s.write([]byte(":keep-alive\n")) }
