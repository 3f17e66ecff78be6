package chat

import (
	"context"
	"strings"
	"time"
)

// Limits of a room's change.
const (
	MaxRoomNameBytes = 128
	MaxUsersAtOnce   = 100
	MaxMembersInPage = 1000

	MinRetention = time.Minute
	MaxRetention = 10 * 365 * 24 * time.Hour
)

// Room is a room that was created. With AUTH off, an id without a room is a chat that is open to all.
type Room struct {
	ID         string
	Name       string // the display name; may be empty
	Visibility Visibility
	Created    int64 // microseconds since 1970: the position of its first notice
	Count      int   // of members
	Role       Role  // the caller's, or ""
	Members    []Member
	HasMore    bool   // there are more members
	NextCursor string // in the list of members; "" at the end

	Retention time.Duration // age after which messages go; 0 is the server's
	Rules     RoomRules
	Pins      []int64 // the positions of pinned messages, the latest pin last
}

// Visibility is the audience of a room.
type Visibility string

// The visibilities. A room that was never created has "".
const (
	Public  Visibility = "public"  // all users; the room is in the list of public rooms
	Private Visibility = "private" // its members
	Deleted Visibility = "deleted" // none, until the room is created again
)

// Role is a member's set of rights.
type Role string

// The roles.
const (
	Admin       Role = "admin" // changes the room and its members
	PlainMember Role = "member"
)

// Member is a member of a room.
type Member struct {
	User  string
	Role  Role
	Since int64 // the position of the membership's notice
}

// NewRoom asks for a room.
type NewRoom struct {
	ID         string // "": generated
	Name       string
	Visibility Visibility // "" is Private
	Users      []string   // up to MaxUsersAtOnce members beside the creator
	As         string     // the creator: the caller, or the user that a service names

	Retention time.Duration // 0 is the server's
}

// RoomChange asks for a change of a room.
type RoomChange struct {
	Room  string
	Kind  ChangeKind
	Users []string // up to MaxUsersAtOnce users to add, remove, promote or demote
	Name  string   // the room's new name
	As    string   // the acting user: the caller, or the user that a service names; "" is a service that acts for no user

	Visibility Visibility    // of UpdateRoom
	Retention  time.Duration // of RetainRoom; 0 is the server's

	Until     int64         // of BanUser and MuteMember, in microseconds since 1970; 0 is for good
	Reason    string        // the same; and for the audit log. Up to MaxReasonBytes
	SlowMode  time.Duration // of SlowRoom; 0 is off
	Ref       int64         // of PinMessage and UnpinMessage: the message's position
	RequestID string        // for the audit log
}

// ChangeKind is the kind of a RoomChange.
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
	RetainRoom    ChangeKind = "retain" // the age after which messages go
	DeleteRoom    ChangeKind = "delete" // with its messages

	BanUser      ChangeKind = "ban" // removes a member; the user need not be one
	UnbanUser    ChangeKind = "unban"
	MuteMember   ChangeKind = "mute" // the user need not be a member
	UnmuteMember ChangeKind = "unmute"
	SlowRoom     ChangeKind = "slow"     // the pause between two messages of a member
	AnnounceRoom ChangeKind = "announce" // only admins send
	DiscussRoom  ChangeKind = "discuss"  // all members send
	PinMessage   ChangeKind = "pin"
	UnpinMessage ChangeKind = "unpin"
)

// RoomRequest asks for a room.
type RoomRequest struct {
	Room   string
	As     string
	Limit  int64  // members in the answer; 0 and values above MaxMembersInPage mean MaxMembersInPage
	Cursor string // the NextCursor of the previous page; "" is the beginning
}

// RoomsRequest asks for a page of rooms, sorted by the bytes of their ids.
type RoomsRequest struct {
	As     string
	Cursor string // the first room, inclusive, existing or not; "" is the beginning
	Limit  int64  // 0 means the default; above the maximum means the maximum
}

// RoomPage answers a RoomsRequest. It may have fewer rooms than the limit although there are more.
type RoomPage struct {
	Rooms      []Room // without their members
	HasMore    bool
	NextCursor string // "" at the end
}

// Rooms creates, changes and lists rooms. RoomService implements it, and the RPC client does over the network. Its methods
// are safe for concurrent use and return an *Error or nil. Only Room returns a room with its members.
type Rooms interface {
	// CreateRoom creates a room. The error is Conflict if it exists.
	CreateRoom(context.Context, NewRoom) (Room, error)
	// ChangeRoom applies a change and appends its notice to the room's log, in one step. A request that changes nothing,
	// such as adding a member again, succeeds without a notice.
	ChangeRoom(context.Context, RoomChange) (Room, error)
	// Room returns a room with its members, oldest membership first.
	Room(context.Context, RoomRequest) (Room, error)
	// RoomsOf returns the rooms that have a user as a member.
	RoomsOf(context.Context, RoomsRequest) (RoomPage, error)
	// PublicRooms returns all public rooms.
	PublicRooms(context.Context, RoomsRequest) (RoomPage, error)
	// Restraints returns a page of the bans or the mutes of a room that are in effect, for its admins and for services.
	Restraints(context.Context, RestraintsRequest) (RestraintPage, error)
}

