package main

import (
	"errors"
	"fmt"

	"github.com/pullchat/pullchat/client"
)

// following has the flags of commands that follow chats.
type following struct {
	patience
	Transport string `name:"transport" aliases:"door" enum:"sse,ws,poll" default:"sse" help:"The transport: sse (server-sent events), ws (WebSocket) or poll (long-poll). All deliver the same messages."`
}

var transports = map[string]client.Transport{"sse": client.ServerSentEvents, "ws": client.WebSocket, "poll": client.LongPoll}

// link reports once that the connection is lost, and that it is back; with verbose each attempt.
type link struct {
	verbose bool
	say     func(string)
	lost    bool
}

func (l *link) notify(r client.Repeat) {
	if l.verbose {
		l.say(repeated(r))
	} else if !l.lost {
		l.say(fmt.Sprintf("no connection to %s: %v; trying again", r.Server, r.Err))
	}
	l.lost = true
}

func (l *link) connected(server string) {
	if l.lost {
		l.say("connected to " + server)
	}
	l.lost = false
}

// newest returns the cursor of the last n messages of a chat.
func newest(ctx contextType, c *client.Client, chat string, n int64) (int64, error) {
	const most = 100 // in a page, of a server as it is by default
	request := client.PullRequest{Chat: chat, Reverse: true, Limit: min(max(n, 1), most)}
	var cursor int64
	for {
		page, err := c.Pull(ctx, request)
		if err != nil || len(page.Messages) == 0 {
			return cursor, err
		}
		if n == 0 {
			return page.Messages[0].NextCursor(), nil
		}
		cursor = page.Messages[len(page.Messages)-1].SendTime
		n -= int64(len(page.Messages))
		if n <= 0 || !page.HasMore {
			return cursor, nil
		}
		request.Cursor, request.Limit = page.NextCursor, min(n, most)
	}
}

type tail struct {
	following
	Chats  []string `arg:"" name:"chat" help:"alice:bob, or a room; several are followed together."`
	Cursor *int64   `name:"cursor" xor:"from" placeholder:"N" help:"Where to start, inclusive; 0 is the oldest. With --cursor, tail also waits for a server that does not answer yet."`
	Last   *int64   `name:"last" xor:"from" placeholder:"N" help:"How many messages of each chat come first. Default: 10."`
	Reader string   `name:"reader" placeholder:"NAME" help:"The reader, who counts as present in the chats. Not with --transport poll."`
	Raw    bool     `name:"raw" xor:"form" help:"Write lines for people, also without a terminal. Texts are not escaped: control characters reach the terminal."`
}

// Validate refuses chats that cannot be followed. Kong calls it.
func (t tail) Validate() error {
	switch {
	case t.Last != nil && *t.Last < 0, t.Cursor != nil && *t.Cursor < 0:
		return errors.New("--last and --cursor must not be negative")
	case t.Reader != "" && t.Transport == "poll":
		return errors.New("--reader needs --transport sse or ws")
	}
	return nil
}

// Run prints messages until it is interrupted, which is success.
func (t *tail) Run(ctx contextType) error {
	c, err := t.client(t.notify)
	if err != nil {
		return err
	}
	link := &link{verbose: t.Verbose, say: complain}
	live, err := t.client(link.notify)
	if err != nil {
		return err
	}
	chats, err := t.begin(ctx, c)
	if err != nil {
		return interrupted(ctx, err)
	}
	out := standardOutput(t.JSON, t.Raw)
	request := client.FollowRequest{Chats: chats, Reader: t.Reader, Over: transports[t.Transport], Connected: link.connected}
	for m, err := range live.Follow(ctx, request) {
		if err != nil {
			return interrupted(ctx, err)
		}
		human := line(m)
		if len(chats) > 1 {
			human = m.Chat + "  " + human
		}
		if err := out.print(human, m); err != nil {
			return err
		}
	}
	return nil
}

// begin returns the first cursor of each chat.
func (t *tail) begin(ctx contextType, c *client.Client) (map[string]int64, error) {
	chats, last := map[string]int64{}, int64(10)
	if t.Last != nil {
		last = *t.Last
	}
	for _, chat := range t.Chats {
		if t.Cursor != nil {
			chats[chat] = *t.Cursor
			continue
		}
		cursor, err := newest(ctx, c, chat, last)
		if err != nil {
			return nil, err
		}
		chats[chat] = cursor
	}
	return chats, nil
}

// interrupted returns the error of a command that runs until an interrupt: nil after one.
func interrupted(ctx contextType, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}
