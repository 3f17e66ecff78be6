package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/tcp-server/peer"
)

// Config has the services and limits for devices.
type Config struct {
	Services chat.Services // within the rates of senders and signals
	Hub      *live.Hub
	Quota    *ratelimit.Quota // or nil
	Log      *slog.Logger
	Metrics  *metrics.Gateway // or nil
	Traces   *tracing.Tracing // or nil
	// Verify returns the caller of a token; nil with AUTH off.
	Verify func(ctx context.Context, token string) (chat.Caller, error)

	MaxObject   int           // bytes; below 1 << 24
	Idle        time.Duration // without a request or a Ping
	ConnectTime time.Duration // until a device must have connected
	Part        time.Duration // in which a device must read a write
	NewID       func() string // of a connection
}

// Server serves devices.
type Server struct{ config Config }

// New returns a Server.
func New(config Config) *Server { return &Server{config} }

// Why a connection ends.
var (
	errIdle     = errors.New("the device is silent")
	errReplaced = errors.New("the device has a newer connection")
	errRefused  = errors.New("the device may not have its chat any more")
)

// Serve serves one device until it leaves, or the Hub drains. It closes conn. ctx has the key of the client's address.
func (s *Server) Serve(ctx context.Context, conn net.Conn) {
	ctx = logging.WithRequestID(ctx, logging.NewRequestID())
	c := &client{server: s, conn: peer.New(conn, s.config.Part), base: ctx, id: s.config.NewID(), decoder: decoder{limit: s.config.MaxObject}}
	began := time.Now()
	c.share = s.config.Quota.Late(ctx)
	c.session = s.config.Hub.OpenWithin(c.share, c, c.conn.End)
	c.commands = command.NewClient(command.Config{
		Messages: s.config.Services.Messages, Live: s.config.Services.Live, Deliveries: s.config.Services.Deliveries, Hub: s.config.Hub, Verify: s.config.Verify,
		Begin: s.config.Traces.Commands("device"),
	}, c.session)
	err := c.serve()
	c.session.Close() // the last object is the last
	c.farewell(err)
	c.settle()
	_ = conn.Close()
	s.config.Log.Info("device ended", "id", logging.RequestID(ctx), "address", peer.Address(conn), "why", why(err), "duration", time.Since(began))
}

// why is the end of a connection for the log.
func why(err error) string {
	if errors.Is(err, io.EOF) {
		return "closed by the device"
	}
	return err.Error()
}

// serve answers objects, one after the other, until one ends the connection.
func (c *client) serve() (err error) {
	defer peer.Recovered(&err, func(p *peer.PanicError) error {
		c.server.config.Log.Error("panic", "id", logging.RequestID(c.base), "cause", fmt.Sprint(p.Cause), "stack", string(p.Stack))
		return live.ErrPanicked
	})
	return c.answers()
}

func (c *client) answers() error {
	connects := time.Now().Add(c.server.config.ConnectTime)
	for {
		until := time.Now().Add(c.server.config.Idle)
		if c.server.config.Verify != nil && c.room == "" && connects.Before(until) {
			until = connects
		}
		object, err := c.read(until)
		switch {
		case errors.Is(err, errTooLong):
			err = c.answer(request{}, chat.Errorf(chat.TooLarge, "an object may have %d bytes: this one is %v", c.server.config.MaxObject, err))
		case err == nil:
			err = peer.Apart(func() error { return c.obey(object) })
		}
		if err != nil {
			return err
		}
	}
}

// read returns the next object.
func (c *client) read(until time.Time) ([]byte, error) {
	for {
		if err := c.until(until); err != nil {
			return nil, err
		}
		if object, ok, err := c.decoder.next(); ok || err != nil {
			return object, err
		}
		var buffer [512]byte
		n, err := c.conn.Read(buffer[:])
		c.decoder.feed(buffer[:n])
		switch {
		case n > 0, err == nil: // the next read has the error again
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := c.until(until); err != nil {
				return nil, err
			}
			return nil, errIdle
		default:
			return nil, err
		}
	}
}
