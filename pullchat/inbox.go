package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pullchat/pullchat/client"
)

// reading has the flags of commands for a reader.
type reading struct {
	patience
	Reader string `name:"reader" placeholder:"NAME" help:"The reader: a user, or a device such as alice/phone. Default: the logged-in user."`
}

// Validate refuses a missing reader. Kong calls it.
func (r reading) Validate() error {
	_, err := r.user("reader", r.Reader)
	return errors.Join(r.patience.Validate(), err)
}

// begin returns a client and the reader.
func (r reading) begin() (*client.Client, string, error) {
	reader, err := r.user("reader", r.Reader)
	if err != nil {
		return nil, "", err
	}
	c, err := r.client(r.notify)
	return c, reader, err
}

type inbox struct {
	reading
	Limit int64 `name:"limit" placeholder:"N" help:"Chats in a page. Default: the server's."`
	All   bool  `name:"all" xor:"how" help:"Follow the pages to the end."`

	Follow    bool   `name:"follow" xor:"how" help:"Show the unread messages of all chats, then new ones, also in new chats."`
	Transport string `name:"transport" aliases:"door" enum:"sse,ws" default:"sse" help:"The transport of --follow: sse (server-sent events) or ws (WebSocket)."`
}

// follow prints messages until it is interrupted, which is success.
func (i *inbox) follow(ctx contextType, reader string) error {
	link := &link{verbose: i.Verbose, say: complain}
	c, err := i.client(link.notify)
	if err != nil {
		return err
	}
	out := standardOutput(i.JSON, false)
	request := client.FollowRequest{Inbox: true, Reader: reader, Over: transports[i.Transport], Connected: link.connected}
	for m, err := range c.Follow(ctx, request) {
		if err != nil {
			return interrupted(ctx, err)
		}
		if err := out.print(m.Chat+"  "+line(m), m); err != nil {
			return err
		}
	}
	return nil
}

// Run prints a user's chats, newest activity first.
func (i *inbox) Run(ctx contextType) error {
	c, reader, err := i.begin()
	if err != nil {
		return err
	}
	if i.Follow {
		return i.follow(ctx, reader)
	}
	out := standardOutput(i.JSON, false)
	request := client.InboxRequest{Reader: reader, Limit: i.Limit}
	shown := map[string]bool{}
	for {
		page, err := c.Inbox(ctx, request)
		if err != nil {
			return err
		}
		for _, entry := range page.Chats {
			if shown[entry.Chat] { // it got a message meanwhile
				continue
			}
			shown[entry.Chat] = true
			if err := out.print(entryLine(entry), entry); err != nil {
				return err
			}
		}
		if !page.HasMore {
			return nil
		}
		if !i.All {
			complain("there is more: --all shows everything")
			return nil
		}
		request.Cursor = page.NextCursor
	}
}

// entryLine returns a chat of an inbox for people.
func entryLine(e client.InboxEntry) string {
	unread := "     "
	switch {
	case e.Unread > 99:
		unread = "(99+)"
	case e.Unread > 0:
		unread = fmt.Sprintf("%5s", fmt.Sprintf("(%d)", e.Unread))
	}
	text := unread + " " + e.Chat
	if e.Mentions > 0 {
		text += fmt.Sprintf(" @%d", e.Mentions)
	}
	if e.Last != nil {
		text += "  " + line(*e.Last)
	}
	return strings.TrimRight(text, " ")
}

type read struct {
	reading
	Chat   string `arg:"" help:"alice:bob, or a room."`
	Cursor *int64 `name:"cursor" placeholder:"N" help:"Mark all messages before it as read. Default: all current messages."`
	Force  bool   `name:"force" help:"Also move the cursor back: messages after --cursor become unread again."`

	Delivered *int64 `name:"delivered" placeholder:"N" help:"Mark all messages before it as received, but not as read."`
}

// Validate refuses --force without a cursor. Kong calls it.
func (r read) Validate() error {
	if r.Force && r.Cursor == nil {
		return errors.New("--force needs --cursor")
	}
	if r.Delivered != nil && r.Cursor != nil {
		return errors.New("--delivered and --cursor exclude each other: messages that are read were also received")
	}
	return r.reading.Validate()
}

// Run moves the reader's cursor.
func (r *read) Run(ctx contextType) error {
	c, reader, err := r.begin()
	if err != nil {
		return err
	}
	moved := client.Reading{Chat: r.Chat, Reader: reader}
	switch {
	case r.Delivered != nil:
		moved.Cursor = *r.Delivered
		if moved.Cursor, _, err = c.Delivered(ctx, moved); err != nil {
			return err
		}
		return standardOutput(r.JSON, false).print(fmt.Sprintf("%s was received up to %d", moved.Chat, moved.Cursor), moved)
	case r.Cursor == nil:
		moved.Cursor, err = c.ReadAll(ctx, r.Chat, reader)
	case r.Force:
		moved.Cursor = *r.Cursor
		moved.Cursor, err = c.ReadBack(ctx, moved)
	default:
		moved.Cursor = *r.Cursor
		moved.Cursor, err = c.Read(ctx, moved)
	}
	if err != nil {
		return err
	}
	return standardOutput(r.JSON, false).print(fmt.Sprintf("%s is read up to %d", moved.Chat, moved.Cursor), moved)
}

type ignore struct {
	reading
	User   string `arg:"" optional:"" help:"The user to ignore; without it the ignored users are listed."`
	Remove bool   `name:"remove" help:"Stop ignoring this user."`
}

// Validate refuses to end an ignore without a user. Kong calls it.
func (i ignore) Validate() error {
	if i.User == "" && i.Remove {
		return errors.New("--remove needs a user")
	}
	return i.reading.Validate()
}

// Run changes or prints the ignored users of a user.
func (i *ignore) Run(ctx contextType) error {
	c, reader, err := i.begin()
	if err != nil {
		return err
	}
	out := standardOutput(i.JSON, false)
	user, _, _ := strings.Cut(reader, "/")
	switch {
	case i.User != "" && i.Remove:
		err = c.Unignore(ctx, user, i.User)
	case i.User != "":
		err = c.Ignore(ctx, user, i.User)
	default:
		ignored, err := c.Ignored(ctx, user)
		for k := 0; k < len(ignored) && err == nil; k++ {
			err = out.print(ignored[k], map[string]string{"user": ignored[k]})
		}
		return err
	}
	if err != nil {
		return err
	}
	human := map[bool]string{false: i.User + " is ignored", true: i.User + " is no longer ignored"}[i.Remove]
	return out.print(human, map[string]any{"user": i.User, "ignored": !i.Remove})
}
