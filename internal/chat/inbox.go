package chat

import (
	"context"
	"strings"
)

// ManyUnread stands for every number of unread messages above 99.
const ManyUnread = 100

// MaxUnread is how many chats one UnreadRequest looks into.
const MaxUnread = 1000

// MaxReceipts is how many readers an answer names. All are counted.
const MaxReceipts = 1000

// Receipts is how far the readers of a chat have read.
type Receipts struct {
	Readings []Reading // by the readers' names, MaxReceipts at most
	Count    int       // of all
}

// InboxRequest asks for a page of a user's chats.
type InboxRequest struct {
	Reader string // a user, or one of her devices: "alice/phone"
	Cursor int64  // the NextCursor of the page before; 0 is from the newest
	Limit  int64  // chats at most, but for those where something was said at the same time; 0 asks for the default
	Names  bool   // the names of rooms and users are wanted too
}

// InboxEntry is one chat of an inbox.
type InboxEntry struct {
	Chat   string   // in its canonical form
	Last   *Message // the newest message that is not of somebody ignored; nil where there is none
	Unread int      // messages of others who are not ignored, from Cursor on, but no notices and none erased; ManyUnread for more than 99
	Cursor int64    // where the reader stands

	// Where Names were asked for: the room's, and those of the users of a two-person chat, or of the sender of Last. Who has
	// no name for people is not among them.
	Name  string
	Users []UserName
}

// UserName is a user with a name for people.
type UserName struct {
	User string
	Name string
}

// Inbox is a page of a user's chats. The one where something was said last is the first. A chat that stays in the list is
// on one of the pages at least: one that moves up meanwhile comes once more, after the others.
type Inbox struct {
	Entries    []InboxEntry
	HasMore    bool
	NextCursor int64 // where to continue from; 0 at the end
}

// UnreadRequest asks for a page of the chats in which a reader has something to read, from the one where something was said
// last on. Pages lose no chat, as those of an inbox do not.
type UnreadRequest struct {
	Reader string
	Cursor int64 // the NextCursor of the page before; 0 is from the newest
	Limit  int64 // chats to look into; 0, and more than that, is MaxUnread
}

// UnreadPage is such a page. A chat where all that is new is of others who are ignored, or the user's own, is not on it.
type UnreadPage struct {
	Chats      []Unread // by their names
	HasMore    bool
	NextCursor int64 // where to continue from; 0 at the end
}

// Unread is how many messages wait in a chat.
type Unread struct {
	Chat  string // in its canonical form
	Count int    // ManyUnread for more than 99
}

// ChatsRequest asks for all of a user's chats.
type ChatsRequest struct {
	Reader string // a user, or one of the user's devices: "alice/phone"
	Names  bool   // the names of rooms and users are wanted too
}

// Standing is where a reader stands in a chat.
type Standing struct {
	Chat   string // in its canonical form
	Cursor int64

	Title // where Names were asked for
}

// Title is what people call a chat.
type Title struct {
	Name  string     // the room's; may be empty
	Users []UserName // the users of a two-person chat that have a name
}

// IgnoreRequest has a user ignore another one from now on, or no longer.
type IgnoreRequest struct {
	User   string
	Other  string
	Ignore bool
}

// Inboxes are what users have of their own: their chats, and whom they ignore. InboxService implements it, and the RPC
// client over the network; its methods are safe for concurrent use and return an *Error or nil.
type Inboxes interface {
	// Inbox returns a page of a user's chats.
	Inbox(context.Context, InboxRequest) (Inbox, error)
	// Unread returns a page of the chats in which a reader has something to read. Of one user's calls of Inbox, Unread and
	// Chats one is made at a time; others wait, and those that ask the same share one. ResourceExhausted is that too many wait.
	Unread(context.Context, UnreadRequest) (UnreadPage, error)
	// Chats returns all of a user's chats, by their names, and where the reader stands in them.
	// The one that moved last comes first.
	Chats(context.Context, ChatsRequest) ([]Standing, error)
	// Ignored returns whom a user ignores, sorted.
	Ignored(ctx context.Context, user string) ([]string, error)
	// Ignore has a user ignore another one: what she sends does not reach the user, in whichever chat, before the user
	// ignores her no longer. It may be said twice.
	Ignore(context.Context, IgnoreRequest) error
}

// Readers are those who read a chat.
type Readers interface {
	// Readers returns how far they have read.
	Readers(ctx context.Context, chat string) (Receipts, error)
}

// PositionQuery is a reader in a chat.
type PositionQuery struct {
	Chat   ID
	Reader string
}

// PositionResult is what came of a PositionQuery.
type PositionResult struct {
	Cursor  int64           // where the reader stands, as Newest has it; 0 before she has read anything
	Ignored map[string]bool // whom the reader's user ignores; nil where nobody is
	Err     error
}

// ReaderStore is Store's counterpart to InboxService and to pulls of readers. It knows nothing of the rules.
type ReaderStore interface {
	// ReaderPositions returns where readers stand and whom their users ignore.
	ReaderPositions(context.Context, []PositionQuery) []PositionResult
	// Readings returns how far up to limit readers of a chat have read, sorted, and how many there are.
	Readings(ctx context.Context, id ID, limit int) (Receipts, error)
	// SetIgnored has a user ignore another one or no longer, and publishes IgnoredChanged where that is new.
	SetIgnored(context.Context, IgnoreRequest) error
}

// InboxStore is the part of the store from which inboxes are computed.
type InboxStore interface {
	// Lists returns all chats of a user, sorted by name, and whom she ignores. An append puts a conversation there before
	// its first message, and EditRoom a room before she is a member; she may be none any more, as Newest tells.
	Lists(ctx context.Context, user string) (chats []ID, ignored map[string]bool, err error)
	// Newest returns the position of each chat's newest message, 0 where none was ever stored, where the reader stands in
	// it, and whether it still is hers.
	Newest(ctx context.Context, reader string, chats []ID) ([]Newest, error)
	// Preview returns of each chat its last message, and how many messages are unread. Where thousands in a row do not
	// count, it looks no further.
	Preview(context.Context, Previews) ([]PreviewResult, error)
	// ReadNames returns the display names of rooms and of users, in their order; "" for a missing one.
	ReadNames(ctx context.Context, rooms []ID, users []string) (ofRooms, ofUsers []string, err error)
}

// Newest is what an inbox is sorted by.
type Newest struct {
	Position int64
	Read     int64 // the time when it was read: a later message has this position, or a higher one; 0 is unknown
	Cursor   int64 // in a room it is not before its reader became a member
	Gone     bool  // it is a room of which she is none
}

// Previews ask for what an inbox shows of a user's chats. Of a room of which the user is no member there is nothing.
type Previews struct {
	User    string          // whose own messages do not count
	Ignored map[string]bool // whose messages neither count nor are the last one; notices are nobody's
	Chats   []Preview
}

// Preview asks for what an inbox shows of a chat.
type Preview struct {
	Chat ID
	Last bool  // the last message is wanted
	From int64 // from where messages count as unread; notices and what was erased do not
}

// PreviewResult is what came of a Preview.
type PreviewResult struct {
	Last   *Message // nil where there is none; Chat is not filled in
	Unread int      // at most ManyUnread
}

// SelfChat is the user's chat with herself, whose watchers hear what happens to what is her own.
func SelfChat(user string) ID { return ID{user + ":" + user} }

// UserOf is the user whose device a reader is, or the reader.
func UserOf(reader string) string {
	user, _, _ := strings.Cut(reader, "/")
	return user
}
