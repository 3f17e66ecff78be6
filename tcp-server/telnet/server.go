package telnet

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/tcp-server/peer"
)

// Config has the services and limits for clients.
type Config struct {
	Services chat.Services // within the rates of senders, passwords and registrations
	Hub      *live.Hub
	Quota    *ratelimit.Quota // or nil
	Log      *slog.Logger
	Metrics  *metrics.Gateway // or nil
	Traces   *tracing.Tracing // or nil

	Auth     bool          // clients need an account
	LoginTTL time.Duration // how long a login is good without another look at it
	Register bool          // clients may make an account
	Room     string        // that clients enter first; "" is none
	Verbose  bool          // a sent line is confirmed with its text

	MaxLine   int           // bytes
	Idle      time.Duration // without a line from the client
	LoginTime time.Duration // until a client must have a name
	Part      time.Duration // in which a client must read a write
	Now       func() time.Time
}

// Server serves telnet clients.
type Server struct{ config Config }

// New returns a Server.
func New(config Config) *Server { return &Server{config} }

// refuses is how long the machine of a client that has gone takes to refuse a line.
const refuses = 250 * time.Millisecond

// Serve serves one client until it leaves, or the Hub drains. It closes conn. ctx has the key of the client's address.
func (s *Server) Serve(ctx context.Context, conn net.Conn) {
	ctx = logging.WithRequestID(ctx, logging.NewRequestID())
	c := &client{
		server: s, conn: peer.New(conn, s.config.Part), base: ctx, own: map[string]bool{}, ignored: map[string]bool{}, decoder: decoder{limit: s.config.MaxLine}, today: s.config.Now().UTC().Format(day),
	}
	c.cursors.Advance = c.advance
	began := time.Now()
	c.share = s.config.Quota.Late(ctx)
	c.session = s.config.Hub.OpenWithin(c.share, c, c.conn.End)
	c.inboxed = s.config.Hub.OpenWithin(c.share, private{c}, c.conn.End)
	err := c.serve()
	c.inboxed.Close()
	c.session.Close() // the last line is the last
	c.cursors.Leave(c.farewell(err))
	c.logout()
	_ = conn.Close()
	s.config.Log.Info("telnet ended", "id", logging.RequestID(ctx), "address", peer.Address(conn), "why", why(err), "duration", time.Since(began))
}

// serve runs the client's commands until one ends the connection.
func (c *client) serve() (err error) {
	defer peer.Recovered(&err, func(p *peer.PanicError) error {
		c.server.config.Log.Error("panic", "id", logging.RequestID(c.base), "cause", fmt.Sprint(p.Cause), "stack", string(p.Stack))
		return live.ErrPanicked
	})
	err = peer.Apart(func() error {
		if err := c.login(); err != nil {
			return err
		}
		return c.arrive()
	})
	for err == nil {
		var l line
		if l, err = c.readLine(time.Now().Add(c.server.config.Idle)); err == nil {
			err = peer.Apart(func() error { return c.obey(l) })
		}
	}
	return err
}
