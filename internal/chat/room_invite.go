package chat

import (
	"context"
	"strings"
)

// invite checks that users may become members or admins. With AUTH on they must have accounts, must not ignore the inviting
// user, and new members must not be in too many rooms. It reads all users at once. Users who enter several rooms at the same
// time may exceed the limit by these.
func (s *RoomService) invite(ctx context.Context, who acting, members []Member) error {
	if s.Access.Users == nil || len(members) == 0 {
		return nil
	}
	users := make([]string, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	invited, err := s.Access.Users.ReadInvited(ctx, who.user, users)
	if err != nil {
		return AsError(err)
	}
	var unknown, closed, full []string
	for i, user := range users {
		self := user == who.user
		if !invited[i].Account && !who.any && !(self && who.real) { // a token proves its user's account
			unknown = append(unknown, user)
		}
		if invited[i].Ignores && !self {
			closed = append(closed, user)
		}
		if most := s.options.MaxUserRooms; most > 0 && members[i].Since == 0 && invited[i].Rooms >= most && !who.any {
			full = append(full, user)
		}
	}
	switch {
	case len(unknown) > 0:
		return Errorf(NotFound, "there is no user %s", strings.Join(unknown, ", "))
	case len(closed) > 0:
		return Errorf(PermissionDenied, "%s cannot be added", strings.Join(closed, ", "))
	case len(full) > 0:
		return Errorf(Conflict, "user %s is in %d rooms already, which is the limit; leave some first", strings.Join(full, ", "), s.options.MaxUserRooms)
	}
	return nil
}
