// Package chat is the domain: chats, messages, cursors, rooms, accounts, errors, and every rule about them.
//
// A chat is a log ordered by send_time; a reader is a cursor into it. Transports call the rules through Service; the rules
// call the storage through Store. The package imports the standard library only.
package chat

import "context"

// MaxSendTime is the last position of a message. The cursor after it is still below 2^53, so JavaScript clients read every
// position and cursor exactly.
const MaxSendTime = MaxCursor - 1

// MaxCursor is the largest valid cursor: 2^53 - 1.
const MaxCursor = 1<<53 - 1

// Message is one entry of a chat's log.
type Message struct {
	Chat   string // as the request named it: "alice:bob", "bob:alice" or a room
	Text   string
	Sender string
	ID     string // the sender's id for this message, or ""

	// SendTime is the message's position in its chat, in microseconds since 1970 by the store's clock. It strictly
	// increases within a chat. The store sets it.
	SendTime int64

	Notice *Notice // set if the entry describes a change of its room or of an earlier message
	Erased bool    // the message was deleted, or the sender's account with its texts: Text is empty

	Content *Content // nil: Text is all
	State   *State   // nil: the message is as it was sent. The store sets it
}

// Content has the parts of a message beside its text.
type Content struct {
	ReplyTo  int64    // the position of the message that this one answers, or 0
	Mentions []string // users
	Type     string   // of Body; "" is text
	Body     Object
	Metadata Object // the application's, stored and returned as it is
}

// State has the changes of a message since it was sent. Every page shows the current State.
type State struct {
	Edited    int64 // the position of the last edit, or 0
	Deleted   int64 // the position of the deletion, or 0
	Reactions []Reaction
	Replies   int   // how many messages answer this one, deleted ones too
	LastReply int64 // the position of the last of them, or 0
}

// Reaction is one emoji of a message.
type Reaction struct {
	Emoji string
	Count int      // of users; one of each kind for each user
	Users []string // the first few
	Own   bool     // the reader of the page is one of them. It is not stored
}

// Object is a JSON object without needless spaces, or "".
type Object string

// Receipt is the position of a stored message.
type Receipt struct {
	SendTime  int64 // microseconds since 1970
	Duplicate bool  // the ID was known: nothing was stored, and SendTime is that of the first send
}

// PullRequest asks for one page of a chat.
type PullRequest struct {
	Chat    string
	Cursor  int64 // inclusive position; reversed, 0 means from the newest
	Limit   int64 // messages at most; 0 means the default, above the maximum means the maximum
	Reverse bool  // newest first

	// Reader is a user, a device, or "". Messages of users that the reader ignores are left out.
	Reader string
	Unread bool // start at the Reader's cursor instead of Cursor

	// Raw asks for entries in the stored form. The page then has either Messages or Entries.
	Raw bool
}

// Page answers a PullRequest. Messages or Entries are in the requested order.
type Page struct {
	Messages []Message
	Entries  []string // in the stored form, which package entry reads; only with Raw
	HasMore  bool
	// NextCursor is the position to continue from, inclusive. Forward it is always valid, also at the end; in reverse it is 0
	// at the end.
	NextCursor int64
}

// Len returns the number of messages in the page.
func (p *Page) Len() int { return len(p.Messages) + len(p.Entries) }

// Service sends and pulls messages. MessageService implements it in the rpc-server; the RPC and HTTP clients implement it
// over the network. All methods are safe for concurrent use and return an *Error or nil.
type Service interface {
	// Send stores a message, once for each ID of its sender, and returns when it is as durable as Redis is configured to be.
	// It ignores the argument's SendTime.
	Send(context.Context, Message) (Receipt, error)
	// Pull reads one page. A chat without messages is an empty page.
	Pull(context.Context, PullRequest) (Page, error)
	// Ready returns nil if a message can be stored, else an Unavailable error that names the missing part.
	Ready(context.Context) error
}
