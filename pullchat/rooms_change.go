package main

import "github.com/pullchat/pullchat/client"

// change changes the room and prints the result.
func (o *oneRoom) change(do func(client.Rooms) (client.Room, error)) error {
	rooms, err := o.begin()
	if err != nil {
		return err
	}
	room, err := do(rooms)
	if err != nil {
		return err
	}
	return o.print(room)
}

type joinRoom struct{ oneRoom }

// Run makes the acting user a member.
func (j *joinRoom) Run(ctx contextType) error {
	return j.change(func(r client.Rooms) (client.Room, error) { return r.Join(ctx, j.Room) })
}

type leaveRoom struct{ oneRoom }

// Run ends the acting user's membership.
func (l *leaveRoom) Run(ctx contextType) error {
	return l.change(func(r client.Rooms) (client.Room, error) { return r.Leave(ctx, l.Room) })
}

type openRoom struct{ oneRoom }

// Run makes a room public.
func (o *openRoom) Run(ctx contextType) error {
	return o.change(func(r client.Rooms) (client.Room, error) { return r.Open(ctx, o.Room) })
}

type closeRoom struct{ oneRoom }

// Run makes a room private.
func (c *closeRoom) Run(ctx contextType) error {
	return c.change(func(r client.Rooms) (client.Room, error) { return r.Close(ctx, c.Room) })
}

type renameRoom struct {
	oneRoom
	Name string `arg:"" help:"The new name; \"\" removes the name."`
}

// Run gives a room another name.
func (n *renameRoom) Run(ctx contextType) error {
	return n.change(func(r client.Rooms) (client.Room, error) { return r.Rename(ctx, n.Room, n.Name) })
}

type retainRoom struct {
	oneRoom
	Retention string `arg:"" help:"The age after which messages are removed, like 720h; \"\" for the server's setting."`
}

// Run sets how long a room's messages are kept.
func (k *retainRoom) Run(ctx contextType) error {
	return k.change(func(r client.Rooms) (client.Room, error) { return r.Retain(ctx, k.Room, k.Retention) })
}

// someMembers has the flags of commands about members of a room.
type someMembers struct {
	oneRoom
	Users []string `arg:"" name:"user" help:"The users to change."`
}

type addMembers struct{ someMembers }

// Run makes users members, all or none.
func (a *addMembers) Run(ctx contextType) error {
	return a.change(func(r client.Rooms) (client.Room, error) { return r.Add(ctx, a.Room, a.Users...) })
}

type removeMembers struct{ someMembers }

// Run ends memberships, one user after the other.
func (m *removeMembers) Run(ctx contextType) error {
	return m.each(func(r client.Rooms, user string) (client.Room, error) { return r.Remove(ctx, m.Room, user) })
}

type promote struct{ someMembers }

// Run makes members admins, one after the other.
func (p *promote) Run(ctx contextType) error {
	return p.each(func(r client.Rooms, user string) (client.Room, error) { return r.Assign(ctx, p.Room, user, "admin") })
}

type demote struct{ someMembers }

// Run makes admins plain members, one after the other.
func (d *demote) Run(ctx contextType) error {
	return d.each(func(r client.Rooms, user string) (client.Room, error) { return r.Assign(ctx, d.Room, user, "member") })
}

// each applies a change to one user after the other, until one fails.
func (s *someMembers) each(do func(client.Rooms, string) (client.Room, error)) error {
	return s.change(func(r client.Rooms) (room client.Room, err error) {
		for _, user := range s.Users {
			if room, err = do(r, user); err != nil {
				break
			}
		}
		return room, err
	})
}
