package chat

import (
	"context"
	"slices"
)

// Access is who may what, in one place for all that the domain does. A user acts for herself, in her own two-person
// chats and in the rooms that she may be in; a service may everything. Whoever has no identity may everything too,
// unless Required is set: then nobody without one may anything.
//
// What can change between a check and what it allows is checked where it is done: a Store asks for an Append's and a
// Range's Member in the same step.
type Access struct {
	Required bool
	Rooms    RoomReader // knows who is in which room; nil where Members are left to a Store
	Users    UserReader // knows who may become a member; nil: every user may
	Spender  Spender    // charges users for rooms and members; nil charges nobody
	Names    Names      // nil: the standard library's tables are the rule
	// Revoked says whether a user deleted her account a short while ago: the tokens that she had are refused. It costs
	// next to nothing, because each request asks it. nil: no token is refused for that.
	Revoked func(user string) bool
	// Lasts returns why a login is over, or nil. nil: none is.
	Lasts func(ctx context.Context, user, session string) error
}

// Admission says in advance what Access will say. Like Service, RoomService implements it, and the RPC client over the network.
type Admission interface {
	// Enter returns why the caller may not be in one of some chats, or nil: a PermissionDenied, a NotFound for a room
	// that was deleted, or an Unauthenticated.
	Enter(ctx context.Context, chats []string) error
}

// UserReader tells of users who are about to become members of a room.
type UserReader interface {
	// ReadInvited answers for each user, in their order. by is who invites them, or "".
	ReadInvited(ctx context.Context, by string, users []string) ([]Invited, error)
}

// Invited is what an invitation depends on.
type Invited struct {
	Account bool // the user has one
	Ignores bool // the user ignores who invites
}

// RoomReader tells who is in rooms.
type RoomReader interface {
	// ReadRooms answers each query, in their order.
	ReadRooms(context.Context, []RoomQuery) ([]StoredRoom, error)
}

// identified says whether it is known who makes a request. The error is that the token is missing or not valid any more.
func (a Access) identified(by Caller) (bool, error) {
	if by.User == "" && !by.Service && a.Required {
		return false, Errorf(Unauthenticated, "a token is needed")
	}
	if by.User != "" && !by.Service && a.Revoked != nil && a.Revoked(by.User) {
		return false, errDeleted(by.User)
	}
	return by.User != "" || by.Service, nil
}

func errDeleted(user string) error {
	return Errorf(TokenInvalid, "the account of %s was deleted; the token is not valid any more", user)
}

// actor returns for whom a request acts in a chat: the one who is named, or the caller. what is how the request calls
// her, and name is the chat as it has it.
func (a Access) actor(what string, id ID, name, user string, by Caller) (string, error) {
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
	if err := checkName(what, user); err != nil {
		return "", err
	}
	return user, checkMember(what, id, name, user)
}

// member returns who must be a member where the chat is a closed room, or "". The error is that the caller may not be in
// the chat whatever it is.
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

// reader returns who reads: the one who is named, or the caller. It refuses one who is not the caller, or one of her
// devices.
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

// owner returns whose own a request is about: the user who is named, or the caller. what is how the request calls her.
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

// ownReader is owner for a reader, a user or one of her devices.
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

// enter checks that the caller may be in a chat now, to read there. A service may read what lies under an id that was
// never created: earlier releases let anybody write there.
func (a Access) enter(ctx context.Context, id ID, name string, by Caller) error {
	return a.enterAs(ctx, id, name, by, true)
}

// act is enter for those who want to do more than to read.
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

// query asks for what tells whether a caller may be in a room; false is that nobody has to be asked.
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

// mustExist says whether a caller may use an id only where it was created, whoever is a member there: a service and a
// room. Where it is not known who makes requests, every id is a room.
func (a Access) mustExist(id ID, by Caller) bool { return by.Service && isRoom(id) }

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

// actFor returns for whom a user acts who may name somebody: for herself.
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

// Admits returns why a user may not be in a room, or nil.
func (r StoredRoom) Admits(id ID, user string) error {
	_, member := r.Members[user]
	return Admits(id, r.Visibility, user, member)
}

// admits is Admits for a caller. A service is a member everywhere, and reads what was written where nobody created a room.
func (r StoredRoom) admits(id ID, by Caller) error {
	switch {
	case !by.Service:
		return r.Admits(id, by.User)
	case r.Visibility == "" && r.Logged:
		return nil
	}
	return Admits(id, r.Visibility, by.User, true)
}

// Admits is the rule of rooms where it is known who makes requests: a public one is open, a private one is to its members,
// and one that nobody has created is none.
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

// NotAMember is the error where a closed room does not have a user.
func NotAMember(id ID, user string) error {
	return Errorf(PermissionDenied, "room %s is closed, and %s is not a member", id, user)
}

// RoomDeleted is the error where a room is no more.
func RoomDeleted(id ID) error { return Errorf(NotFound, "room %s was deleted", id) }

// NoRoom is the error where a room was never created.
func NoRoom(id ID) error {
	return Errorf(NotFound, "there is no room %s; create it with POST /api/rooms", id)
}

func isRoom(id ID) bool {
	_, _, pair := id.Users()
	return !pair
}

// AsksAtDoor says whether only Enter knows if a caller may be in a chat. The error is that she may not in any case.
func AsksAtDoor(id ID, name string, by Caller) (bool, error) {
	_, ask, err := Access{Required: true}.query(id, name, by)
	return ask, err
}

// callerOf is CallerOf for those to whom no caller is nobody.
func callerOf(ctx context.Context) Caller {
	by, _ := CallerOf(ctx)
	return by
}

// uniqueNames checks users and returns each once, in the order given.
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
