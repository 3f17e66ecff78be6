package handler

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"
	"github.com/gorilla/websocket"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/frame"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
)

const (
	maxFrameBytes = 64 << 10
	// readBytes is the buffer of an idle connection, and writeBytes that of a connection in a write.
	readBytes  = 256
	writeBytes = 1024
	// closeTimeout bounds how long a client may take to read the last frame.
	closeTimeout = time.Second
)

// frames is a pool: an idle connection holds no frame.
var frames sync.Pool

// WebSocket answers GET /api/ws (RFC 6455). docs/live.md describes the frames.
func (h *Handler) WebSocket(ctx context.Context, c *app.RequestContext) {
	if err := request.CheckOrigin(c, h.config.AllowedOrigins.Get()); err != nil {
		reply.Fail(c, err)
		return
	}
	if err := checkNoBody(c); err != nil {
		reply.Fail(c, err)
		return
	}
	asked := &http.Request{Method: string(c.Method()), Host: string(c.Host()), Header: http.Header{}}
	c.Request.Header.VisitAll(func(name, value []byte) { asked.Header.Add(string(name), string(value)) })
	below := connection(ctx)
	upgrader := websocket.Upgrader{
		ReadBufferSize: readBytes, WriteBufferSize: writeBytes, WriteBufferPool: &frames,
		CheckOrigin: func(*http.Request) bool { return true },                // checked already
		Error:       func(http.ResponseWriter, *http.Request, int, error) {}, // Fail answers
	}
	answer := http.Header{}
	c.Response.Header.VisitAll(func(name, value []byte) { answer.Add(string(name), string(value)) })
	answer.Del("Content-Type")
	answer.Del("Content-Length")
	seat, err := h.config.Quota.Enter(ctx)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	ws, err := upgrader.Upgrade(&handshake{below: below}, asked, answer)
	if err != nil {
		seat.Leave()
		refuseUpgrade(c, err)
		return
	}
	c.SetStatusCode(consts.StatusSwitchingProtocols) // for the log
	below.Leave(c, func() {
		defer seat.Leave()
		h.serveSocket(ctx, below, seat, ws)
	})
}

// handshake gives the upgrader the connection for its answer.
type handshake struct {
	http.ResponseWriter // unused

	below Connection
}

// Hijack implements http.Hijacker.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn := h.below.Take()
	return conn, bufio.NewReadWriter(bufio.NewReaderSize(conn, readBytes), bufio.NewWriterSize(conn, writeBytes)), nil
}

// webSocketVersion is the only supported version, that of RFC 6455.
const webSocketVersion = "13"

// refuseUpgrade refuses a handshake, and names the supported version if the client wants another one (RFC 6455, 4.2.2).
func refuseUpgrade(c *app.RequestContext, reason error) {
	if string(c.GetHeader("Sec-WebSocket-Version")) != webSocketVersion {
		c.Response.Header.Set("Sec-WebSocket-Version", webSocketVersion)
	}
	reply.Fail(c, chat.Errorf(chat.InvalidArgument, "this is not a WebSocket handshake: %s", strings.TrimPrefix(reason.Error(), "websocket: ")))
}

// socket is one client's connection.
type socket struct {
	handler *Handler
	ws      *websocket.Conn
	below   Connection
	session *live.Session
	client  *command.Client
	reason  atomic.Pointer[error] // why the session has ended, if it has
}

func (h *Handler) serveSocket(ctx context.Context, below Connection, share live.Share, ws *websocket.Conn) {
	s := &socket{handler: h, ws: ws, below: below}
	defer h.config.Metrics.Streams(metrics.WebSocket)()
	s.session = h.hub.OpenWithin(h.share(share, metrics.WebSocket), s, s.ended)
	defer s.session.Close()
	s.client = command.NewClient(command.Config{
		Messages: h.service, Live: h.live, Deliveries: h.config.Deliveries, Hub: h.hub, Verify: h.config.Verify, Limit: limitFrame, Begin: h.config.Traces.Commands("websocket"),
	}, s.session)
	ws.SetReadLimit(maxFrameBytes)
	s.heard()
	ws.SetPongHandler(func(string) error {
		s.heard()
		return nil
	})
	began := time.Now()
	code := s.close(s.serve(ctx))
	if h.config.Access.Logs(false) {
		h.config.Log.Info("websocket ended", slog.String("id", logging.RequestID(ctx)), slog.Any("close", code), logging.Took(began))
	}
}

// heard restarts the client's time of silence.
func (s *socket) heard() {
	_ = s.ws.SetReadDeadline(time.Now().Add(s.handler.config.Silence))
}

