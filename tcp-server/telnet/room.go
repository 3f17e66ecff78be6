package telnet

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

const (
	// missedAtOnce bounds the missed messages that are counted. The others come after them.
	missedAtOnce = 1000
	// firstLines is how much of a room a user sees who has never been there.
	firstLines = 20
	pageLines  = 100
	// skew is more than the clocks of servers differ.
	skew           = time.Minute
	advanceTimeout = 3 * time.Second
)

// arrive shows missed messages, and enters the first room.
func (c *client) arrive() error {
	if err := c.say("Hello, %s. /help lists the commands", c.me); err != nil {
		return err
	}
	if err := c.private(); err != nil {
		return err
	}
	if c.server.config.Room == "" {
		return c.say("You are in no room: /join ROOM enters one")
	}
	if err := c.enter(c.server.config.Room); err != nil || c.currentRoom() != "" {
		return err
	}
	return c.say("You are in no room: /join ROOM enters one")
}

// enter enters a room instead of the present one.
func (c *client) enter(room string) error {
	id, err := chat.ParseID(room)
	if err == nil && !id.IsRoom() {
		err = chat.Errorf(chat.InvalidArgument, "%s is a two-person chat: /msg USER text sends a private message", room)
	}
	wanted := []live.Follow{{Chat: room, Reader: c.reader()}}
	if err == nil {
		err = c.server.config.Hub.Admit(c.ctx(), wanted) // which adds the caller
	}
	if err == nil {
		err = c.change(room, chat.JoinRoom)
	}
	var missed missed
	if err == nil {
		missed, err = c.missed(room)
	}
	if err != nil {
		return c.refuse(err)
	}
	if before := c.currentRoom(); before != "" {
		_ = c.session.Unfollow(before)
	}
	c.mutex.Lock()
	c.room, c.unseen = room, ""
	if missed.next == 0 {
		c.unseen = room
	}
	c.mutex.Unlock()
	if err := c.say("You are in %s", room); err != nil {
		return err
	}
	if err := c.report(missed, "missed"); err != nil {
		return err
	}
	wanted[0].Cursor = missed.next
	if err := c.session.Follow(wanted[0]); err != nil {
		return c.refuse(err)
	}
	return nil
}

// leave leaves a room, and its members.
func (c *client) leave(room string) error {
	if err := c.change(room, chat.LeaveRoom); err != nil {
		return c.refuse(err)
	}
	_ = c.session.Unfollow(room)
	c.mutex.Lock()
	c.room = ""
	c.mutex.Unlock()
	return c.say("You have left %s", room)
}

// change makes the user a member of a room, or ends that. With AUTH=off, where every id is a room, rooms without members are
// entered and left too.
func (c *client) change(room string, kind chat.ChangeKind) error {
	if c.server.config.Services.Rooms == nil {
		return nil
	}
	_, err := c.server.config.Services.Rooms.ChangeRoom(c.ctx(), chat.RoomChange{Room: room, Kind: kind, As: c.me})
	if code := chat.CodeOf(err); !c.server.config.Auth && (code == chat.NotFound || code == chat.PermissionDenied) {
		return nil
	}
	return err
}

// missed are the messages of a chat that the user has not seen here.
type missed struct {
	chat     string
	messages []chat.Message
	count    int   // of others' messages
	more     bool  // there are more than missedAtOnce
	first    bool  // the user has never been there: these are the last messages
	next     int64 // the position after them
}

// missed reads the messages of a chat from the cursor of this client on, or from the user's read cursor.
func (c *client) missed(name string) (missed, error) {
	m := missed{chat: name, next: c.cursors.After(name)}
	for _, reader := range []string{c.reader(), c.me} {
		if m.next > 0 {
			break
		}
		at, err := c.server.config.Services.Live.Read(c.ctx(), chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: reader}}) // moves nothing
		if err != nil {
			return m, err
		}
		m.next = at
	}
	if _, _, pair := pairOf(name); m.next == 0 && !pair {
		return c.last(name)
	}
	for m.more = true; m.more && len(m.messages) < missedAtOnce; {
		page, err := c.server.config.Services.Messages.Pull(c.ctx(), chat.PullRequest{Chat: name, Cursor: m.next, Limit: pageLines, Reader: c.reader()})
		if err != nil {
			return m, err
		}
		for _, message := range page.Messages {
			m.messages = append(m.messages, message)
			if message.Sender != c.me && message.Notice == nil && !message.Erased {
				m.count++
			}
		}
		m.next, m.more = page.NextCursor, page.HasMore
	}
	return m, nil
}

