package chat

import (
	"context"
	"strings"
)

// ManyUnread stands for every number of unread messages above 99.
const ManyUnread = 100

// MaxUnread is the maximum number of chats that one UnreadRequest looks into.
const MaxUnread = 1000

// MaxReceipts is the maximum number of readers that an answer lists. All are counted.
const MaxReceipts = 1000

// Receipts are the cursors of a chat's readers.
type Receipts struct {
	Readings []Reading // sorted by the readers' names, at most MaxReceipts
	Count    int       // of all readers
}

// InboxRequest asks for a page of a user's chats.
type InboxRequest struct {
	Reader string // a user, or a device: "alice/phone"
	Cursor int64  // the NextCursor of the previous page; 0 is from the newest
	Limit  int64  // chats at most, plus those with the same newest position; 0 means the default
	Names  bool   // return the display names of rooms and users too
}

// InboxEntry is one chat of an inbox.
type InboxEntry struct {
	Chat   string   // in its canonical form
	Last   *Message // the newest message, without those of ignored users; nil if there is none
	Unread int      // messages of others from Cursor on, without ignored users, notices and erased ones; ManyUnread for more than 99
	Cursor int64    // the reader's cursor
	// Mentions is how many of the unread messages mention the user. Of more than 99 unread ones it counts at least in the first hundred.
	Mentions int

	// With Names: the display name of the room, and those of the users of a two-person chat, or of the sender of Last. Users
	// without one are left out.
	Name  string
	Users []UserName
}

// UserName is a user with a display name.
type UserName struct {
	User string
	Name string
}

// Inbox is a page of a user's chats, newest activity first. A chat that stays in the list is on at least one page. A chat
// that moves up meanwhile comes again, after the others.
type Inbox struct {
	Entries    []InboxEntry
	HasMore    bool
	NextCursor int64 // the position to continue from; 0 at the end
}

// UnreadRequest asks for a page of the chats with unread messages, newest activity first. Like those of an inbox, the
// pages lose no chat.
type UnreadRequest struct {
	Reader string
	Cursor int64 // the NextCursor of the previous page; 0 is from the newest
	Limit  int64 // chats to look into; 0 and values above MaxUnread mean MaxUnread
}

// UnreadPage answers an UnreadRequest. It leaves out chats whose new messages are the user's own or of ignored users.
type UnreadPage struct {
	Chats      []Unread // sorted by name
	HasMore    bool
	NextCursor int64 // the position to continue from; 0 at the end
}

// Unread is the number of unread messages in a chat.
type Unread struct {
	Chat  string // in its canonical form
	Count int    // ManyUnread for more than 99
	// Mentions is as in InboxEntry.
	Mentions int
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

// Title is the display name of a chat.
type Title struct {
	Name  string     // the room's; may be empty
	Users []UserName // the users of a two-person chat that have a name
}

// IgnoreRequest makes User ignore Other, or stop ignoring Other.
type IgnoreRequest struct {
	User   string
	Other  string
	Ignore bool
}

// Inboxes hold the data of single users: their chats and the users that they ignore. InboxService implements it, and the RPC
// client does over the network. Its methods are safe for concurrent use and return an *Error or nil.
type Inboxes interface {
	// Inbox returns a page of a user's chats.
	Inbox(context.Context, InboxRequest) (Inbox, error)
	// Unread returns a page of the chats with unread messages. One call of a user to Inbox, Unread or Chats runs at a
	// time. Others wait, and identical calls share a run. The error is ResourceExhausted if too many wait.
	Unread(context.Context, UnreadRequest) (UnreadPage, error)
	// Chats returns all of a user's chats, by their names, and where the reader stands in them.
	// The one that moved last comes first.
	Chats(context.Context, ChatsRequest) ([]Standing, error)
	// Ignored returns the users that a user ignores, sorted.
	Ignored(ctx context.Context, user string) ([]string, error)
	// Ignore hides messages of Other from User, in all chats, until User stops ignoring Other. It is idempotent.
	Ignore(context.Context, IgnoreRequest) error
}

// Readers reads the cursors of a chat's readers.
type Readers interface {
	// Readers returns the cursors, sorted by reader.
	Readers(ctx context.Context, chat string) (Receipts, error)
}

// PositionQuery is a reader in a chat.
type PositionQuery struct {
	Chat   ID
	Reader string
}

// PositionResult answers a PositionQuery.
type PositionResult struct {
	Cursor  int64           // the reader's cursor, as in Newest; 0 before the reader has read anything
	Ignored map[string]bool // users that the reader's user ignores; nil for none
	Err     error
}

// ReaderStore is the store of readers, for InboxService and for pulls. It applies no rules.
type ReaderStore interface {
	// ReaderPositions returns readers' cursors and the users that they ignore.
	ReaderPositions(context.Context, []PositionQuery) []PositionResult
	// Readings returns the cursors of up to limit readers of a chat, sorted, and the number of all readers.
	Readings(ctx context.Context, id ID, limit int) (Receipts, error)
	// SetIgnored makes a user ignore another one, or stop. It publishes IgnoredChanged if that changes anything.
	SetIgnored(context.Context, IgnoreRequest) error
}

// InboxStore is the store from which inboxes are computed.
type InboxStore interface {
	// Lists returns all chats of a user, sorted by name, and the users that the user ignores. A conversation is listed before
	// its first message, and a room before the user becomes a member. A listed room may have lost the member; see Newest.
	Lists(ctx context.Context, user string) (chats []ID, ignored map[string]bool, err error)
	// Newest returns the position of each chat's newest message, 0 for none, the reader's cursor, and whether the chat is
	// still the reader's.
	Newest(ctx context.Context, reader string, chats []ID) ([]Newest, error)
	// Preview returns each chat's last message and unread count. It stops after thousands of consecutive messages that do
	// not count.
	Preview(context.Context, Previews) ([]PreviewResult, error)
	// ReadNames returns the display names of rooms and of users, in their order; "" for a missing one.
	ReadNames(ctx context.Context, rooms []ID, users []string) (ofRooms, ofUsers []string, err error)
}

// Newest is the state by which an inbox is sorted.
type Newest struct {
	Position int64
	Read     int64 // the time of the query: a later message has this position or a higher one; 0 is unknown
	Cursor   int64 // in a room it is not before the start of the membership
	Gone     bool  // the chat is a room without the user as a member
}

// Previews ask for a user's previews of chats. A room without the user as a member has an empty one.
type Previews struct {
	User    string          // own messages do not count
	Ignored map[string]bool // messages of these users neither count nor are the last one; notices of them are
	Chats   []Preview
}

// Preview asks for the last message and the unread count of a chat.
type Preview struct {
	Chat ID
	Last bool  // return the last message
	From int64 // messages from here on count as unread, except notices and erased ones
}

// PreviewResult answers a Preview.
type PreviewResult struct {
	Last   *Message // nil if there is none; Chat is not filled in
	Unread int      // at most ManyUnread
	// Mentions is how many of those that were counted mention the user.
	Mentions int
}

// SelfChat is the chat of a user alone. Its watchers get the events of the user's own data.
func SelfChat(user string) ID { return ID{user + ":" + user} }

// UserOf returns the user of a reader, which is a user or a user's device.
func UserOf(reader string) string {
	user, _, _ := strings.Cut(reader, "/")
	return user
}
