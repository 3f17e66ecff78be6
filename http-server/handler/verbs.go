package handler

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

// maxWatches bounds the chats that a WebSocket watches.
const maxWatches = 1000

// verb answers a frame and returns the reply. The frame counts as a request of route, the corresponding HTTP route. watch
// returns no reply: it writes the reply itself, before its pages.
type verb struct {
	route  string
	answer func(*socket, context.Context, frame) (reply any, err error)
}

// verbs are the types of the frames that clients send.
var verbs = map[string]verb{
	"watch":   {route: "/api/stream"},
	"unwatch": {"/ping", (*socket).unwatch},
	"send":    {"/api/send", (*socket).send},
	"pull":    {"/api/pull", (*socket).pull},
	"read":    {"/api/read", (*socket).read},
	"signal":  {"/api/signal", (*socket).signal},
	"ping":    {"/ping", (*socket).ping},
	"auth":    {"/api/ws", (*socket).auth},
}

// Verbs returns the types of all frames that clients send, sorted, for tests that must know of each.
func Verbs() []string { return slices.Sorted(maps.Keys(verbs)) }

// answer answers one frame. An error ends the connection.
func (s *socket) answer(ctx context.Context, text []byte) error {
	f, err := readFrame(text)
	if by, known := chat.CallerOf(ctx); err == nil && known && live.Expired(by) && f.Type != "auth" {
		err = live.ErrExpired
	}
	v, known := verbs[f.Type]
	if err == nil && !known {
		err = chat.Errorf(chat.InvalidArgument, "type %q is none of watch, unwatch, send, pull, read, signal, ping and auth", f.Type)
	}
	if err == nil && v.answer == nil {
		return s.watch(ctx, f, v.route)
	}
	var reply any
	if err == nil {
		if err = limit(ctx, v.route); err == nil {
			reply, err = v.answer(s, ctx, f)
		}
	}
	if err != nil {
		reply = refusal(f.Ref, "", err)
	}
	frame, known := reply.(encoded)
	if !known {
		frame = encode(reply)
	}
	return s.session.Write(func() error { return s.write(frame) })
}

func (s *socket) watch(ctx context.Context, f frame, route string) error {
	return s.session.Write(func() error {
		if err := s.follow(ctx, f, route); err != nil {
			return s.write(encode(refusal(f.Ref, "", err)))
		}
		return s.write(encode(head{Type: "watching", Ref: f.Ref, Chat: f.Chat, Inbox: f.Inbox}))
	})
}

func (s *socket) follow(ctx context.Context, f frame, route string) error {
	if s.watches++; s.watches > maxWatches { // the first maxWatches count as part of the connection
		if err := limit(ctx, route); err != nil {
			return err
		}
	}
	batch, err := duration("batch", f.Batch)
	if err != nil {
		return err
	}
	if f.Inbox {
		return s.followInbox(ctx, f, batch)
	}
	if s.session.Follows() >= maxWatches && !s.session.Has(f.Chat) {
		return chat.Errorf(chat.InvalidArgument, "%d chats are watched, which is the limit of a connection; unwatch one, or open another", maxWatches)
	}
	wanted := live.Follow{Chat: f.Chat, Cursor: f.cursor(), Limit: f.Limit, Reader: f.Reader, Presence: f.Reader != "", Batch: batch}
	if f.Presence != nil {
		wanted.Presence = *f.Presence
	}
	follows := []live.Follow{wanted}
	if err := s.handler.enter(ctx, follows); err != nil {
		return err
	}
	return s.session.Follow(follows[0])
}

func (s *socket) followInbox(ctx context.Context, f frame, batch time.Duration) error {
	if f.Chat != "" {
		return chat.Errorf(chat.InvalidArgument, "a frame watches a chat or the inbox; this one names both")
	}
	reader, err := chat.ActingReader(ctx, f.Reader)
	if err != nil {
		return err
	}
	by, _ := chat.CallerOf(ctx)
	return s.session.FollowInbox(live.InboxFollow{
		Follow:     live.Follow{Cursor: f.cursor(), Limit: f.Limit, Reader: reader, By: by, Batch: batch},
		FromCursor: f.Cursor != nil,
	})
}

func (s *socket) unwatch(_ context.Context, f frame) (any, error) {
	if f.Inbox {
		return head{Type: "unwatched", Ref: f.Ref, Inbox: true}, s.session.UnfollowInbox()
	}
	return head{Type: "unwatched", Ref: f.Ref, Chat: f.Chat}, s.session.Unfollow(f.Chat)
}

func (s *socket) send(ctx context.Context, f frame) (any, error) {
	receipt, err := s.handler.service.Send(ctx, chat.Message{Chat: f.Chat, Text: f.Text, Sender: f.Sender, ID: f.ID})
	return sentFrame{head{Type: "sent", Ref: f.Ref}, receipt.SendTime, receipt.Duplicate}, err
}

func (s *socket) pull(ctx context.Context, f frame) (any, error) {
	page, err := s.handler.service.Pull(ctx, chat.PullRequest{
		Chat: f.Chat, Cursor: f.cursor(), Limit: f.Limit, Reverse: f.Reverse, Reader: f.Reader, Unread: f.Unread, Raw: true,
	})
	if err != nil {
		return nil, err
	}
	frame := encode(head{Type: "page", Ref: f.Ref, Chat: f.Chat})
	frame[len(frame)-1] = ',' // instead of its end
	frame, err = appendPage(frame, f.Chat, &page)
	return encoded(frame), err
}

func (s *socket) read(ctx context.Context, f frame) (any, error) {
	cursor, err := s.handler.live.Read(ctx, reads(f.Chat, f.Reader, f.Cursor, f.Force))
	return readFrameOut{head{Type: "read", Ref: f.Ref, Chat: f.Chat}, f.Reader, cursor}, err
}

func (s *socket) signal(ctx context.Context, f frame) (any, error) {
	err := s.handler.live.Signal(ctx, chat.Signal{Chat: f.Chat, Sender: f.Sender, Type: f.Signal, Data: f.Data})
	if e := chat.AsError(err); err != nil && strings.HasPrefix(e.Message, "type ") { // which is the frame's own
		err = chat.Errorf(e.Code, "signal %s", strings.TrimPrefix(e.Message, "type "))
	}
	return head{Type: "signalled", Ref: f.Ref}, err
}

func (s *socket) ping(_ context.Context, f frame) (any, error) {
	return head{Type: "pong", Ref: f.Ref}, nil
}

// auth continues the connection with a new token of the same caller. With AUTH off it ignores the token.
func (s *socket) auth(ctx context.Context, f frame) (any, error) {
	was, identified := chat.CallerOf(ctx)
	if s.handler.config.Verify == nil || !identified {
		return head{Type: "authenticated", Ref: f.Ref}, nil
	}
	by, err := s.handler.config.Verify(f.Token)
	if err != nil {
		return nil, err
	}
	if by.User != was.User || by.Service != was.Service {
		return nil, chat.Errorf(chat.PermissionDenied, "this is not a token of the one who has opened the connection; open another")
	}
	if err := s.session.Renew(ctx, by); err != nil {
		return nil, err
	}
	s.renewed = &by
	return head{Type: "authenticated", Ref: f.Ref}, nil
}
