// Package chat is the domain: what a chat, a message, a cursor and an error are, and every rule about them.
//
// A chat is a log ordered by send_time; a reader is a cursor into it. All transports reach the rules of this
// package through Service, and it reaches what is stored through Store. It imports the standard library only.
package chat

import "context"

// MaxSendTime is the last position that a message can have. The cursor after it still is below 2^53, so that a
// JavaScript client reads every position and cursor exactly.
const MaxSendTime = MaxCursor - 1

// MaxCursor is the largest cursor that is accepted: 2^53 - 1.
const MaxCursor = 1<<53 - 1

// Message is one entry of a chat's log.
type Message struct {
	Chat   string // as the request named it: "alice:bob", "bob:alice" or a room
	Text   string
	Sender string
	ID     string // the sender's own id of this message, or ""

	// SendTime is the message's position in its chat, in microseconds since 1970 by the store's clock. It strictly
	// increases within a chat. It is set when the message is stored.
	SendTime int64

	Notice *Notice // nil but where the message tells of a change of its room
	Erased bool    // its sender has deleted herself and her texts: Text is empty
}

// Receipt says where a message was stored.
type Receipt struct {
	SendTime  int64 // microseconds since 1970
	Duplicate bool  // the ID was known: nothing was stored, and SendTime is that of the first time
}

// PullRequest asks for one page of a chat.
type PullRequest struct {
	Chat    string
	Cursor  int64 // inclusive position; reversed, 0 means from the newest
	Limit   int64 // messages at most; 0 asks for the default, more than the maximum for the maximum
	Reverse bool  // newest first

	// Reader is who reads, a user or one of her devices, or "": the messages of those whom she ignores are left out.
	Reader string
	Unread bool // from where the Reader stands, instead of from Cursor

	// Raw says that the caller reads entries as they are stored. It gets either Messages or Entries.
	Raw bool
}

// Page is an answer to a PullRequest. Messages or Entries are in the order in which they were asked for.
type Page struct {
	Messages []Message
	Entries  []string // in the stored form, which package entry reads; only where Raw was asked for
	HasMore  bool
	// NextCursor is where to continue from, inclusive. Forward it is always usable, also when there is nothing more
	// yet; in reverse it is 0 at the end.
	NextCursor int64
}

// Len is how many messages are in the page.
func (p *Page) Len() int { return len(p.Messages) + len(p.Entries) }

// Service is Pullchat to everything that uses it: MessageService implements it in the rpc-server, and the RPC and HTTP clients
// implement it over the network. All methods are safe for concurrent use and return an *Error or nil.
type Service interface {
	// Send stores a message, once for each ID of its sender, and returns when it is as durable as Redis is
	// configured to be. SendTime of the argument is ignored.
	Send(context.Context, Message) (Receipt, error)
	// Pull reads one page. A chat that nobody has written to is an empty page.
	Pull(context.Context, PullRequest) (Page, error)
	// Ready returns nil when a message could be stored now, else an Unavailable error that names what is missing.
	Ready(context.Context) error
}
