package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

// rooms is the command "rooms". Those that change a room are in rooms_change.go.
type rooms struct {
	List   listRooms  `cmd:"" default:"withargs" help:"List the user's rooms, or the public rooms. The default."`
	Show   showRoom   `cmd:"" help:"Show a room with its members, oldest membership first."`
	Create createRoom `cmd:"" help:"Create a room. The creator is its admin."`

	Join  joinRoom  `cmd:"" help:"Join a public room."`
	Leave leaveRoom `cmd:"" help:"Leave a room."`

	Add      addMembers    `cmd:"" help:"Add users to a room. For admins, like the commands below."`
	Remove   removeMembers `cmd:"" help:"Remove members from a room."`
	Promote  promote       `cmd:"" help:"Make members admins."`
	Demote   demote        `cmd:"" help:"Make admins plain members."`
	Ban      banUser       `cmd:"" help:"Remove a user and forbid to join again, until a time or for good."`
	Unban    unbanUser     `cmd:"" help:"Lift a ban."`
	Bans     listBans      `cmd:"" help:"List the bans of a room."`
	Mute     muteUser      `cmd:"" help:"Let a user read only, until a time or for good."`
	Unmute   unmuteUser    `cmd:"" help:"Lift a mute."`
	Mutes    listMutes     `cmd:"" help:"List the mutes of a room."`
	Slow     slowRoom      `cmd:"" help:"Set the pause between two messages of a member."`
	Announce announceRoom  `cmd:"" help:"Let only admins send, or with --off all members."`
	Pin      pinMessage    `cmd:"" help:"Pin a message."`
	Unpin    unpinMessage  `cmd:"" help:"Unpin a message."`
	Retain   retainRoom    `cmd:"" help:"Set the age after which a room's messages are removed."`
	Rename   renameRoom    `cmd:"" help:"Rename a room."`
	Open     openRoom      `cmd:"" help:"Make a room public: all users may read, write and join."`
	Close    closeRoom     `cmd:"" help:"Make a room private: members only."`
	Delete   deleteRoom    `cmd:"" help:"Delete a room with all of its messages."`
}

// Help returns the text of --help beside the commands. Kong calls it.
func (*rooms) Help() string {
	return `With AUTH off, a room needs no creation: write to it with pullchat send. A created room has members, and its log has a notice of every change.

    pullchat rooms
    pullchat rooms --public
    pullchat rooms create team --name "The Team" --member bob,carol
    pullchat rooms add team dave
    pullchat rooms promote team bob
    pullchat rooms show team
    pullchat rooms ban team eve --for 24h --reason spam
    pullchat rooms slow team 30s
    pullchat rooms delete team --yes`
}

// acting has the flags of commands that act on rooms.
type acting struct {
	patience
	As string `name:"as" placeholder:"NAME" help:"The acting user. Default: the logged-in user. A service with its token may leave it out and change any room."`
}

// Validate refuses a missing user. Kong calls it.
func (a acting) Validate() error {
	_, err := a.who()
	return errors.Join(a.patience.Validate(), err)
}

// who returns the acting user, or "" for the token's user.
func (a acting) who() (string, error) {
	if a.As != "" || a.Token != "" {
		return a.As, nil
	}
	session, err := a.sessions().load()
	if err == nil && session.User == "" {
		err = errors.New("the acting user is missing: give --as=NAME, or log in with pullchat login")
	}
	return session.User, err
}

// begin returns a client for the acting user.
func (a acting) begin() (client.Rooms, error) {
	user, err := a.who()
	if err != nil {
		return client.Rooms{}, err
	}
	c, err := a.client(a.notify)
	if err != nil {
		return client.Rooms{}, err
	}
	return c.RoomsAs(user), nil
}

// print writes the changed room.
func (a acting) print(room client.Room) error {
	return standardOutput(a.JSON, false).print(roomLine(room), room)
}

// roomLine returns a room for people.
func roomLine(r client.Room) string {
	what := []string{r.Visibility, "1 member"}
	if r.Count != 1 {
		what[1] = fmt.Sprintf("%d members", r.Count)
	}
	if r.Announce {
		what = append(what, "only admins send")
	}
	if r.SlowMode != "" {
		what = append(what, "slow mode: "+r.SlowMode)
	}
	if r.Role != "" {
		what = append(what, "you: "+r.Role)
	}
	text := r.ID + "  (" + strings.Join(what, ", ") + ")"
	if r.Name != "" {
		text += "  " + r.Name
	}
	return text
}

