package chat

import (
	"context"
	"strings"
	"time"
)

// Bounds of what a change of a room may have.
const (
	MaxRoomNameBytes = 128
	MaxUsersAtOnce   = 100
	MaxMembersInPage = 1000
)

// Room is a room that somebody has created. One that nobody has is none; where it is not known who makes requests, it is
// open to all.
type Room struct {
	ID         string
	Name       string // for people; may be empty
	Visibility Visibility
	Created    int64 // microseconds since 1970: the position of its first notice
	Count      int   // of members
	Role       Role  // of who asks, or ""
	Members    []Member
	HasMore    bool   // members
	NextCursor string // of the members; "" at the end
}

// Visibility says whom a room is open to.
type Visibility string

// The visibilities. That of a room which nobody has created is "".
const (
	Public  Visibility = "public"  // to all, and it is in the list of public rooms
	Private Visibility = "private" // to its members
	Deleted Visibility = "deleted" // to nobody, until it is created anew
)

// Role is what a member may do.
type Role string

// The roles.
const (
	Admin       Role = "admin" // changes the room and its members
	PlainMember Role = "member"
)

// Member is one of a room's.
type Member struct {
	User  string
	Role  Role
	Since int64 // the position of the notice of it
}

// NewRoom asks for a room.
type NewRoom struct {
	ID         string // "": one is made
	Name       string
	Visibility Visibility // "" is Private
	Users      []string   // up to MaxUsersAtOnce members beside who creates it
	As         string     // who creates it: the caller, whom a service names
}

// RoomChange asks for a change of a room.
type RoomChange struct {
	Room  string
	Kind  ChangeKind
	Users []string // up to MaxUsersAtOnce that are added, removed, promoted or demoted
	Name  string   // that the room gets
	As    string   // who makes it: the caller, whom a service names, or does not where it acts for nobody

	Visibility Visibility // of an update
}

// ChangeKind says what a RoomChange does.
type ChangeKind string

// The kinds of changes. All but the first two are for admins.
const (
	JoinRoom      ChangeKind = "join" // a public room
	LeaveRoom     ChangeKind = "leave"
	AddMembers    ChangeKind = "add"
	RemoveMembers ChangeKind = "remove"
	PromoteMember ChangeKind = "promote"
	DemoteAdmin   ChangeKind = "demote"
	RenameRoom    ChangeKind = "rename"
	OpenRoom      ChangeKind = "open"
	CloseRoom     ChangeKind = "close"
	UpdateRoom    ChangeKind = "update" // the name and the visibility, in one step
	DeleteRoom    ChangeKind = "delete" // with its messages
)

// RoomRequest asks for a room.
type RoomRequest struct {
	Room   string
	As     string
	Limit  int64  // members in the answer; 0 and more than MaxMembersInPage ask for that many
	Cursor string // the NextCursor of the page before; "" is the beginning
}

// RoomsRequest asks for a page of rooms, ordered by the bytes of their ids.
type RoomsRequest struct {
	As     string
	Cursor string // a room to begin with, inclusive, whether there is one or not; "" is the beginning
	Limit  int64  // 0 asks for the default, more than the maximum for the maximum
}

// RoomPage is an answer to a RoomsRequest. It may have fewer rooms than the limit although there are more.
type RoomPage struct {
	Rooms      []Room // without their members
	HasMore    bool
	NextCursor string // "" at the end
}

// Rooms is what rooms there are, and who is in them. Like Service, RoomService implements it, and the RPC client over the
// network; its methods are safe for concurrent use and return an *Error or nil. The rooms that CreateRoom, ChangeRoom and
// the lists return are without their members.
type Rooms interface {
	// CreateRoom makes a room. The error is a Conflict where there is one.
	CreateRoom(context.Context, NewRoom) (Room, error)
	// ChangeRoom makes a change and tells of it in the room's log, in one step. One that changes nothing, as when a
	// member is added again, does nothing.
	ChangeRoom(context.Context, RoomChange) (Room, error)
	// Room returns one, those who are members for longest first.
	Room(context.Context, RoomRequest) (Room, error)
	// RoomsOf returns the rooms of which a user is a member.
	RoomsOf(context.Context, RoomsRequest) (RoomPage, error)
	// PublicRooms returns all that are public.
	PublicRooms(context.Context, RoomsRequest) (RoomPage, error)
}

// RoomQuery asks for a room, and for some of its members or all.
type RoomQuery struct {
	Room  ID
	Users []string
	All   bool
	Log   bool // Logged is wanted; then Users and All are not
}

// StoredRoom is a room as it is kept.
type StoredRoom struct {
	Name       string
	Visibility Visibility // "" where nobody has created it
	Created    int64
	Count      int               // of members
	Admins     int               // how many of them are
	Members    map[string]Member // those who were asked for, where they are members
	Logged     bool              // something was said under the id, where that was asked for

	// Of a room that was deleted: until when only its last admins may create it anew, in microseconds since 1970, and they.
	Reserved int64
	Heirs    []string
}

// RoomEdit changes a room if that still is as it was read.
type RoomEdit struct {
	Room ID
	// What must hold. A Member without a Role is none.
	IfVisibility Visibility
	IfAdmins     int // negative is any number
	IfMembers    []Member
	IfEmpty      bool  // the log has never had a message, or the room was deleted since
	IfReserved   int64 // of one that was deleted

	Name       *string    // nil leaves it
	Visibility Visibility // "" leaves it; with Created it is that of a new room
	Created    bool       // sets the time
	Set        []Member   // Since 0 is the position of the first notice: these are new members
	Remove     []string
	Emptied    bool // the last members of a private room go: it is deleted, if there still are no others
	MaxMembers int
	Notices    []Message     // go to the log, in their order, all or none
	Tell       bool          // publishes MembersChanged
	Reserve    time.Duration // of DropRoom: how long only the last admins may create the room anew
	Ousted     []string      // the event's users
}

// EditOutcome says what came of a RoomEdit.
type EditOutcome int

// The outcomes.
const (
	Edited       EditOutcome = iota
	EditStale                // something that must hold does not: nothing changed
	EditTooMany              // the room would have more members than it may: nothing changed
	EditNotEmpty             // there are messages already: nothing changed
	EditNoPlaces             // the positions of the log are used up: nothing changed
)

// RoomStore is Store's counterpart to Rooms: it knows nothing of the rules, and what it is given has been checked.
type RoomStore interface {
	RoomReader
	// EditRoom makes a change and appends its notices in one step. Whoever is a member has the room in ListRooms, and a
	// public room is in ListPublic, also after a crash. It returns the position of the first notice.
	EditRoom(context.Context, RoomEdit) (EditOutcome, int64, error)
	// DropRoom deletes a room and all of its log, and publishes MembersChanged, if the edit's conditions hold.
	DropRoom(context.Context, RoomEdit) (EditOutcome, error)
	// ListRooms returns the rooms of which a user is, or has been, or was about to be a member, from one on, inclusive, by
	// the bytes of their ids.
	ListRooms(ctx context.Context, user, from string, limit int) ([]string, error)
	// ListPublic returns rooms that are, or were about to be public, from one on, inclusive, by the bytes of their ids.
	ListPublic(ctx context.Context, from string, limit int) ([]string, error)
}

// parseRoom reads the id of a room.
func parseRoom(name string) (ID, error) {
	if strings.Contains(name, ":") {
		return ID{}, Errorf(InvalidArgument, "%q is a chat of two users, and no room", name)
	}
	return ID{name}, checkName("room", name)
}
