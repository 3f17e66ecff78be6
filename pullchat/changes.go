package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pullchat/pullchat/client"
)

// changed has the common flags of the commands that change a message.
type changed struct {
	patience
	Chat     string `arg:"" help:"alice:bob, or a room."`
	SendTime int64  `arg:"" name:"send-time" help:"The send_time of the message."`
	Sender   string `name:"sender" placeholder:"NAME" help:"The user who changes it. Default: the logged-in user."`
	ID       string `name:"id" help:"Your own id of this change: repeating it stores nothing. Default: a random one."`
}

// Validate refuses a change by no user. Kong calls it.
func (c changed) Validate() error {
	_, err := c.user("sender", c.Sender)
	return errors.Join(c.patience.Validate(), err)
}

// make makes a change and prints where its entry was stored.
func (c *changed) make(ctx contextType, what string, change func(*client.Client, client.Change) (client.Receipt, error)) error {
	asking, err := c.client(c.notify)
	if err != nil {
		return err
	}
	sender, err := c.user("sender", c.Sender)
	if err != nil {
		return err
	}
	receipt, err := change(asking, client.Change{Chat: c.Chat, SendTime: c.SendTime, Sender: sender, ID: c.ID})
	if err != nil {
		return meant(ctx, asking, err, c.Chat, sender)
	}
	return standardOutput(c.JSON, false).print(fmt.Sprintf("%s, stored at %d", what, receipt.SendTime), receipt)
}

type edit struct {
	changed
	Text string `arg:"" help:"The new text."`
}

// Run edits the message.
func (e *edit) Run(ctx contextType) error {
	return e.make(ctx, "edited", func(c *client.Client, change client.Change) (client.Receipt, error) {
		return c.Edit(ctx, change, e.Text)
	})
}

type deleteMessage struct{ changed }

// Run deletes the message.
func (d *deleteMessage) Run(ctx contextType) error {
	return d.make(ctx, "deleted", func(c *client.Client, change client.Change) (client.Receipt, error) { return c.Delete(ctx, change) })
}

type react struct {
	changed
	Emoji  string `arg:"" help:"One emoji."`
	Remove bool   `name:"remove" help:"Remove the reaction."`
}

// Run adds the reaction, or removes it.
func (r *react) Run(ctx contextType) error {
	if r.Remove {
		return r.make(ctx, "taken back", func(c *client.Client, change client.Change) (client.Receipt, error) {
			return c.Unreact(ctx, change, r.Emoji)
		})
	}
	return r.make(ctx, "reacted", func(c *client.Client, change client.Change) (client.Receipt, error) {
		return c.React(ctx, change, r.Emoji)
	})
}

type receipts struct {
	patience
	Chat     string `arg:"" help:"alice:bob, or a room."`
	SendTime int64  `arg:"" name:"send-time" help:"The send_time of the message."`
}

// Run prints how far a message has come.
func (r *receipts) Run(ctx contextType) error {
	c, err := r.client(r.notify)
	if err != nil {
		return err
	}
	found, err := c.Receipts(ctx, r.Chat, r.SendTime)
	if err != nil {
		who, _ := r.user("sender", "")
		return meant(ctx, c, err, r.Chat, who)
	}
	human := fmt.Sprintf("delivered to %d of %d, read by %d", len(found.DeliveredTo), found.Recipients, len(found.ReadBy))
	if len(found.DeliveredTo) > 0 {
		human += "\ndelivered to " + strings.Join(found.DeliveredTo, ", ")
	}
	if len(found.ReadBy) > 0 {
		human += "\nread by " + strings.Join(found.ReadBy, ", ")
	}
	return standardOutput(r.JSON, false).print(human, found)
}

type thread struct {
	patience
	Chat     string `arg:"" help:"alice:bob, or a room."`
	SendTime int64  `arg:"" name:"send-time" help:"The send_time of the message."`
	Cursor   int64  `name:"cursor" placeholder:"N" help:"Where to start, inclusive. Default: the first answer."`
	Limit    int64  `name:"limit" placeholder:"N" help:"Messages in a page. Default: the server's."`
}

// Run prints a page of answers.
func (t *thread) Run(ctx contextType) error {
	c, err := t.client(t.notify)
	if err != nil {
		return err
	}
	page, err := c.Thread(ctx, client.ThreadRequest{Chat: t.Chat, SendTime: t.SendTime, Cursor: t.Cursor, Limit: t.Limit})
	if err != nil {
		who, _ := t.user("reader", "")
		return meant(ctx, c, err, t.Chat, who)
	}
	return (&pull{patience: t.patience}).printPage(standardOutput(t.JSON, false), page)
}

type history struct {
	patience
	Chat     string `arg:"" help:"A room; a service may also give alice:bob."`
	SendTime int64  `arg:"" name:"send-time" help:"The send_time of the message."`
	Cursor   int64  `name:"cursor" placeholder:"N" help:"Where to start, inclusive. Default: the first text."`
	Limit    int64  `name:"limit" placeholder:"N" help:"Texts in a page. Default: the server's."`
}

// Run prints a page of the history of edits.
func (h *history) Run(ctx contextType) error {
	c, err := h.client(h.notify)
	if err != nil {
		return err
	}
	page, err := c.Versions(ctx, client.VersionsRequest{Chat: h.Chat, SendTime: h.SendTime, Cursor: h.Cursor, Limit: h.Limit})
	if err != nil {
		who, _ := h.user("reader", "")
		return meant(ctx, c, err, h.Chat, who)
	}
	out := standardOutput(h.JSON, false)
	for _, v := range page.Versions {
		if err := out.print(line(client.Message{SendTime: v.SendTime, Sender: v.Sender, Text: v.Text}), v); err != nil {
			return err
		}
	}
	if page.HasMore {
		fmt.Fprintf(os.Stderr, "there is more: --cursor %d continues\n", page.NextCursor)
	}
	return nil
}