type listRooms struct {
	acting
	Public bool `name:"public" help:"List the public rooms."`
}

// Validate requires a user, except for public rooms. Kong calls it.
func (l listRooms) Validate() error {
	if l.Public {
		return l.patience.Validate()
	}
	return l.acting.Validate()
}

// Run prints rooms, page by page.
func (l *listRooms) Run(ctx contextType) error {
	list := client.Rooms.Mine
	if l.Public {
		list = client.Rooms.Public
	}
	user, err := l.who()
	if err != nil && !l.Public {
		return err
	}
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	const most = 100 // in a page, of a server as it is by default
	for from := ""; ; {
		page, err := list(c.RoomsAs(user), ctx, from, most)
		if err != nil {
			return err
		}
		for _, room := range page.Rooms {
			if err := l.print(room); err != nil {
				return err
			}
		}
		if !page.HasMore {
			return nil
		}
		from = page.NextCursor
	}
}

// oneRoom has the flags of commands about one room.
type oneRoom struct {
	acting
	Room string `arg:"" help:"The room's id."`
}

type showRoom struct{ oneRoom }

// Run prints a room and its members.
func (s *showRoom) Run(ctx contextType) error {
	rooms, err := s.begin()
	if err != nil {
		return err
	}
	room, err := rooms.Show(ctx, s.Room)
	if err != nil {
		return err
	}
	text := roomLine(room)
	out := standardOutput(s.JSON, false)
	if !out.terminal || out.json {
		return out.print(text, room)
	}
	if err := out.print(text, nil); err != nil { // each line by itself: the printed text has no line breaks
		return err
	}
	for _, m := range room.Members {
		if err := out.print(memberLine(m), nil); err != nil {
			return err
		}
	}
	return nil
}

func memberLine(m client.Member) string {
	return fmt.Sprintf("  %-6s  %s, since %s", m.Role, m.User, time.UnixMicro(m.Since).Format("2006-01-02 15:04:05"))
}

type createRoom struct {
	acting
	Room    string   `arg:"" optional:"" help:"The room's id: letters and digits of any script, and . _ - @ + Default: the server makes one."`
	Name    string   `name:"name" placeholder:"TEXT" help:"The display name."`
	Public  bool     `name:"public" xor:"visibility" help:"All users may read, write and join."`
	Private bool     `name:"private" xor:"visibility" help:"Members only. The default."`
	Members []string `name:"member" placeholder:"NAME" help:"Another member. Several: with commas, or repeat the flag."`
}

// Run creates a room.
func (c *createRoom) Run(ctx contextType) error {
	rooms, err := c.begin()
	if err != nil {
		return err
	}
	wanted := client.NewRoom{ID: c.Room, Name: c.Name, Users: c.Members, Visibility: "private"}
	if c.Public {
		wanted.Visibility = "public"
	}
	room, err := rooms.Create(ctx, wanted)
	if err != nil {
		return err
	}
	return c.print(room)
}

type deleteRoom struct {
	oneRoom
	Yes bool `name:"yes" short:"y" help:"Do not ask for confirmation."`
}

// Validate requires --yes without a terminal. Kong calls it.
func (d deleteRoom) Validate() error {
	if !d.Yes && !isTerminal(os.Stdin) {
		return errors.New("the room's messages are deleted too, and there is no terminal to confirm it: give --yes")
	}
	return d.oneRoom.Validate()
}

// Run deletes a room after a confirmation.
func (d *deleteRoom) Run(ctx contextType) error {
	rooms, err := d.begin()
	if err != nil {
		return err
	}
	if !d.Yes {
		agreed, err := ask(ctx, "Delete room "+d.Room+" with all of its messages? [y/N] ")
		if err != nil {
			return err
		}
		if !agreed {
			return errors.New("nothing was deleted")
		}
	}
	if err := rooms.Delete(ctx, d.Room); err != nil {
		return err
	}
	return standardOutput(d.JSON, false).print(d.Room+" is deleted", map[string]any{"id": d.Room, "deleted": true})
}
