package chat

import (
	"context"
	"slices"
)

// Access holds the access rules of the whole domain. A user acts as the user alone, in the user's two-person chats and in
// rooms that admit the user. A service may do anything. Anonymous callers may do anything too; with Required, nothing.
//
// A check that could be outdated when the operation runs is part of the operation: a Store checks the Member of an Append
// and a Range in the same step.
type Access struct {
	Required bool
	Rooms    RoomReader // reads rooms and members; nil if a Store checks Members
	Users    UserReader // tells which users may become members; nil: every user
	Spender  Spender    // charges users for rooms and members; nil: no charges
	Names    Names      // nil: the standard library's tables are the rule
	// Revoked reports whether a user's tokens are refused, and why. Each request calls it, so it must be cheap. nil: no
	// token is refused for this reason.
	Revoked func(user string) Revocation
}

// Revocation is why a user's tokens are refused.
type Revocation int

// The revocations.
const (
	NotRevoked    Revocation = iota
	UserDeleted              // the account was deleted within DeletionSettles
	UserSuspended            // until Moderation restores the user
)

// Admission applies Access in advance. RoomService implements it, and the RPC client does over the network.
type Admission interface {
	// Enter returns nil if the caller may enter all of the chats. Otherwise the error is PermissionDenied, NotFound for a
	// deleted room, or Unauthenticated.
	Enter(ctx context.Context, chats []string) error
}

// UserReader reads users who are about to become members of a room.
type UserReader interface {
	// ReadInvited answers for each user, in order. by is the inviting user, or "".
	ReadInvited(ctx context.Context, by string, users []string) ([]Invited, error)
}

// Invited is the state of an invited user.
type Invited struct {
	Account bool // the user has an account
	Ignores bool // the user ignores the inviting user
	Rooms   int  // that the user's list has; for a minute also rooms that the user has left
}

// RoomReader reads rooms and their members.
type RoomReader interface {
	// ReadRooms answers each query, in order.
	ReadRooms(context.Context, []RoomQuery) ([]StoredRoom, error)
}

// identified reports whether the caller has an identity. The error is a missing or revoked token.
func (a Access) identified(by Caller) (bool, error) {
	if by.User == "" && !by.Service && a.Required {
		return false, Errorf(Unauthenticated, "a token is needed")
	}
	if by.User != "" && !by.Service && a.Revoked != nil {
		switch a.Revoked(by.User) {
		case NotRevoked:
		case UserDeleted:
			return false, errDeleted(by.User)
		case UserSuspended:
			return false, errSuspended(by.User)
		}
	}
	return by.User != "" || by.Service, nil
}

func errDeleted(user string) error {
	return Errorf(TokenInvalid, "the account of %s was deleted; the token is not valid any more", user)
}

func errSuspended(user string) error {
	return Errorf(PermissionDenied, "the account of %s is suspended; ask the operators of this server", user)
}

// actor returns the acting sender of a request in a chat: the named user, or the caller. name is the chat as the
// request spells it.
func (a Access) actor(id ID, name, user string, by Caller) (string, error) {
	identified, err := a.identified(by)
	if err != nil {
		return "", err
	}
	if identified && !by.Service {
		if user, err = actFor(user, by); err != nil {
			return "", err
		}
		if err := checkMayEnter(id, name, by); err != nil {
			return "", err
		}
	}
	if err := checkName("sender", user); err != nil {
		return "", err
	}
	return user, checkMember("sender", id, name, user)
}

// member returns the user who must be a member if the chat is a private room, or "". The error is that the caller may
// not enter the chat in any case.
func (a Access) member(id ID, name string, by Caller) (string, error) {
	identified, err := a.identified(by)
	if err != nil || !identified || by.Service {
		return "", err
	}
	if _, _, pair := id.Users(); pair {
		return "", checkMayEnter(id, name, by)
	}
	return by.User, nil
}

// reader returns the reader of a request: the named one, or the caller. It refuses readers that are neither the caller nor
// the caller's devices.
func (a Access) reader(id ID, name, reader string, by Caller) (string, error) {
	identified, err := a.identified(by)
	if err == nil && identified && !by.Service {
		var user string
		if user, err = actFor(UserOf(reader), by); err == nil {
			err = checkMayEnter(id, name, by)
		}
		if reader == "" {
			reader = user
		}
	}
	if err != nil {
		return "", err
	}
	return reader, CheckReader(id, name, reader)
}

// owner returns the user whose data a request concerns: the named user, or the caller. The parameter what is the
// request's field for the user.
func (a Access) owner(what, user string, by Caller) (string, error) {
	identified, err := a.identified(by)
	if err == nil && identified && !by.Service {
		user, err = actFor(user, by)
	}
	if err != nil {
		return "", err
	}
	return user, checkName(what, user)
}

// ownReader is owner for a reader, which is a user or a device.
func (a Access) ownReader(reader string, by Caller) (string, error) {
	identified, err := a.identified(by)
	if err == nil && identified && !by.Service {
		var user string
		if user, err = actFor(UserOf(reader), by); reader == "" {
			reader = user
		}
	}
	if err != nil {
		return "", err
	}
	return reader, checkReaderName(reader)
}