// last reads the last messages of a room.
func (c *client) last(room string) (missed, error) {
	page, err := c.server.config.Services.Messages.Pull(c.ctx(), chat.PullRequest{Chat: room, Limit: firstLines, Reverse: true, Reader: c.reader()})
	m := missed{chat: room, messages: page.Messages, first: true}
	if err == nil && len(m.messages) > 0 {
		m.next = m.messages[0].SendTime + 1
		slices.Reverse(m.messages)
		c.advance(room, m.messages[0].SendTime) // whatever comes from now on, these are not the last messages of a new room again
	}
	return m, err
}

// report shows missed messages, with their number before them.
func (c *client) report(m missed, what string) error {
	var err error
	switch {
	case len(m.messages) == 0:
	case m.first:
		err = c.say("The last messages:")
	case m.more:
		err = c.say("More than %d %s messages:", m.count, what)
	case m.count == 1:
		err = c.say("1 %s message:", what)
	case m.count > 1:
		err = c.say("%d %s messages:", m.count, what)
	}
	if err == nil {
		err = c.show(m.messages)
	}
	if err == nil && m.next > 0 {
		c.cursors.Wrote(m.chat, m.next)
	}
	return err
}

// private shows missed private messages, and follows all later ones. Old messages in a chat without unread messages are
// the user's own. An error ends the connection.
func (c *client) private() error {
	inboxes := c.server.config.Services.Inboxes
	if inboxes == nil {
		return nil
	}
	before := c.server.config.Now().Add(-skew).UnixMicro()
	chats, err := inboxes.Chats(c.ctx(), chat.ChatsRequest{Reader: c.reader()})
	var elsewhere []chat.Standing
	if err == nil {
		elsewhere, err = inboxes.Chats(c.ctx(), chat.ChatsRequest{Reader: c.me})
	}
	var unread []chat.Unread
	if err == nil {
		unread, err = c.unread()
	}
	if err != nil {
		return c.unserved(err)
	}
	at := map[string]int64{}
	for _, standing := range slices.Concat(chats, elsewhere) { // rooms are followed by name, and not shown as private
		at[standing.Chat] = max(at[standing.Chat], standing.Cursor, before)
	}
	for _, of := range unread {
		if _, _, pair := pairOf(of.Chat); !pair {
			continue
		}
		m, err := c.missed(of.Chat)
		if err != nil {
			return c.unserved(err)
		}
		if err := c.report(m, "missed private"); err != nil {
			return err
		}
		at[of.Chat] = m.next
	}
	wanted := live.InboxFollow{Follow: live.Follow{Reader: c.reader()}} // a chat that begins meanwhile is followed from its beginning
	if by := c.caller.Load(); by != nil {
		wanted.By = *by
	}
	for name, cursor := range at {
		wanted.At = append(wanted.At, live.Position{Chat: name, Cursor: cursor})
	}
	if err := c.inboxed.FollowInbox(wanted); err != nil {
		return c.unserved(err)
	}
	return nil
}

// unread returns all chats with unread messages.
func (c *client) unread() (all []chat.Unread, err error) {
	for wanted := (chat.UnreadRequest{Reader: c.reader()}); ; {
		page, err := c.server.config.Services.Inboxes.Unread(c.ctx(), wanted)
		if all = append(all, page.Chats...); err != nil || !page.HasMore {
			return all, err
		}
		wanted.Cursor = page.NextCursor
	}
}

// unserved ends a connection without private messages: the user would wait for them in vain.
func (c *client) unserved(err error) error {
	if failed := c.refuse(err); failed != nil {
		return failed
	}
	return errUnserved
}

// advance moves the cursor of this client. If that fails, the messages before it come again.
func (c *client) advance(name string, to int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), advanceTimeout)
	defer cancel()
	_, _ = c.server.config.Services.Live.Read(ctx, chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: c.reader(), Cursor: to}})
}