// ended makes serve return.
func (s *socket) ended(err error) {
	s.reason.Store(&err)
	s.below.Wake()
}

// serve answers frames, one after the other, until one cannot be read or answered. The error has the close code.
func (s *socket) serve(ctx context.Context) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.handler.config.Log.Error("panic", "id", logging.RequestID(ctx), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = &websocket.CloseError{Code: websocket.CloseTryAgainLater}
		}
	}()
	for {
		kind, text, err := s.ws.ReadMessage()
		switch {
		case err != nil:
			return err
		case kind != websocket.TextMessage:
			return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: "send JSON in text frames"}
		case !utf8.Valid(text):
			return &websocket.CloseError{Code: websocket.CloseInvalidFramePayloadData, Text: "a text frame is not valid UTF-8"}
		}
		s.heard()
		if err := s.answer(ctx, text); err != nil {
			return err
		}
	}
}

// answer answers one frame. An error ends the connection.
func (s *socket) answer(ctx context.Context, text []byte) error {
	asked, err := frame.Decode(text)
	if err != nil {
		return s.session.Write(func() error { return s.reply(command.Refuse(asked.Ref, err)) })
	}
	return s.client.Do(ctx, asked, s.reply)
}

// frameRoutes are the routes as whose requests the frames of clients count.
var frameRoutes = map[string]string{
	command.Watch: "/api/stream", command.Send: "/api/send", command.Pull: "/api/pull", command.Read: "/api/read", command.Delivered: "/api/read",
	command.Signal: "/api/signal", command.Auth: "/api/ws", command.Unwatch: "/ping", command.Ping: "/ping",
}

func limitFrame(ctx context.Context, name string) error { return request.Limit(ctx, frameRoutes[name]) }

// close sends the close frame, if the client can still read it, and returns the code.
func (s *socket) close(err error) (code int) {
	farewell := s.farewell(err)
	switch farewell.Code {
	case websocket.CloseNoStatusReceived, websocket.CloseAbnormalClosure: // are never sent
		err = nil
	default:
		last := websocket.FormatCloseMessage(farewell.Code, farewell.Text)
		err = s.ws.WriteControl(websocket.CloseMessage, last, time.Now().Add(closeTimeout))
	}
	if err == nil || errors.Is(err, websocket.ErrCloseSent) { // or the package has sent one
		_ = s.below.Linger()
	}
	return farewell.Code
}

// farewell returns the close frame for the error of serve.
func (s *socket) farewell(err error) *websocket.CloseError {
	var farewell *websocket.CloseError
	reason := s.reason.Load()
	switch {
	case reason != nil && errors.Is(*reason, live.ErrDraining):
		return &websocket.CloseError{Code: websocket.CloseServiceRestart, Text: "the server stops; connect again"}
	case reason != nil && errors.Is(*reason, live.ErrPanicked):
		return &websocket.CloseError{Code: websocket.CloseTryAgainLater}
	case reason != nil && errors.Is(*reason, live.ErrExpired):
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: live.ErrExpired.Message}
	case reason != nil: // a write failed
	case errors.As(err, &farewell):
		return farewell
	case errors.Is(err, websocket.ErrReadLimit): // the package has told the client
		return &websocket.CloseError{Code: websocket.CloseMessageTooBig}
	case timedOut(err):
		silence := s.handler.config.Silence
		return &websocket.CloseError{Code: websocket.CloseGoingAway, Text: "no answer to pings for " + silence.String()}
	}
	return &websocket.CloseError{Code: websocket.CloseAbnormalClosure}
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// write writes a frame of JSON. Call it within Session.Write, or from the session.
func (s *socket) write(text []byte) error {
	_ = s.ws.SetWriteDeadline(time.Now().Add(s.handler.config.Part))
	return s.ws.WriteMessage(websocket.TextMessage, text)
}

var _ live.Sink = (*socket)(nil)

func (s *socket) reply(r command.Reply) error { return s.write(frame.Reply(r)) }

// Page implements live.Sink.
func (s *socket) Page(page *live.Page, title chat.Title, _ func() []live.Position) error {
	return s.write(frame.Messages(page, title))
}

// Tell implements live.Sink.
func (s *socket) Tell(name string, e chat.Event) error {
	if told := frame.Event(name, e); told != nil {
		return s.write(told)
	}
	return nil
}

// Presence implements live.Sink.
func (s *socket) Presence(name string, p *live.Present) error {
	return s.write(frame.Presence(name, p))
}

// Refuse implements live.Sink.
func (s *socket) Refuse(name string, err error) error { return s.write(frame.Refusal(name, err)) }

// Beat implements live.Sink.
func (s *socket) Beat() error {
	return s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.handler.config.Part))
}
