package chat

import "context"

// Event is sent to the watchers of a chat. It is a hint or transient news: a lost event costs time or a signal, never a
// message.
type Event struct {
	Chat ID
	Kind EventKind
	// Position is, in a Hint, the position of the chat's last message, or an earlier one. 0 is an empty chat.
	Position int64
	// Entries are optional in a Hint: all entries of the chat after Before and up to Position, oldest first, in the stored
	// form. They are shared, and must not be changed. Before is 0 if the chat had no entry.
	Entries [][]byte
	Before  int64

	Signal  *Signal  // of Signalled
	Reading *Reading // of Moved and Received
	Users   []string // of MembersChanged
	Deleted bool     // of MembersChanged: the room was deleted
}

// EventKind is the kind of an Event.
type EventKind int

// The kinds of events.
const (
	// Hint says that a pull from Position or before would return a message.
	Hint EventKind = iota
	// Signalled carries a signal.
	Signalled
	// Moved carries a reader's new cursor.
	Moved
	// Received carries how far a user has received a two-person chat: the Reading's Reader is the user. Its cursor may be lower
	// than that of an earlier event, which holds.
	Received
	// PresenceChanged says that the answer of Present has changed.
	PresenceChanged
	// Listed says that the list of a user's chats has changed. Chat is the user's SelfChat.
	Listed
	// IgnoredChanged says that a user's ignored users have changed. Chat is the user's SelfChat.
	IgnoredChanged
	// MembersChanged says that Users may have lost access to the chat. Without Users, any user may have.
	MembersChanged
	// RoomGone says that the room was deleted. A gateway sends it to the chat's followers; no store publishes it.
	RoomGone
)

// Watch receives the events of a set of chats. It is safe for concurrent use, but only one goroutine calls Next.
type Watch interface {
	// Add watches more chats. A Hint with the chat's position confirms each. The position is read after the watch has begun.
	// Therefore every message is either in the log at the confirmation or hinted at later. A chat is confirmed again whenever
	// hints may have been lost.
	Add(...ID)
	// Remove stops watching chats. Events in flight may still arrive.
	Remove(...ID)
	// Next waits for events and returns all that are pending. A slow caller misses earlier hints of a chat, earlier movements
	// of a reader, and signals beyond a limit. The error is ctx's, or says that the Watch has ended.
	Next(ctx context.Context) ([]Event, error)
	// Close ends the Watch.
	Close()
}

// Signal is a transient message, such as "alice is typing". It is not stored.
type Signal struct {
	Chat   string // as the request named it
	Sender string // in a two-person chat one of the two
	Type   string // a name: "typing", or one of the application's own
	Data   string // data of the application, at most MaxSignalBytes of UTF-8
}

// CheckSignalType returns why a Signal may not have a Type, or nil. field is the transport's name for it.
func CheckSignalType(field, word string) error { return checkWord(field, word) }

// MaxSignalBytes is the longest Data of a Signal.
const MaxSignalBytes = 256

// Reading is a reader's cursor.
type Reading struct {
	Reader string // a user, or a device: "alice/phone"
	Cursor int64  // every message before it is read
}

// ReadRequest moves a reader's cursor, but never past the chat's end, which is one past the newest message.
type ReadRequest struct {
	Chat    string
	Reading Reading
	End     bool // to the chat's end; the Reading's Cursor is 0
	Force   bool // also back; else the cursor only moves forward
}

// Attendance are the readers who watch a chat through one gateway.
type Attendance struct {
	Chat    string
	Readers []string
}

// Live sends and receives events beside the log. LiveService implements it, and the RPC client does over the network. Its
// methods are safe for concurrent use and return an *Error or nil.
type Live interface {
	// Watch opens a Watch. The caller closes it.
	Watch() Watch
	// Signal sends a signal to the watchers of a chat.
	Signal(context.Context, Signal) error
	// Read moves a reader's cursor, forward unless the request has Force, and returns the cursor. Nothing else moves it: a
	// send does not.
	Read(context.Context, ReadRequest) (int64, error)
	// ReportPresence reports the readers who watch chats through a gateway. It replaces the gateway's earlier report for
	// these chats, and expires after AttendanceLapses.
	ReportPresence(ctx context.Context, gateway string, present []Attendance) error
	// Present returns the readers who watch a chat, sorted.
	Present(ctx context.Context, chat string) ([]string, error)
}

// LiveStore is the store of Live. It applies no rules: its arguments have been checked.
type LiveStore interface {
	Watch() Watch
	// Tell publishes a Signalled event.
	Tell(context.Context, Event) error
	// Advance moves a reader's cursor forward, with force also back, but not past the chat's end. If the cursor changed it
	// publishes Moved. It returns the cursor.
	Advance(ctx context.Context, id ID, r Reading, force bool) (int64, error)
	// ReportPresence replaces a gateway's report for chats, and publishes PresenceChanged for those that differ.
	ReportPresence(ctx context.Context, gateway string, present map[ID][]string) error
	// Present returns the present readers, sorted.
	Present(context.Context, ID) ([]string, error)
}
