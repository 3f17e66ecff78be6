package chat

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// RoomOptions are the limits of a RoomService. All are positive.
type RoomOptions struct {
	DefaultLimit, MaxLimit int // rooms in a page
	MaxMembers             int // of a room
	MaxUserRooms           int // of a user with an account; 0 is any number
	// IDReserved is how long a deleted room's id is reserved for its last admins; it may be 0.
	IDReserved time.Duration
	Now        func() time.Time // nil is time.Now
	// NewChats and AddedMembers limit the chats that a user with a token creates and the members that the user adds.
	NewChats, AddedMembers Bounds
	// CheckSession returns why a login has ended, or nil. Without it logins are not checked.
	CheckSession func(ctx context.Context, user, session string) error
	Auditor      Auditor // keeps changes of others' rights by admins and services; nil keeps none
}

// RoomService implements Rooms and Admission. It applies every rule before it calls the store.
type RoomService struct {
	store   RoomStore
	Access  Access // the access rules
	options RoomOptions
}

var (
	_ Rooms     = (*RoomService)(nil)
	_ Admission = (*RoomService)(nil)
)

// NewRoomService returns the RoomService over a store.
func NewRoomService(store RoomStore, access Access, options RoomOptions) *RoomService {
	return &RoomService{store: store, Access: access, options: options}
}

// Enter implements Admission.
func (s *RoomService) Enter(ctx context.Context, chats []string) error {
	by := callerOf(ctx)
	if _, err := s.Access.identified(by); err != nil {
		return err
	}
	if by.Renews && by.Session != "" && s.options.CheckSession != nil { // tokens of an identity provider have no session
		if err := s.options.CheckSession(ctx, by.User, by.Session); err != nil {
			return err
		}
	}
	return s.Access.enterAll(ctx, chats, by)
}

// acting is the identity behind a request about rooms.
type acting struct {
	user string // "" is a service that acts for no user, or an anonymous caller
	name string // the sender of notices
	free bool   // a service that acts for no user: it may do anything
	any  bool   // the caller is anonymous
	real bool   // the caller is the user, not a service on the user's behalf
}

func (s *RoomService) acting(ctx context.Context, as string) (acting, error) {
	by := callerOf(ctx)
	identified, err := s.Access.identified(by)
	if err != nil {
		return acting{}, err
	}
	if as != "" {
		if err := checkName("as", as); err != nil {
			return acting{}, err
		}
	}
	if identified && !by.Service {
		as, err = actFor(as, by)
	}
	who := acting{user: as, name: as, free: by.Service && as == "", any: !identified, real: identified && !by.Service}
	if who.free {
		who.name = serviceName(by.User)
	}
	return who, err
}

// serviceName returns the name under which a service changes rooms. No user can have it: names have no colon, and
// "service" is reserved.
func serviceName(name string) string {
	if name == "" {
		return "service"
	}
	return "service:" + name
}

// named refuses requests without an acting user.
func (a acting) named() error {
	if a.user == "" {
		return Errorf(InvalidArgument, "as is missing: the user who acts")
	}
	return nil
}

// Room implements Rooms.
func (s *RoomService) Room(ctx context.Context, r RoomRequest) (Room, error) {
	who, err := s.acting(ctx, r.As)
	if err != nil {
		return Room{}, err
	}
	id, err := parseRoom(r.Room)
	if err != nil {
		return Room{}, err
	}
	if err := r.check(); err != nil {
		return Room{}, err
	}
	query := RoomQuery{Room: id, All: true, Pins: true}
	if who.user != "" {
		query.Users = []string{who.user}
	}
	stored, err := s.read(ctx, query)
	if err != nil {
		return Room{}, err
	}
	if err := exists(id, stored); err != nil {
		return Room{}, err
	}
	if !who.free && !who.any {
		if err := stored.Admits(id, who.user); err != nil {
			return Room{}, err
		}
	}
	room := roomOf(id, stored, who.user)
	r.page(&room, standing(stored.Members))
	return room, nil
}

func exists(id ID, stored StoredRoom) error {
	switch stored.Visibility {
	case Public, Private:
		return nil
	case Deleted:
		return RoomDeleted(id)
	}
	return NoRoom(id)
}

func roomOf(id ID, stored StoredRoom, user string) Room {
	return Room{
		ID: id.String(), Name: stored.Name, Visibility: stored.Visibility, Created: stored.Created, Count: stored.Count,
		Role: stored.Members[user].Role, Retention: stored.Retention, Rules: stored.Rules, Pins: stored.shownPins(),
	}
}

// standing returns members, oldest membership first.
func standing(members map[string]Member) []Member {
	sorted := make([]Member, 0, len(members))
	for _, m := range members {
		sorted = append(sorted, m)
	}
	slices.SortFunc(sorted, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), strings.Compare(a.User, b.User))
	})
	return sorted
}

