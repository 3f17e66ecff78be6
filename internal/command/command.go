// Package command is the table of commands on a lasting connection. The frames of a WebSocket, the lines of a device and the
// words of a terminal use it. It knows no transport: a gateway reads a Request in its own form, calls Client.Do, and writes
// the Reply in its own form.
package command

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

// The names of the commands.
const (
	Watch     = "watch"
	Unwatch   = "unwatch"
	Send      = "send"
	Pull      = "pull"
	Read      = "read"
	Delivered = "delivered"
	Signal    = "signal"
	Ping      = "ping"
	Auth      = "auth"
)

// Request is a command with its arguments. docs/live.md says which command has which.
type Request struct {
	Name string
	Ref  string // the client's mark, which the reply repeats

	Chat       string
	Inbox      bool
	Cursor     int64
	FromCursor bool // Cursor was given
	FromEnd    bool // of a read: the newest message instead of Cursor
	Force      bool
	Limit      int64
	Reverse    bool
	Reader     string
	Unread     bool
	Presence   *bool  // nil is true if there is a Reader
	Batch      string // a time with its unit
	Text       string
	Sender     string
	ID         string
	Signal     string
	Data       string
	Token      string

	ReplyTo     int64
	Mentions    []string
	ContentType string
	Body        chat.Object
	Metadata    chat.Object
}

// ReplyType is the type of a Reply.
type ReplyType string

// The types of replies.
const (
	Watching      ReplyType = "watching" // before the first page
	Unwatched     ReplyType = "unwatched"
	Sent          ReplyType = "sent"
	Page          ReplyType = "page"
	ReadUpTo      ReplyType = "read"
	DeliveredUpTo ReplyType = "delivered"
	Signalled     ReplyType = "signalled"
	Pong          ReplyType = "pong"
	Authenticated ReplyType = "authenticated"
	Refused       ReplyType = "error"
)

// Reply answers one Request. Its comments say which types set a field.
type Reply struct {
	Type    ReplyType
	Ref     string
	Chat    string       // of Watching, Unwatched, Page, ReadUpTo and DeliveredUpTo
	Inbox   bool         // of Watching and Unwatched
	Receipt chat.Receipt // of Sent
	Page    *chat.Page   // of Page; its chat is named as in the request
	Reading chat.Reading // of ReadUpTo and DeliveredUpTo
	Err     error        // of Refused
}

// Refuse returns the reply that refuses a request.
func Refuse(ref string, err error) Reply { return Reply{Type: Refused, Ref: ref, Err: err} }

// command is a row of the table.
type command struct {
	// do executes the command. The error refuses it.
	do func(*Client, context.Context, Request) (Reply, error)
	// leads: the reply is written before anything else that the command causes.
	leads bool
	// renews: the command is executed for a caller whose token has expired, too.
	renews bool
}

var commands = map[string]command{
	Watch:     {do: (*Client).watch, leads: true},
	Unwatch:   {do: (*Client).unwatch},
	Send:      {do: (*Client).send},
	Pull:      {do: (*Client).pull},
	Read:      {do: (*Client).read},
	Delivered: {do: (*Client).delivered},
	Signal:    {do: (*Client).signal},
	Ping:      {do: (*Client).ping},
	Auth:      {do: (*Client).auth, renews: true},
}

// Unknown is the name of unknown commands in calls of Config.Begin.
const Unknown = "unknown"

// Names returns the names of all commands, sorted.
func Names() []string { return slices.Sorted(maps.Keys(commands)) }

// Config has the services that answer commands.
type Config struct {
	Messages   chat.Service
	Live       chat.Live
	Deliveries chat.Deliveries // nil: the delivered command is refused
	Hub        *live.Hub
	// Verify returns the caller of a token; nil with AUTH off.
	Verify func(ctx context.Context, token string) (chat.Caller, error)
	// Limit counts a command of the client, or returns why there are too many; nil is no limit.
	Limit func(ctx context.Context, name string) error
	// Begin returns the context of a command, and a function for its end: with a code, or with "". The name is one of Names, or
	// Unknown. Nil does nothing.
	Begin func(ctx context.Context, name string) (_ context.Context, end func(code string))
}

// Client is one client's connection. One goroutine at a time uses it.
type Client struct {
	config  Config
	session *live.Session
	watches int          // watch commands so far
	renewed *chat.Caller // the caller of the latest token of an auth command, or nil
}

// NewClient returns the Client of a session. The gateway opens and closes the session.
func NewClient(config Config, session *live.Session) *Client {
	return &Client{config: config, session: session}
}

// Do executes one command of the caller in ctx. It passes the reply to write, between two writes of the session. The error is
// that of write, or that the session has ended: a refused command is a reply.
func (c *Client) Do(ctx context.Context, r Request, write func(Reply) error) error {
	if c.renewed != nil {
		ctx = chat.WithCaller(ctx, *c.renewed)
	}
	if commands[r.Name].leads {
		return c.session.Write(func() error { return write(c.reply(ctx, r)) })
	}
	reply := c.reply(ctx, r)
	return c.session.Write(func() error { return write(reply) })
}

func (c *Client) reply(ctx context.Context, r Request) Reply {
	end := func(string) {}
	if c.config.Begin != nil {
		name := Unknown
		if _, known := commands[r.Name]; known {
			name = r.Name
		}
		ctx, end = c.config.Begin(ctx, name)
	}
	reply, err := c.execute(ctx, r)
	end(string(chat.CodeOf(err)))
	if err != nil {
		return Refuse(r.Ref, err)
	}
	reply.Ref = r.Ref
	return reply
}

func (c *Client) execute(ctx context.Context, r Request) (Reply, error) {
	asked, known := commands[r.Name]
	if by, identified := chat.CallerOf(ctx); identified && live.Expired(by) && !asked.renews {
		return Reply{}, live.ErrExpired
	}
	if !known {
		return Reply{}, chat.Errorf(chat.InvalidArgument, "type %q is none of %s", r.Name, strings.Join(Names(), ", "))
	}
	if c.counts(r.Name) && c.config.Limit != nil {
		if err := c.config.Limit(ctx, r.Name); err != nil {
			return Reply{}, err
		}
	}
	return asked.do(c, ctx, r)
}

// counts reports whether a command counts towards the limit. The first MaxWatches watches are part of the connection.
func (c *Client) counts(name string) bool {
	if name != Watch {
		return true
	}
	c.watches++
	return c.watches > MaxWatches
}
