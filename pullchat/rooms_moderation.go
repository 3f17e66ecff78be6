package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/client"
)

// restraint has the flags of commands that ban or mute a user.
type restraint struct {
	oneRoom
	User   string        `arg:"" help:"The user."`
	For    time.Duration `name:"for" placeholder:"DURATION" help:"How long, such as 24h. Default: for good."`
	Reason string        `name:"reason" placeholder:"TEXT" help:"For the admins of the room and the audit log."`
}

// Validate refuses a duration that is over. Kong calls it.
func (r restraint) Validate() error {
	if r.For < 0 {
		return fmt.Errorf("--for is %v; give a positive duration", r.For)
	}
	return r.oneRoom.Validate()
}

// until returns the end by the clock of this machine; the zero time is for good.
func (r restraint) until() time.Time {
	if r.For == 0 {
		return time.Time{}
	}
	return time.Now().Add(r.For)
}

type banUser struct{ restraint }

// Run bans the user.
func (b *banUser) Run(ctx contextType) error {
	return b.change(func(r client.Rooms) (client.Room, error) { return r.Ban(ctx, b.Room, b.User, b.until(), b.Reason) })
}

type muteUser struct{ restraint }

// Run mutes the user.
func (m *muteUser) Run(ctx contextType) error {
	return m.change(func(r client.Rooms) (client.Room, error) { return r.Mute(ctx, m.Room, m.User, m.until(), m.Reason) })
}

// release has the flags of commands that lift a ban or a mute.
type release struct {
	oneRoom
	User   string `arg:"" help:"The user."`
	Reason string `name:"reason" placeholder:"TEXT" help:"For the audit log."`
}

type unbanUser struct{ release }

// Run lifts the ban.
func (u *unbanUser) Run(ctx contextType) error {
	return u.change(func(r client.Rooms) (client.Room, error) { return r.Unban(ctx, u.Room, u.User, u.Reason) })
}

type unmuteUser struct{ release }

// Run lifts the mute.
func (u *unmuteUser) Run(ctx contextType) error {
	return u.change(func(r client.Rooms) (client.Room, error) { return r.Unmute(ctx, u.Room, u.User, u.Reason) })
}

type listBans struct{ oneRoom }

// Run prints the bans.
func (l *listBans) Run(ctx contextType) error {
	return l.restraints(ctx, client.Rooms.Bans)
}

type listMutes struct{ oneRoom }

// Run prints the mutes.
func (l *listMutes) Run(ctx contextType) error {
	return l.restraints(ctx, client.Rooms.Mutes)
}

// restraints prints all pages of a list.
func (o *oneRoom) restraints(
	ctx contextType, list func(r client.Rooms, ctx context.Context, room, cursor string, limit int64) (client.RestraintPage, error),
) error {
	rooms, err := o.begin()
	if err != nil {
		return err
	}
	out := standardOutput(o.JSON, false)
	for cursor := ""; ; {
		page, err := list(rooms, ctx, o.Room, cursor, 0)
		if err != nil {
			return err
		}
		for _, r := range page.Restraints {
			if err := out.print(restraintLine(r), r); err != nil {
				return err
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}

// restraintLine returns a ban or a mute for people.
func restraintLine(r client.Restraint) string {
	text := r.User + "  for good"
	if r.Until != 0 {
		text = r.User + "  until " + moment(r.Until)
	}
	text += ", by " + r.By
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

type slowRoom struct {
	oneRoom
	Pause string `arg:"" help:"The pause, like 30s, up to 6h; \"\" is none."`
}

// Run sets slow mode.
func (s *slowRoom) Run(ctx contextType) error {
	return s.change(func(r client.Rooms) (client.Room, error) { return r.SlowMode(ctx, s.Room, s.Pause) })
}

type announceRoom struct {
	oneRoom
	Off bool `name:"off" help:"Let all members send again."`
}

// Run changes who sends.
func (a *announceRoom) Run(ctx contextType) error {
	return a.change(func(r client.Rooms) (client.Room, error) { return r.Announce(ctx, a.Room, !a.Off) })
}

// onePin has the flags of commands about a pinned message.
type onePin struct {
	oneRoom
	SendTime int64 `arg:"" name:"send-time" help:"The message's send_time."`
}

type pinMessage struct{ onePin }

// Run pins the message.
func (p *pinMessage) Run(ctx contextType) error {
	return p.change(func(r client.Rooms) (client.Room, error) { return r.Pin(ctx, p.Room, p.SendTime) })
}

type unpinMessage struct{ onePin }

// Run unpins the message.
func (u *unpinMessage) Run(ctx contextType) error {
	return u.change(func(r client.Rooms) (client.Room, error) { return r.Unpin(ctx, u.Room, u.SendTime) })
}