func (s *RoomService) read(ctx context.Context, q RoomQuery) (StoredRoom, error) {
	rooms, err := s.store.ReadRooms(ctx, []RoomQuery{q})
	if err != nil {
		return StoredRoom{}, AsError(err)
	}
	return rooms[0], nil
}

// changeAttempts bounds the retries of a change that loses races with other changes.
const changeAttempts = 10

func errContended(id ID) error {
	return Errorf(Unavailable, "room %s is being changed by another request; try again", id)
}

// outcome returns the error of an edit that was not stale.
func (s *RoomService) outcome(id ID, outcome EditOutcome, err error) error {
	switch {
	case err != nil:
		return AsError(err)
	case outcome == EditTooMany:
		return Errorf(Conflict, "a room has %d members at most; remove some first", s.options.MaxMembers)
	case outcome == EditNotEmpty:
		return errTaken(id)
	case outcome == EditNoMessage:
		return Errorf(NotFound, "there is no message at this send_time in room %s, or it has expired", id)
	case outcome == EditRestrained:
		return Errorf(Conflict, "room %s has %d bans and mutes, which is the limit; lift some first", id, MaxRestraints)
	case outcome == EditNoPositions:
		return Errorf(ResourceExhausted, "the room is full: its last position is taken")
	}
	return nil
}

func checkVisibility(v Visibility) error {
	if v != Public && v != Private {
		return Errorf(InvalidArgument, "visibility is %q; it is public or private", v)
	}
	return nil
}

func checkUsers(users []string) ([]string, error) {
	if len(users) > MaxUsersAtOnce {
		return nil, Errorf(InvalidArgument, "%d users are too many at once; the limit is %d", len(users), MaxUsersAtOnce)
	}
	return uniqueNames(users)
}

// ChangeRoom implements Rooms. It decides a change from the room's state, and applies it if the state is unchanged.
func (s *RoomService) ChangeRoom(ctx context.Context, r RoomChange) (Room, error) {
	who, err := s.acting(ctx, r.As)
	if err == nil && !who.free {
		err = who.named()
	}
	if err != nil {
		return Room{}, err
	}
	id, err := parseRoom(r.Room)
	if err != nil {
		return Room{}, err
	}
	if r.Users, err = checkUsers(r.Users); err != nil {
		return Room{}, err
	}
	if r.Kind == AddMembers || r.Kind == JoinRoom {
		if err := s.Access.checkNewUsers(append([]string{who.user}, r.Users...), callerOf(ctx)); err != nil {
			return Room{}, err
		}
	}
	change := change{who: who, asked: r, all: false}
	if change.rule, err = ruleOf(r, who); err != nil {
		return Room{}, err
	}
	charged := false
	for range changeAttempts {
		stored, err := s.read(ctx, change.query(id))
		if err != nil {
			return Room{}, err
		}
		if err := exists(id, stored); err != nil {
			return Room{}, err
		}
		edit, err := change.decide(id, stored)
		if err != nil {
			return Room{}, err
		}
		if edit == nil && change.all != change.read {
			continue // the change needs all members
		}
		if edit == nil {
			return who.unchanged(id, stored), nil
		}
		if change.invites() {
			if err := s.invite(ctx, who, edit.Set); err != nil {
				return Room{}, err
			}
		}
		if !charged {
			if err := s.charge(ctx, who, r, edit); err != nil {
				return Room{}, err
			}
			charged = true
		}
		edit.MaxMembers, edit.Reserve = s.options.MaxMembers, s.options.IDReserved
		if edit.Emptied {
			edit.MaxMembers = len(edit.Remove)
		}
		outcome, err := s.edit(ctx, r.Kind, *edit)
		switch {
		case err != nil || outcome != EditStale:
			return roomOf(id, edit.after(stored), who.user), s.outcome(id, outcome, err)
		case ctx.Err() != nil:
			return Room{}, AsError(ctx.Err())
		}
	}
	return Room{}, errContended(id)
}

// charge charges the user for the members that a change adds, and keeps its entry in the audit log.
func (s *RoomService) charge(ctx context.Context, who acting, r RoomChange, e *RoomEdit) error {
	if r.Kind == AddMembers {
		return s.spend(ctx, who, s.options.AddedMembers.charges(addedMembers, len(e.Set)))
	}
	return s.audit(ctx, who, e.Room, r)
}

// unchanged returns the answer to a change that changed nothing. A user without access may leave a room too, and must
// learn nothing about it.
func (a acting) unchanged(id ID, stored StoredRoom) Room {
	room := roomOf(id, stored, a.user)
	if !a.free && !a.any && stored.Admits(id, a.user) != nil {
		room.Name, room.Count, room.Created, room.Rules, room.Pins = "", 0, 0, RoomRules{}, nil
	}
	return room
}

func (s *RoomService) edit(ctx context.Context, kind ChangeKind, e RoomEdit) (outcome EditOutcome, err error) {
	if kind == DeleteRoom || e.Emptied {
		return s.store.DropRoom(ctx, e)
	}
	outcome, _, err = s.store.EditRoom(ctx, e)
	return outcome, err
}
