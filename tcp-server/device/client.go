package device

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/frame"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/tcp-server/peer"
)

// client is one connection. It is the live.Sink of its session.
type client struct {
	server   *Server
	conn     *peer.Conn
	decoder  decoder
	session  *live.Session
	share    *ratelimit.Late // of the chats that the user follows
	commands *command.Client
	id       string // of the connection

	base   context.Context // without the caller //nolint:containedctx // of the connection
	caller *chat.Caller    // of the token, or nil
	traced context.Context // base with the span of the request under way, if traces are on //nolint:containedctx // of the request
	uid    string          // the device's, once it has connected
	room   string          // its chat
	since  int64           // the position at which it has connected

	writing sync.Mutex
	framed  atomic.Bool // the client has begun with a frame

	mutex   sync.Mutex
	pending []pushed // not acknowledged yet, in order
	readTo  int64    // the position after the last page
	moved   int64    // where the cursor was moved to
	paused  bool     // the chat is not followed, because too much is pending
	wanted  live.Follow
}

// pushed is an object that waits for its acknowledgement.
type pushed struct {
	uid      string
	position int64
}

// request is an object of a device.
type request struct {
	Action    string          `json:"action"`
	DeviceUID string          `json:"deviceUid"`
	UID       string          `json:"uid"`
	Data      json.RawMessage `json:"data"`
}

// response answers a request. A push has no status.
type response struct {
	Action       string          `json:"action"`
	DeviceUID    string          `json:"deviceUid"`
	UID          string          `json:"uid"`
	Status       string          `json:"status"`
	ErrorCode    string          `json:"errorCode"`
	ErrorMessage string          `json:"errorMessage"`
	Data         json.RawMessage `json:"data"`
}

// event is an object that the server sends by itself and that needs no acknowledgement.
type event struct {
	Action    string          `json:"action"`
	DeviceUID string          `json:"deviceUid,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

func (c *client) ctx() context.Context {
	ctx := c.base
	if c.traced != nil {
		ctx = c.traced
	}
	if c.caller != nil {
		return chat.WithCaller(ctx, *c.caller)
	}
	return ctx
}

// trace makes a span of a request until end is called. name is not the client's.
func (c *client) trace(name string) (end func()) {
	ctx, ended := c.server.config.Traces.Command(c.base, "device", name)
	c.traced = ctx
	return func() {
		c.traced = nil
		ended("")
	}
}

// until sets the time until which a read may wait. The error is why the session has ended.
func (c *client) until(limit time.Time) error {
	c.framed.Store(c.decoder.framed)
	return c.conn.Until(limit)
}

// write writes an object at once. A device that does not read it in time loses the connection.
func (c *client) write(object []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	d := decoder{framed: c.framed.Load()}
	_, err := c.conn.Write(d.encode(object))
	return err
}

// send writes an object between two writes of the session, or after its end: earlier requests are still answered.
func (c *client) send(object []byte) error {
	return c.session.WriteAnyway(func() error { return c.write(object) })
}

// answer answers a request that has no data to return.
func (c *client) answer(r request, failed error) error {
	return c.send(c.response(r, nil, failed))
}

func (c *client) response(r request, data []byte, failed error) []byte {
	a := response{Action: "response", DeviceUID: r.DeviceUID, UID: r.UID, Status: "ok", Data: data}
	if r.Action != "" {
		a.Action = r.Action + ".response"
	}
	if a.DeviceUID == "" {
		a.DeviceUID = c.uid
	}
	if failed != nil {
		e := chat.AsError(failed)
		if e.Code == chat.Internal {
			c.server.config.Log.Error("device", "error", failed)
		}
		a.Status, a.ErrorCode, a.ErrorMessage = "error", string(e.Code), e.Message
	}
	if a.Data == nil {
		a.Data = json.RawMessage("null")
	}
	return jsonobject.Encode(a)
}

// farewell writes the last object.
func (c *client) farewell(err error) {
	last := ""
	switch {
	case errors.Is(err, live.ErrDraining), errors.Is(err, live.ErrPanicked):
		last = "reconnect"
	case errors.Is(err, errReplaced):
		last = "replaced"
	case errors.Is(err, errIdle):
		last = "idle"
	case errors.Is(err, live.ErrExpired), errors.Is(err, live.ErrRevoked), errors.Is(err, errRefused):
		last = "expired"
	case errors.Is(err, errFraming):
		if c.write(c.response(request{}, nil, chat.Errorf(chat.TooLarge, "a frame may have %d bytes", c.server.config.MaxObject))) != nil {
			return
		}
	default:
		return
	}
	if last != "" && c.write(jsonobject.Encode(event{Action: last})) != nil {
		return
	}
	c.conn.Linger()
}

var _ live.Sink = (*client)(nil)

// Page implements live.Sink.
func (c *client) Page(page *live.Page, title chat.Title, _ func() []live.Position) error {
	if page.Chat == c.room {
		return c.pushAll(page)
	}
	return c.tell(frame.Messages(page, title))
}

// tell writes a frame of live delivery.
func (c *client) tell(data []byte) error {
	if data == nil {
		return nil
	}
	return c.write(jsonobject.Encode(event{Action: "push", DeviceUID: c.uid, Data: data}))
}

// Tell implements live.Sink.
func (c *client) Tell(name string, e chat.Event) error {
	if name == c.room {
		return nil
	}
	return c.tell(frame.Event(name, e))
}

// Presence implements live.Sink.
func (c *client) Presence(name string, p *live.Present) error {
	if name == c.room {
		return nil
	}
	return c.tell(frame.Presence(name, p))
}

// Refuse implements live.Sink.
func (c *client) Refuse(name string, err error) error {
	switch name {
	case "": // the last object says so
		return nil
	case c.room:
		return errRefused
	}
	return c.tell(frame.Refusal(name, err))
}

// Beat implements live.Sink. TCP finds connections that are lost.
func (c *client) Beat() error { return nil }

var _ live.Timed = (*client)(nil)

// Delivered implements live.Timed.
func (c *client) Delivered(age time.Duration) { c.server.config.Metrics.Delivered(metrics.Device, age) }
