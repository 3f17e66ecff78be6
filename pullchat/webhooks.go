package main

import (
	"errors"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

// webhooks is the command "webhooks".
type webhooks struct {
	List    listWebhooks  `cmd:"" default:"withargs" help:"List the webhooks that you may change. The default."`
	Create  createWebhook `cmd:"" help:"Post events to a URL. Prints the secret, which is never shown again."`
	Change  changeWebhook `cmd:"" help:"Change a webhook."`
	Enable  enableWebhook `cmd:"" help:"Resume a webhook at its cursors."`
	Disable stopWebhook   `cmd:"" help:"Stop a webhook. Its cursors are kept."`
	Rotate  rotateWebhook `cmd:"" help:"Make a new secret. For a day, the old secret also signs."`
	Remove  removeWebhook `cmd:"" help:"Remove a webhook."`
}

// Help returns the text of --help beside the commands. Kong calls it.
func (*webhooks) Help() string {
	return `A worker posts the messages that follow to the URL of a webhook, signed as Standard Webhooks. With AUTH on, a service's token (pullchat token) manages all webhooks, and an admin of rooms those of these rooms.

    pullchat webhooks create https://example.org/hook
    pullchat webhooks create https://example.org/hook --chat team --event messages --event notices
    pullchat webhooks
    pullchat webhooks rotate mzxw6ytboi4dkmrtgu3dkobzha`
}

// webhookLine returns a webhook for people.
func webhookLine(w client.Webhook) string {
	of := "all chats"
	if len(w.Chats) > 0 {
		of = strings.Join(w.Chats, ", ")
	}
	events := strings.Join(w.Events, " and ")
	if w.Bursts {
		events = "bursts of " + events
	}
	line := w.ID + "  " + w.URL + "  " + events + " of " + of
	if w.User != "" {
		line += ", by " + w.User
	}
	if !w.Enabled {
		line += ", disabled"
	}
	if w.Reason != "" {
		line += ": " + w.Reason
	}
	if w.PreviousUntil > 0 {
		line += "\nthe old secret signs until " + time.UnixMicro(w.PreviousUntil).Format(time.DateTime)
	}
	if w.Secret != "" {
		line += "\nsecret: " + w.Secret
	}
	return line
}

type listWebhooks struct{ patience }

// Run prints the webhooks.
func (l *listWebhooks) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	found, err := c.Webhooks(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		complain("there is no webhook; pullchat webhooks create URL makes one")
	}
	for _, w := range found {
		if err := standardOutput(l.JSON, false).print(webhookLine(w), w); err != nil {
			return err
		}
	}
	return nil
}

// subscription has the flags that say which events a webhook is for.
type subscription struct {
	Chats  []string `name:"chat" placeholder:"CHAT" help:"Only this chat; may be repeated. Default: all, for services."`
	Events []string `name:"event" enum:"messages,notices" placeholder:"KIND" help:"messages or notices; may be repeated. Default: messages."`
}

type createWebhook struct {
	patience
	subscription
	URL    string `arg:"" help:"Where events are posted: https://…"`
	Bursts bool   `name:"bursts" help:"Gather the messages of one sender in one chat."`
}

// Run makes a webhook.
func (w *createWebhook) Run(ctx contextType) error {
	c, err := w.client(w.notify)
	if err != nil {
		return err
	}
	made, err := c.CreateWebhook(ctx, client.NewWebhook{URL: w.URL, Chats: w.Chats, Events: w.Events, Bursts: w.Bursts})
	if err != nil {
		return err
	}
	return standardOutput(w.JSON, false).print(webhookLine(made), made)
}

// oneWebhook has the flags of commands that change one webhook.
type oneWebhook struct {
	patience
	ID string `arg:"" help:"The webhook."`
}

func (w *oneWebhook) change(ctx contextType, change client.WebhookChange) error {
	c, err := w.client(w.notify)
	if err != nil {
		return err
	}
	changed, err := c.ChangeWebhook(ctx, w.ID, change)
	if err != nil {
		return err
	}
	return standardOutput(w.JSON, false).print(webhookLine(changed), changed)
}

type changeWebhook struct {
	oneWebhook
	subscription
	URL    string `name:"url" placeholder:"URL" help:"Another URL."`
	Bursts *bool  `name:"bursts" negatable:"" help:"Whether to gather the messages of one sender in one chat."`
}

// Run changes it.
func (w *changeWebhook) Run(ctx contextType) error {
	change := client.WebhookChange{Chats: w.Chats, Events: w.Events, Bursts: w.Bursts}
	if w.URL != "" {
		change.URL = &w.URL
	}
	if w.URL == "" && w.Bursts == nil && len(w.Chats)+len(w.Events) == 0 {
		return errors.New("nothing to change; give --url, --chat, --event or --bursts")
	}
	return w.change(ctx, change)
}

type enableWebhook struct{ oneWebhook }

// Run enables it.
func (w *enableWebhook) Run(ctx contextType) error {
	return w.change(ctx, client.WebhookChange{Enabled: new(true)})
}

type stopWebhook struct{ oneWebhook }

// Run disables it.
func (w *stopWebhook) Run(ctx contextType) error {
	return w.change(ctx, client.WebhookChange{Enabled: new(false)})
}

type rotateWebhook struct {
	oneWebhook
	End bool `name:"end" help:"Make no new secret, but end the old secret now."`
}

// Run rotates its secret.
func (w *rotateWebhook) Run(ctx contextType) error {
	return w.change(ctx, client.WebhookChange{Rotate: new(!w.End)})
}

type removeWebhook struct{ oneWebhook }

// Run removes it.
func (w *removeWebhook) Run(ctx contextType) error {
	c, err := w.client(w.notify)
	if err != nil {
		return err
	}
	return c.RemoveWebhook(ctx, w.ID)
}
