package chat

import (
	"context"
	"strings"
)

// invite checks that users may become members. With AUTH on they must have accounts, and must not ignore the inviting user.
// It reads all users at once.
func (l *RoomService) invite(ctx context.Context, who acting, users []string) error {
	if l.Access.Users == nil || len(users) == 0 {
		return nil
	}
	invited, err := l.Access.Users.ReadInvited(ctx, who.user, users)
	if err != nil {
		return AsError(err)
	}
	var unknown, closed []string
	for i, user := range users {
		self := user == who.user
		if !invited[i].Account && !who.any && !(self && who.real) { // a token proves its user's account
			unknown = append(unknown, user)
		}
		if invited[i].Ignores && !self {
			closed = append(closed, user)
		}
	}
	switch {
	case len(unknown) > 0:
		return Errorf(NotFound, "there is no user %s", strings.Join(unknown, ", "))
	case len(closed) > 0:
		return Errorf(PermissionDenied, "%s cannot be added", strings.Join(closed, ", "))
	}
	return nil
}

// invited returns the users that an edit makes members or admins.
func (e *RoomEdit) invited() []string {
	users := make([]string, len(e.Set))
	for i, m := range e.Set {
		users[i] = m.User
	}
	return users
}
