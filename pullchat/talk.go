package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/pullchat/pullchat/client"
)

// connection is what every command that talks to a server takes.
type connection struct {
	Server  string        `name:"server" env:"PULLCHAT_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The server to talk to."`
	Timeout time.Duration `name:"timeout" default:"10s" placeholder:"DURATION" help:"How long to wait for an answer."`
	JSON    bool          `name:"json" help:"Write one JSON object per line. Always so when the output is not a terminal."`
}

func (c connection) client() (*client.Client, error) {
	return client.New(c.Server, &http.Client{Timeout: c.Timeout})
}

// print writes a value as people or as programs read it.
func (c connection) print(human string, value any) error {
	if !c.JSON && isatty.IsTerminal(os.Stdout.Fd()) {
		_, err := fmt.Println(human)
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(value)
}

type send struct {
	connection
	Chat   string `arg:"" help:"alice:bob, or a room."`
	Text   string `arg:"" help:"The text; - reads it from standard input."`
	Sender string `name:"sender" required:"" placeholder:"NAME" help:"Who sends it."`
	ID     string `name:"id" help:"Your own id of this message: sending it again stores nothing."`
}

// Run sends the message and prints where it was stored.
func (s *send) Run(ctx contextType) error {
	c, err := s.client()
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
	receipt, err := c.Send(ctx, client.Message{Chat: s.Chat, Text: s.Text, Sender: s.Sender, ID: s.ID})
	if err != nil {
		return err
	}
	human := fmt.Sprintf("stored at %d", receipt.SendTime)
	if receipt.Duplicate {
		human += " (by an earlier send with this id)"
	}
	return s.print(human, receipt)
}

type pull struct {
	connection
	Chat    string `arg:"" help:"alice:bob, or a room."`
	Cursor  int64  `name:"cursor" placeholder:"N" help:"Where to start, inclusive. Default: the oldest, or with --reverse the newest."`
	Limit   int64  `name:"limit" placeholder:"N" help:"Messages in a page. Default: the server's."`
	Reverse bool   `name:"reverse" help:"Newest first."`
	All     bool   `name:"all" help:"Follow the pages to the end."`
}

// Run prints one page, or all of them.
func (p *pull) Run(ctx contextType) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	request := client.PullRequest{Chat: p.Chat, Cursor: p.Cursor, Limit: p.Limit, Reverse: p.Reverse}
	if p.All {
		for m, err := range c.All(ctx, request) {
			if err != nil {
				return err
			}
			if err := p.printMessage(m); err != nil {
				return err
			}
		}
		return nil
	}
	page, err := c.Pull(ctx, request)
	if err != nil {
		return err
	}
	for _, m := range page.Messages {
		if err := p.printMessage(m); err != nil {
			return err
		}
	}
	if page.HasMore {
		fmt.Fprintf(os.Stderr, "there is more: --cursor %d continues, --all reads everything\n", page.NextCursor)
	}
	return nil
}

func (p *pull) printMessage(m client.Message) error {
	return p.print(fmt.Sprintf("%s  %s: %s", m.Time().Format("2006-01-02 15:04:05"), m.Sender, m.Text), m)
}

type ready struct {
	connection
}

// Run fails with the server's reason when it is not ready.
func (r *ready) Run(ctx contextType) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	if err := c.Ready(ctx); err != nil {
		return err
	}
	return r.print("ready", map[string]string{"status": "ready"})
}
