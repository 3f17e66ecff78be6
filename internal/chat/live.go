package chat

import "context"

// Event is what those who watch a chat are told. It is a hint or news of the moment: an event that is lost costs time
// or a glimpse, never a message.
type Event struct {
	Chat ID
	Kind EventKind
	// Position is that of the chat's last message, or an earlier one: a Hint's. 0 is an empty chat.
	Position int64
	// Entries are, in a Hint that brings them, all entries of the chat after Before and up to Position, oldest first, each
	// as it lies in the log. They are shared, and must not be changed. Before is 0 where the chat had none.
	Entries [][]byte
	Before  int64

	Signal  *Signal  // a Signalled's
	Reading *Reading // a Moved's
	Users   []string // a MembersChanged's
	Deleted bool     // of a MembersChanged: the room is no more
}

// EventKind says what an Event is about.
type EventKind int

// The kinds of events.
const (
	// Hint says that a pull from before Position, or from there, would return something.
	Hint EventKind = iota
	// Signalled carries a signal.
	Signalled
	// Moved says how far a reader has read.
	Moved
	// PresenceChanged says that Present would answer something else than before.
	PresenceChanged
	// Listed says that the list of a user's chats has changed. Chat is her chat with herself.
	Listed
	// IgnoredChanged says that she ignores others than before. Chat is her chat with herself.
	IgnoredChanged
	// MembersChanged says that Users may not be in the chat any more; where nobody is named, that it may be anybody.
	MembersChanged
	// RoomGone says that the chat, a room, was deleted. A gateway tells it those who follow the chat; no store publishes it.
	RoomGone
)

// Watch follows what happens in a set of chats. It is safe for concurrent use, but Next is called by one goroutine.
type Watch interface {
	// Add begins to follow chats. Each is confirmed by a Hint with its position, which was read after the watch had
	// begun: a message is in the log when somebody reads it after the confirmation, or is hinted at later. A chat is
	// confirmed again whenever hints may have been lost.
	Add(...ID)
	// Remove ends it. Events that are on their way still come.
	Remove(...ID)
	// Next waits for events and returns all there are. What a slow caller has missed are the earlier hints of a chat,
	// the earlier movements of a reader, and signals beyond a number. The error is ctx's, or says that the Watch has
	// ended.
	Next(ctx context.Context) ([]Event, error)
	// Close ends the Watch.
	Close()
}

// Signal is something of the moment, such as that somebody is typing. It is stored nowhere.
type Signal struct {
	Chat   string // as the request named it
	Sender string // in a two-person chat one of the two
	Type   string // a name: "typing", or one of the application's own
	Data   string // the application's own, at most MaxSignalBytes of UTF-8
}

// MaxSignalBytes is the longest Data of a Signal.
const MaxSignalBytes = 256

// Reading is how far a reader has read.
type Reading struct {
	Reader string // a user, or one of her devices: "alice/phone"
	Cursor int64  // every message before it is read
}

// ReadRequest moves a reader's cursor. It never stands past the chat's end, which is one past the newest message.
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

// Live is what Pullchat says and hears beside the log. Like Service, MessageService implements it, and the RPC client over the
// network; its methods are safe for concurrent use and return an *Error or nil.
type Live interface {
	// Watch follows chats. The caller closes it.
	Watch() Watch
	// Signal tells the watchers of a chat.
	Signal(context.Context, Signal) error
	// Read moves a reader's cursor, forward unless the request has Force, and returns where it stands. Nothing else
	// moves it: who sends has said nothing of what she has read.
	Read(context.Context, ReadRequest) (int64, error)
	// Attend says who watches chats through a gateway. It replaces what the gateway said of these chats before, and
	// lapses unless it is said again within AttendanceLapses.
	ReportPresence(ctx context.Context, gateway string, present []Attendance) error
	// Present returns who watches a chat, sorted.
	Present(ctx context.Context, chat string) ([]string, error)
}

// LiveStore is Store's counterpart to Live: it knows nothing of the rules, and what it is given has been checked.
type LiveStore interface {
	Watch() Watch
	// Tell publishes a Signalled event.
	Tell(context.Context, Event) error
	// Advance moves a reader's cursor forward, or also back with force, but not past the chat's end. It publishes a Moved
	// event with the new cursor where that is another one, and returns where the reader stands.
	Advance(ctx context.Context, id ID, r Reading, force bool) (int64, error)
	// Attend replaces what a gateway said of chats, and publishes PresenceChanged where it differs.
	ReportPresence(ctx context.Context, gateway string, present map[ID][]string) error
	// Present returns who is present, sorted.
	Present(context.Context, ID) ([]string, error)
}
