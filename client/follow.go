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

// FollowRequest asks for what comes in chats, from a cursor in each; or in all that a user has.
type FollowRequest struct {
	// Chats are the chats, each with the cursor where it begins; 0 is the oldest message. Whoever keeps, for every
	// message that is dealt with, its NextCursor here, goes on with exactly the next one after a restart.
	Chats map[string]int64
	// Inbox follows, instead of Chats, every chat of the Reader's inbox, also those that begin or that she joins later, each
	// from where the Reader stands: what Read has been told of does not come again. With a token the Reader may be left out.
	// She does not count as present. Not over LongPoll.
	Inbox bool
	// Reader is who follows, "alice" or "alice/phone". It counts as present in the chats, and Presence comes.
	Reader string
	// Presence asks for Presence without a Reader.
	Presence bool
	// Batch gathers the messages of this time, up to a minute, into one page for each chat; 0 waits for none.
	Batch time.Duration
	// Over is the way in which messages come.
	Over Door
	// Connected is called when a server has accepted, the first time and after every break, with its base URL. It runs
	// in the goroutine of the loop; nil is nothing.
	Connected func(server string)
}

// Door is a way in which a server delivers. All deliver the same messages.
type Door int

const (
	// ServerSentEvents is one response without an end: it passes all proxies that do not gather. Up to 100 chats.
	ServerSentEvents Door = iota
	// WebSocket is one connection for all chats.
	WebSocket
	// LongPoll is a request for each chat and page. It passes everywhere, and brings messages only.
	LongPoll
)

// Event is what comes in a chat: one of the pointers is not nil.
type Event struct {
	Chat     string
	Page     *Page     // messages, at least one; its NextCursor is where to go on once they are dealt with
	Signal   *Signal   // sent while this was followed
	Presence *Presence // who is there now
	Reading  *Reading  // a reader's cursor has moved

	// With a Page of an Inbox, what people call the chat.
	Name  string     // of the room, for people
	Users []UserName // of a two-person chat; those who have a name for people
}

// Follow yields the messages of chats for ever: what is there from the cursors on, and what comes, each once, and in
// every chat in order. A connection that breaks or is silent for a minute, a server that stops, is too busy or not
// there: all that is repeated without end, at another server where there are several, from the cursors that were
// reached. In a Policy the waits hold, and Attempt, for the header of an answer; Attempts and Total do not. WithNotify
// tells of each.
//
// It ends with an error, which comes with an empty message: an *Error where the server refuses, ctx's in the end. The
// next message is read when the loop asks for it, so a slow loop costs a server nothing.
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

// FollowEvents is Follow with everything that comes. Signals, Presence and Readings that were sent during a break are
// lost; Presence comes anew after it.
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
		return errors.New("an Inbox has chats of its own: Chats is for another Follow")
	case r.Inbox && r.Presence:
		return errors.New("an Inbox has no Presence")
	case r.Inbox && r.Over == LongPoll:
		return errors.New("a LongPoll follows Chats: an Inbox needs another Door")
	case r.Batch < 0:
		return errors.New("a negative Batch cannot be waited for")
	case r.Over < ServerSentEvents || r.Over > LongPoll:
		return fmt.Errorf("there is no Door %d", r.Over)
	case r.Over == LongPoll && (r.Reader != "" || r.Presence):
		return errors.New("a LongPoll has messages only: Reader and Presence need another Door")
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
