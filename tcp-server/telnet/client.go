package telnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/cursors"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/terminal"
	"github.com/pullchat/pullchat/tcp-server/peer"
)

// client is one connection. It is the live.Sink of its session.
type client struct {
	server  *Server
	conn    *peer.Conn
	decoder decoder
	session *live.Session   // of the room
	share   *ratelimit.Late // of the chats that the user follows
	inboxed *live.Session   // of private messages
	cursors cursors.Cursors

	base   context.Context                 // without the caller, who may log in later //nolint:containedctx // of the connection
	traced atomic.Pointer[context.Context] // base with the span of the command under way, if traces are on
	caller atomic.Pointer[chat.Caller]
	me     string // the user's name, once there is one
	held   login  // the session of the user, with AUTH=on

	writing sync.Mutex // guards writes, and today
	today   string     // the day of the last line that was written

	mutex   sync.Mutex
	room    string          // where the user is, or ""
	unseen  string          // a room without messages and without a cursor, until its first page
	own     map[string]bool // the ids of lines that were sent here and have not come back
	ignored map[string]bool // the users that were ignored here, before the Hub knows of it
}

var (
	errQuit  = errors.New("the client quits")
	errIdle  = errors.New("the client is idle")
	errLogin = errors.New("the client does not log in")
	// errUnserved: the user's private messages cannot be read for now.
	errUnserved = errors.New("no private messages")
)

// ctx is for calls of the user.
func (c *client) ctx() context.Context {
	ctx := c.base
	if traced := c.traced.Load(); traced != nil {
		ctx = *traced
	}
	if by := c.caller.Load(); by != nil {
		return chat.WithCaller(ctx, *by)
	}
	return ctx
}

// trace makes a span of a command until end is called.
func (c *client) trace(name string) (end func()) {
	if c.server.config.Traces == nil {
		return func() {}
	}
	ctx, ended := c.server.config.Traces.Command(c.base, "telnet", name)
	c.traced.Store(&ctx)
	return func() {
		c.traced.Store(nil)
		ended("")
	}
}

// reader is the user's reader over telnet. Other readers' cursors stay.
func (c *client) reader() string { return c.me + "/telnet" }

func (c *client) currentRoom() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.room
}

// readLine returns the next line. It answers negotiation meanwhile.
func (c *client) readLine(until time.Time) (line, error) {
	for {
		if err := c.conn.Until(until); err != nil {
			return line{}, err
		}
		if l, ok := c.decoder.next(); ok {
			return l, nil
		}
		var buffer [512]byte
		n, err := c.conn.Read(buffer[:])
		c.decoder.feed(buffer[:n])
		if answers := c.decoder.answers; len(answers) > 0 {
			c.decoder.answers = nil
			if err := c.write(answers); err != nil {
				return line{}, err
			}
		}
		if errors.Is(err, io.EOF) && c.decoder.size > 0 {
			c.decoder.close() // the last line has no end; the next read is at the end again
			continue
		}
		if c.decoder.peek() {
			continue
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := c.conn.Until(until); err != nil {
				return line{}, err
			}
			return line{}, errIdle
		default:
			return line{}, err
		}
	}
}

// check returns why a line is no text, or "".
func (c *client) check(l line) string {
	switch {
	case l.tooLong:
		return fmt.Sprintf("Not sent: the line is %d bytes; the limit is %d", l.size, c.server.config.MaxLine)
	case !utf8.ValidString(l.text):
		return "Not sent: the line is not valid UTF-8"
	}
	return ""
}

// write writes bytes at once. A client that does not read them in time loses the connection.
func (c *client) write(text []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.put(text)
}

// put is write while writing is held.
func (c *client) put(text []byte) error {
	_, err := c.conn.Write(text)
	return err
}

// say writes a line that is no message. Between its star and its end nothing can begin another line.
func (c *client) say(format string, args ...any) error {
	return c.raw("* " + fmt.Sprintf(format, args...))
}

// raw writes a line, between two writes of the session, or after its end.
func (c *client) raw(text string) error {
	return c.session.WriteAnyway(func() error { return c.write([]byte(terminal.Printable(text) + "\r\n")) })
}

// refuse says why something was not done.
func (c *client) refuse(err error) error {
	e := chat.AsError(err)
	if e.Code == chat.Internal {
		c.server.config.Log.Error("telnet", "error", err)
	}
	message, _, _ := strings.Cut(e.Message, "; wait for Retry-After")
	if seconds := chat.RetryAfter(err); seconds > 0 {
		return c.say("%s; try again in %d s", message, seconds)
	}
	return c.say("%s", message)
}

// farewell writes the last line and reports whether the client has read everything.
func (c *client) farewell(err error) bool {
	last := lastLine(err)
	if last == "" || c.write([]byte("* "+last+"\r\n")) != nil {
		return false
	}
	if errors.Is(err, io.EOF) { // the client may be gone as a whole: then its machine has refused the last line by now
		<-time.After(refuses)
	}
	return c.conn.Linger()
}

func lastLine(err error) string {
	switch {
	case errors.Is(err, errQuit), errors.Is(err, io.EOF):
		return "Bye"
	case errors.Is(err, errIdle):
		return "The connection is idle and is closed"
	case errors.Is(err, errLogin):
		return "No login: the connection is closed"
	case errors.Is(err, live.ErrDraining):
		return "This server stops: connect again"
	case errors.Is(err, live.ErrExpired), errors.Is(err, live.ErrRevoked), errors.Is(err, errOver):
		return "The login has ended: connect again"
	case errors.Is(err, errUnserved), errors.Is(err, live.ErrPanicked):
		return "Something went wrong: connect again"
	}
	return ""
}

// why is the end of a connection for the log.
func why(err error) string {
	if errors.Is(err, io.EOF) {
		return "closed by the client"
	}
	return err.Error()
}

var _ live.Timed = (*client)(nil)

// Delivered implements live.Timed.
func (c *client) Delivered(age time.Duration) { c.server.config.Metrics.Delivered(metrics.Telnet, age) }
