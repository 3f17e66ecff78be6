package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/pullchat/pullchat/client"
)

type send struct {
	patience
	Chat   string `arg:"" help:"alice:bob, or a room."`
	Text   string `arg:"" help:"The text; - reads it from standard input."`
	Sender string `name:"sender" placeholder:"NAME" help:"The sender. Default: the logged-in user."`
	ID     string `name:"id" help:"Your own id of this message: sending it again stores nothing. Default: a random one."`

	ReplyTo  int64    `name:"reply-to" placeholder:"SEND_TIME" help:"The send_time of the message that this one answers."`
	Mention  []string `name:"mention" placeholder:"NAME" help:"A user whom the message mentions; may be repeated."`
	Metadata string   `name:"metadata" placeholder:"JSON" help:"Metadata of the application, a JSON object."`
}

// Validate refuses a message without a sender. Kong calls it.
func (s send) Validate() error {
	_, err := s.user("sender", s.Sender)
	return errors.Join(s.patience.Validate(), err)
}

// Run sends the message and prints where it was stored.
func (s *send) Run(ctx contextType) error {
	c, err := s.client(s.notify)
	if err != nil {
		return err
	}
	sender, err := s.user("sender", s.Sender)
	if err != nil {
		return err
	}
	if s.Text == "-" {
		input, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		s.Text = strings.TrimSuffix(string(input), "\n")
	}
	receipt, err := c.Send(ctx, client.Message{Chat: s.Chat, Text: s.Text, Sender: sender, ID: s.ID, Content: s.content()})
	if err != nil {
		return meant(ctx, c, err, s.Chat, sender)
	}
	warn(ctx, c, s.Chat, sender)
	human := fmt.Sprintf("stored at %d", receipt.SendTime)
	if receipt.Duplicate {
		human += " (by an earlier send with this id)"
	}
	return standardOutput(s.JSON, false).print(human, receipt)
}

// content returns the content of the message beside its text; nil for none.
func (s *send) content() *client.Content {
	if s.ReplyTo == 0 && len(s.Mention) == 0 && s.Metadata == "" {
		return nil
	}
	c := &client.Content{ReplyTo: s.ReplyTo, Mentions: s.Mention}
	if s.Metadata != "" {
		c.Metadata = []byte(s.Metadata)
	}
	return c
}

type pull struct {
	patience
	Chat    string `arg:"" help:"alice:bob, or a room."`
	Cursor  int64  `name:"cursor" placeholder:"N" help:"Where to start, inclusive. Default: the oldest, or with --reverse the newest."`
	Limit   int64  `name:"limit" placeholder:"N" help:"Messages in a page. Default: the server's."`
	Reverse bool   `name:"reverse" help:"Newest first."`
	All     bool   `name:"all" help:"Follow the pages to the end."`
	Page    bool   `name:"page" xor:"page" help:"Write each page as one JSON object with messages, has_more and next_cursor, the place to continue from."`
	Raw     bool   `name:"raw" xor:"form,page" help:"Write lines for people, also without a terminal. Texts are not escaped: control characters reach the terminal."`
}

// Run prints one page, or all of them.
func (p *pull) Run(ctx contextType) error {
	c, err := p.client(p.notify)
	if err != nil {
		return err
	}
	out := standardOutput(p.JSON || p.Page, p.Raw)
	request := client.PullRequest{Chat: p.Chat, Cursor: p.Cursor, Limit: p.Limit, Reverse: p.Reverse}
	for {
		page, err := c.Pull(ctx, request)
		if err != nil {
			who, _ := p.user("reader", "")
			return meant(ctx, c, err, p.Chat, who)
		}
		if err := p.printPage(out, page); err != nil {
			return err
		}
		if !page.HasMore || !p.All {
			return nil
		}
		request.Cursor = page.NextCursor
	}
}

func (p *pull) printPage(out output, page client.Page) error {
	if p.Page {
		return out.print("", page)
	}
	for _, m := range page.Messages {
		if err := out.print(line(m), m); err != nil {
			return err
		}
	}
	if page.HasMore && !p.All {
		fmt.Fprintf(os.Stderr, "there is more: --cursor %d continues, --all reads everything\n", page.NextCursor)
	}
	return nil
}

// line returns a message for people.
func line(m client.Message) string {
	return m.Time().Format("2006-01-02 15:04:05") + "  " + said(m)
}

// said returns the sender and the text; of a notice only the text, which names the sender.
func said(m client.Message) string {
	if m.Notice != nil && m.Kind == "edit" {
		return "* " + m.Sender + " edited: " + m.Text
	}
	if m.Notice != nil {
		return "* " + m.Text
	}
	if m.State != nil && m.Deleted > 0 {
		return m.Sender + " (deleted)"
	}
	if m.Erased {
		return m.Sender + " (erased)"
	}
	return m.Sender + ": " + m.Text
}

type ready struct {
	patience
	Insecure bool `name:"insecure" help:"Accept any certificate; for health checks on the server's own machine. No token is sent."`
}

// asking returns the client of the command.
func (r *ready) asking() (*client.Client, error) {
	if !r.Insecure {
		return r.client(r.notify)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()      //nolint:errcheck // no part of this program changes it
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the flag asks for it
	return r.openOver(&http.Client{Transport: transport})
}

// Run fails with the server's reason when it is not ready.
func (r *ready) Run(ctx contextType) error {
	c, err := r.asking()
	if err != nil {
		return err
	}
	if err := c.Ready(ctx); err != nil {
		return err
	}
	return standardOutput(r.JSON, false).print("ready", map[string]string{"status": "ready"})
}