// RoomQuery asks for a room, and for some or all of its members.
type RoomQuery struct {
	Room  ID
	Users []string // whose restraints are read too
	All   bool     // all members; the restraints are those of Users
	Log   bool     // return Logged; excludes Users and All
	Pins  bool     // return an Oldest that also names the removed messages
}

// StoredRoom is the stored form of a room.
type StoredRoom struct {
	Name       string
	Visibility Visibility // "" if the room was never created
	Created    int64
	Count      int               // of members
	Admins     int               // number of admins
	Members    map[string]Member // the requested users who are members
	Retention  time.Duration     // 0 is the server's
	Logged     bool              // the log under the id has messages; only with RoomQuery.Log
	Rules      RoomRules
	Restraints []Restraint // of the requested Users, that are in effect
	Pins       []int64     // as they are stored; see Oldest
	Oldest     int64       // messages before this position have expired, or, with RoomQuery.Pins, were removed

	// Of a deleted room: the end of the reservation in microseconds since 1970, and the last admins, who may create the room
	// until then.
	Reserved int64
	Heirs    []string
}

// RoomEdit changes a room if the room is still as it was read.
type RoomEdit struct {
	Room ID
	// The conditions. A Member without a Role must not be a member.
	IfVisibility Visibility
	IfAdmins     int // negative: any number
	IfMembers    []Member
	IfEmpty      bool  // the log never had a message, or the room was deleted since
	IfReserved   int64 // the Reserved of a deleted room

	Name       *string        // nil: unchanged
	Visibility Visibility     // "": unchanged; with Created the new room's
	Created    bool           // sets the creation time
	Retention  *time.Duration // nil: unchanged
	Set        []Member       // members to set; Since 0 is a new member, whose Since is the first notice's position
	Remove     []string
	Emptied    bool // removes the last members of a private room: deletes the room, if there are still no others
	MaxMembers int

	IfRules  *RoomRules  // nil: any
	Rules    *RoomRules  // nil: unchanged
	Restrain []Restraint // Since is the position of the first notice
	Release  []Restraint
	IfPins   []int64 // with Pins
	Pins     []int64 // nil: unchanged
	Pin      int64   // the position of a message that must exist, or 0

	Notices []Message     // appended to the log in order, all or none
	Tell    bool          // publish MembersChanged
	Reserve time.Duration // of DropRoom: the reservation of the id for the last admins
	Revoked []string      // the event's users
}

// EditOutcome is the result of a RoomEdit.
type EditOutcome int

// The outcomes.
const (
	Edited          EditOutcome = iota
	EditStale                   // a condition does not hold: nothing changed
	EditTooMany                 // the room would have too many members: nothing changed
	EditNotEmpty                // there are messages already: nothing changed
	EditNoPositions             // the log has no positions left: nothing changed
	EditNoMessage               // there is no message at Pin: nothing changed
	EditRestrained              // the room would have more than MaxRestraints: nothing changed
)

// RoomStore is the store of Rooms. It applies no rules: its arguments have been checked.
type RoomStore interface {
	RoomReader
	// EditRoom applies a change and appends its notices in one step. It returns the position of the first notice.
	// The outcome is EditStale, too, if a user who becomes a member is banned.
	// Afterwards ListRooms of each member and, for a public room, ListPublic return the room, also after a crash.
	EditRoom(context.Context, RoomEdit) (EditOutcome, int64, error)
	// DropRoom deletes a room and its log, and publishes MembersChanged, if the edit's conditions hold.
	DropRoom(context.Context, RoomEdit) (EditOutcome, error)
	// ReadRestraints returns all restraints of a room that are in effect, in any order.
	ReadRestraints(context.Context, ID) ([]Restraint, error)
	// ListRooms returns the rooms that a user is, was or was about to be a member of, from one on, inclusive, sorted by the
	// bytes of their ids.
	ListRooms(ctx context.Context, user, from string, limit int) ([]string, error)
	// ListPublic returns rooms that are or were about to be public, from one on, inclusive, sorted by the bytes of their ids.
	ListPublic(ctx context.Context, from string, limit int) ([]string, error)
}

// parseRoom reads the id of a room.
func parseRoom(name string) (ID, error) {
	if strings.Contains(name, ":") {
		return ID{}, Errorf(InvalidArgument, "%q is a two-person chat, not a room", name)
	}
	return ID{name}, checkName("room", name)
}