// enter checks that the caller may read a chat now. A service may also read an id that was never created: earlier releases
// let anyone write there.
func (a Access) enter(ctx context.Context, id ID, name string, by Caller) error {
	return a.enterAs(ctx, id, name, by, true)
}

// act is enter for requests that do more than read.
func (a Access) act(ctx context.Context, id ID, name string, by Caller) error {
	return a.enterAs(ctx, id, name, by, false)
}

func (a Access) enterAs(ctx context.Context, id ID, name string, by Caller, reads bool) error {
	query, ask, err := a.query(id, name, by)
	if err != nil || !ask || a.Rooms == nil {
		return err
	}
	rooms, err := a.Rooms.ReadRooms(ctx, []RoomQuery{query})
	if err != nil {
		return AsError(err)
	}
	rooms[0].Logged = rooms[0].Logged && reads
	return rooms[0].admits(id, by)
}

// query returns the RoomQuery that decides whether a caller may enter a room; false if no query is needed.
func (a Access) query(id ID, name string, by Caller) (RoomQuery, bool, error) {
	user, err := a.member(id, name, by)
	switch {
	case err != nil:
		return RoomQuery{}, false, err
	case user != "":
		return RoomQuery{Room: id, Users: []string{user}}, true, nil
	}
	return RoomQuery{Room: id, Log: true}, a.mustExist(id, by), nil
}

// mustExist reports whether a room must have been created, without regard to members: so it is for a service. For
// anonymous callers every id is a room.
func (a Access) mustExist(id ID, by Caller) bool { return by.Service && id.IsRoom() }

// enterAll is enter for many chats.
func (a Access) enterAll(ctx context.Context, names []string, by Caller) error {
	var queries []RoomQuery
	for _, name := range names {
		id, err := ParseID(name)
		if err != nil {
			return err
		}
		query, ask, err := a.query(id, name, by)
		if err != nil {
			return err
		}
		if ask && a.Rooms != nil {
			queries = append(queries, query)
		}
	}
	if len(queries) == 0 {
		return nil
	}
	rooms, err := a.Rooms.ReadRooms(ctx, queries)
	if err != nil {
		return AsError(err)
	}
	for i, room := range rooms {
		if err := room.admits(queries[i].Room, by); err != nil {
			return err
		}
	}
	return nil
}

// actFor returns the caller's user, and refuses any other named user.
func actFor(named string, by Caller) (string, error) {
	if named != "" && named != by.User {
		return "", Errorf(PermissionDenied, "this token is %s's; it cannot act for %s", by.User, named)
	}
	return by.User, nil
}

func checkMayEnter(id ID, name string, by Caller) error {
	if first, second, pair := id.Users(); pair && by.User != first && by.User != second {
		return Errorf(PermissionDenied, "chat %q belongs to its two users", name)
	}
	return nil
}

// Admits returns nil if a user may enter the room, or the error.
func (r StoredRoom) Admits(id ID, user string) error {
	_, member := r.Members[user]
	if ban, banned := r.banOf(user); banned && !member && r.Visibility == Public {
		return Banned(id, user, ban.Until)
	}
	return Admits(id, r.Visibility, user, member)
}

// admits is Admits for a caller. A service is a member everywhere, and may read logs of rooms that were never created.
func (r StoredRoom) admits(id ID, by Caller) error {
	switch {
	case !by.Service:
		return r.Admits(id, by.User)
	case r.Visibility == "" && r.Logged:
		return nil
	}
	return Admits(id, r.Visibility, by.User, true)
}

// Admits is the rule of rooms for identified callers. A public room admits every user, a private room its members. An id
// that was never created is NotFound.
func Admits(id ID, v Visibility, user string, member bool) error {
	switch {
	case v == "":
		return NoRoom(id)
	case v == Deleted:
		return RoomDeleted(id)
	case v == Private && !member:
		return NotAMember(id, user)
	}
	return nil
}

// NotAMember is the error for a private room without the user.
func NotAMember(id ID, user string) error {
	return Errorf(PermissionDenied, "room %s is closed, and %s is not a member", id, user)
}

// RoomDeleted is the error for a deleted room.
func RoomDeleted(id ID) error { return Errorf(NotFound, "room %s was deleted", id) }

// NoRoom is the error for a room that was never created.
func NoRoom(id ID) error {
	return Errorf(NotFound, "there is no room %s; create it with POST /api/rooms", id)
}

// NeedsEnter reports whether it takes Enter to decide if a caller may enter a chat. The error is that the caller may not in
// any case.
func NeedsEnter(id ID, name string, by Caller) (bool, error) {
	_, ask, err := Access{Required: true}.query(id, name, by)
	return ask, err
}

// callerOf is CallerOf, with the zero Caller for a context without one.
func callerOf(ctx context.Context) Caller {
	by, _ := CallerOf(ctx)
	return by
}

// uniqueNames checks users and returns each once, in order.
func uniqueNames(users []string) ([]string, error) {
	unique := make([]string, 0, len(users))
	for _, user := range users {
		if err := checkName("user", user); err != nil {
			return nil, err
		}
		if !slices.Contains(unique, user) {
			unique = append(unique, user)
		}
	}
	return unique, nil
}
