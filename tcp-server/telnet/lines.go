package telnet

import (
	"fmt"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/terminal"
)

// Times are in UTC: the server does not know where its users are.
const (
	clock = "15:04"
	day   = "2006-01-02"
)

// appendLine appends a message as "15:04 sender: text". A line of an earlier or later day than the last one comes after a
// line with its day.
func (c *client) appendLine(lines []byte, m *chat.Message) []byte {
	at := time.UnixMicro(m.SendTime).UTC()
	if date := at.Format(day); date != c.today {
		c.today = date
		lines = fmt.Appendf(lines, "* %s\r\n", date)
	}
	lines = at.AppendFormat(lines, clock)
	sender := terminal.Printable(m.Sender)
	if first, second, pair := pairOf(m.Chat); pair {
		other := first
		if other == c.me {
			other = second
		}
		if sender == c.me && other != c.me {
			sender += " (to " + other + ")"
		} else {
			sender += " (private)"
		}
	}
	switch {
	case m.Notice != nil:
		return fmt.Appendf(lines, " * %s\r\n", terminal.Printable(m.Text))
	case m.Erased:
		return fmt.Appendf(lines, " %s (erased)\r\n", sender)
	}
	return fmt.Appendf(lines, " %s: %s\r\n", sender, terminal.Printable(m.Text))
}

// pairOf returns the users of a two-person chat.
func pairOf(name string) (first, second string, pair bool) {
	id, err := chat.ParseID(name)
	if err != nil {
		return "", "", false
	}
	return id.Users()
}

// show writes messages of a chat, without those that were sent here.
func (c *client) show(messages []chat.Message) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	var lines []byte
	for i := range messages {
		if m := &messages[i]; !c.hides(m) {
			lines = c.appendLine(lines, m)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return c.put(lines)
}

// hides reports whether a message is not shown: the user has just ignored its sender, or has sent it over this connection,
// which is said once.
func (c *client) hides(m *chat.Message) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if m.Notice == nil && c.ignored[m.Sender] {
		return true
	}
	mine := m.ID != "" && m.Sender == c.me && c.own[m.ID]
	if mine {
		delete(c.own, m.ID)
	}
	return mine
}

var (
	_ live.Sink = (*client)(nil)
	_ live.Sink = private{}
)

// private is the sink of the user's inbox, of which the two-person chats are shown: a user is in one room at a time.
type private struct{ *client }

// Page implements live.Sink.
func (p private) Page(page *live.Page, title chat.Title, positions func() []live.Position) error {
	if _, _, pair := pairOf(page.Chat); !pair {
		return nil
	}
	return p.client.Page(page, title, positions)
}

// Refuse implements live.Sink: an end of the inbox is one of the session, too.
func (p private) Refuse(string, error) error { return nil }

// Page implements live.Sink.
func (c *client) Page(page *live.Page, _ chat.Title, _ func() []live.Position) error {
	if c.begins(page.Chat) {
		c.advance(page.Chat, page.Messages[0].SendTime)
	}
	if err := c.show(page.Messages); err != nil {
		return err
	}
	c.cursors.Wrote(page.Chat, page.NextCursor)
	return nil
}

// begins reports whether a page is the first of a room that was empty when the user came for the first time. Without a cursor the
// next login would see the last messages only.
func (c *client) begins(room string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	first := c.unseen == room
	if first {
		c.unseen = ""
	}
	return first
}

// Tell implements live.Sink: of signals and movements nothing is shown.
func (c *client) Tell(string, chat.Event) error { return nil }

// Presence implements live.Sink.
func (c *client) Presence(string, *live.Present) error { return nil }

// Refuse implements live.Sink: the user is not in the room any more. An end of the session has a last line of its own.
func (c *client) Refuse(name string, err error) error {
	if name == "" {
		return nil
	}
	c.mutex.Lock()
	if c.room == name {
		c.room = ""
	}
	c.mutex.Unlock()
	return c.write(fmt.Appendf(nil, "* You are no longer in %s: %s\r\n", terminal.Printable(name), terminal.Printable(chat.AsError(err).Message)))
}

// Beat implements live.Sink. Plain text has nothing that every client would ignore; TCP finds connections that are lost.
func (c *client) Beat() error { return nil }
