package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"
)

// FollowRequest asks for the messages of chats, from a cursor in each, or of all chats of a user.
type FollowRequest struct {
	// Chats are the chats, each with its first cursor; 0 is the oldest message. A program that stores the NextCursor of each
	// processed message resumes exactly with the next one after a restart.
	Chats map[string]int64
	// Inbox follows, instead of Chats, every chat of the Reader's inbox, including later ones. Each begins at the Reader's
	// cursor, which Read moves. With a token the Reader is optional. The Reader does not count as present. Not over LongPoll.
	Inbox bool
	// Reader is the reader, "alice" or "alice/phone". It counts as present in the chats, and Presence events come.
	Reader string
	// Presence asks for Presence events without a Reader.
	Presence bool
	// Batch collects the messages of this time, up to a minute, into one page for each chat; 0 does not wait.
	Batch time.Duration
	// Over is the transport.
	Over Transport
	// Connected is called with the server's base URL after every connect. It runs in the goroutine of the loop, and may be
	// nil.
	Connected func(server string)
}

// Transport is a transport for delivery. All deliver the same messages.
type Transport int

// Door is the earlier name of Transport.
//
// Deprecated: use Transport.
type Door = Transport

const (
	// ServerSentEvents is one endless response. It passes all proxies that do not buffer. Up to 100 chats.
	ServerSentEvents Transport = iota
	// WebSocket is one connection for all chats.
	WebSocket
	// LongPoll is a request for each chat and page. It passes all proxies, and delivers messages only.
	LongPoll
)

// Event is an event of a chat: one of the pointers is not nil.
type Event struct {
	Chat     string
	Page     *Page     // messages, at least one; resume at its NextCursor once they are processed
	Signal   *Signal   // sent while this was followed
	Presence *Presence // the present readers
	Reading  *Reading  // a reader's cursor has moved
	// Delivered is of a two-person chat: the other user, the Reader, has received every message before the Cursor.
	Delivered *Reading

	// With a Page of an Inbox: the display name of the chat.
	Name  string     // of the room, for people
	Users []UserName // of a two-person chat: the users with a display name
}

// Follow yields the messages of chats without end, from the cursors on: each once, and in every chat in order. It
// reconnects after every failure, and after a minute of silence, at another server if there are several, from the cursors
// that it reached. The waits of a Policy apply, and Attempt for the header of an answer; Attempts and Total do not.
// WithNotify reports each retry.
//
// It ends with an error, which comes with an empty message: an *Error if the server refuses, or ctx's. It reads the next
// message when the loop asks for it, so a slow loop costs a server nothing.
func (c *Client) Follow(ctx context.Context, r FollowRequest) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for event, err := range c.FollowEvents(ctx, r) {
			if err != nil {
				yield(Message{}, err)
				return
			}
			if event.Page == nil {
				continue
			}
			for _, m := range event.Page.Messages {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}

// FollowEvents is Follow with all kinds of events. Signals and Readings that are sent during a break are lost. Presence
// comes again after it.
func (c *Client) FollowEvents(ctx context.Context, r FollowRequest) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := r.validate(); err != nil {
			yield(Event{}, err)
			return
		}
		f := &following{client: c, request: r, cursors: map[string]int64{}, yield: yield}
		maps.Copy(f.cursors, r.Chats)
		if err := f.run(ctx); !errors.Is(err, errLoopEnded) {
			yield(Event{}, err)
		}
	}
}

func (r FollowRequest) validate() error {
	switch {
	case len(r.Chats) == 0 && !r.Inbox:
		return errors.New("there is no chat to follow")
	case len(r.Chats) > 0 && r.Inbox:
		return errors.New("an Inbox follows all chats: leave out Chats")
	case r.Inbox && r.Presence:
		return errors.New("an Inbox and Presence exclude each other")
	case r.Inbox && r.Over == LongPoll:
		return errors.New("an Inbox needs another Transport than LongPoll")
	case r.Batch < 0:
		return errors.New("a Batch must not be negative")
	case r.Over < ServerSentEvents || r.Over > LongPoll:
		return fmt.Errorf("there is no Transport %d", r.Over)
	case r.Over == LongPoll && (r.Reader != "" || r.Presence):
		return errors.New("a Reader and Presence need another Transport than LongPoll")
	}
	for chat, cursor := range r.Chats {
		if cursor < 0 {
			return fmt.Errorf("the cursor of %s is negative", chat)
		}
		// alice:bob and bob:alice are the same chat, which a server follows under one name.
		if one, other, ok := strings.Cut(chat, ":"); ok && one != other {
			if _, both := r.Chats[other+":"+one]; both {
				return fmt.Errorf("%s is there a second time, as %s:%s", chat, other, one)
			}
		}
	}
	return nil
}
