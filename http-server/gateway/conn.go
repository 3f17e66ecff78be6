package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/internal/metrics"
)

// conn knows whether a request is under way: from its first byte until its answer begins. It limits all waits for the
// client. It ignores Hertz's deadlines, which restart with every request and do not limit writes.
//
// One goroutine reads and writes; only drain looks at it from another one.
type conn struct {
	net.Conn
	listener *listener
	idle     atomic.Bool // waiting for the first byte of a request
	started  atomic.Bool // bytes of a request came since the last write
	origin   string      // of the page that the request comes from, where it may read the answer, or "*"

	readUntil  time.Time // the deadline of the next request that is set, if one is
	writeUntil time.Time // the deadline of Hertz's writes

	since    time.Time // the first byte of the request
	bounded  bool      // the deadline of the request is set
	received int       // bytes of the request
	tls      *tls.Conn // until the handshake is over; nil where there is none
	over     func()    // called when a stream has ended, or nil
	reached  bool      // the request has reached the middleware, so the next answer is ours
	last     bool      // no request follows this one; further bytes are the rest of its body
	lingers  bool      // that rest is read, for the client to read the answer before the connection ends

	taken atomic.Bool // a handler answers by itself
	left  atomic.Bool // Hertz has nothing to do with it any more
	woken atomic.Bool // AwaitClose is to return
	stuck atomic.Bool // nothing more can be written
	ahead []byte      // bytes of the next request that were read early
	next  int         // how much of ahead was read again
}

var _ handler.Connection = (*conn)(nil)

func newConn(inner net.Conn, l *listener) *conn {
	encrypted, _ := inner.(*tls.Conn)
	return &conn{Conn: inner, listener: l, tls: encrypted}
}

type connKey struct{}

// withConn is the context of everything on a connection.
func withConn(c net.Conn) context.Context {
	ctx := context.WithValue(context.Background(), connKey{}, c)
	if f, ok := c.(*framed); ok {
		ctx = handler.OnConnection(ctx, f.conn)
	}
	return ctx
}

// reached is the outermost middleware: it tells the connection that the next answer is ours, and whether a request may
// follow. Hertz reads the rest of an unread body, so that the next request is found behind it.
func reached(ctx context.Context, r *app.RequestContext) {
	c, ok := ctx.Value(connKey{}).(*framed)
	if !ok {
		r.Next(ctx)
		return
	}
	c.reached = true
	r.Next(ctx)
	length := r.Request.Header.ContentLength()
	if length > c.listener.limits.bytes {
		r.SetConnectionClose()
	}
	if r.Response.ConnectionClose() {
		c.last, c.lingers = true, length != noLength
	}
}

// noLength is Hertz' length of a body where there is none; that of chunks is -1.
const noLength = -2

// errTooMuch ends a connection that sends more than any request needs, such as a chunked body's trailer without end.
var errTooMuch = errors.New("the request is too long")

func (c *conn) Read(b []byte) (int, error) {
	switch {
	case c.taken.Load():
		return c.readNext(b)
	case !c.started.Load():
		return c.readFirst(b)
	}
	if !c.bounded { // most requests arrive at once, and need no deadline
		c.bounded, c.readUntil = true, time.Time{}
		_ = c.Conn.SetReadDeadline(c.since.Add(c.listener.limits.request))
	}
	n, err := c.readNext(b)
	c.received += n
	if limit := c.listener.limits.bytes; c.received > limit && (!c.last || c.received > limit+lingerBytes) {
		return 0, errTooMuch
	}
	return n, err
}

// readFirst waits for a request. Where none comes in time, or the server drains, the connection is at its end.
func (c *conn) readFirst(b []byte) (int, error) {
	c.idle.Store(true)
	if c.tls != nil && (c.listener.draining.Load() || !c.shakeHands()) {
		return 0, io.EOF
	}
	switch {
	case c.last && !c.lingers:
		return 0, io.EOF
	case c.last:
		_ = c.Conn.SetReadDeadline(c.since.Add(c.listener.limits.request))
	default:
		prolong(&c.readUntil, c.listener.limits.idle, c.Conn.SetReadDeadline)
	}
	if c.listener.draining.Load() { // after the deadline, which drain sets anew
		return 0, io.EOF
	}
	n, err := c.readNext(b)
	if n > 0 {
		c.started.Store(true)
		c.idle.Store(false)
		c.bounded, c.received = false, n
		if !c.last {
			c.since = time.Now()
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}

// prolong sets a deadline that is at least this far away, and up to a tenth more. So a busy connection need not set one for
// each request.
func prolong(until *time.Time, least time.Duration, set func(time.Time) error) {
	if now := time.Now(); until.Sub(now) < least {
		*until = now.Add(least + least/10)
		_ = set(*until)
	}
}

// readNext reads from ahead first, then from the connection.
func (c *conn) readNext(b []byte) (int, error) {
	if c.next == len(c.ahead) {
		c.ahead, c.next = nil, 0
		return c.Conn.Read(b)
	}
	n := copy(b, c.ahead[c.next:])
	c.next += n
	return n, nil
}

// unread puts back the end of the last Read.
func (c *conn) unread(end []byte) {
	if c.next > 0 { // it came from there
		c.next -= len(end)
		return
	}
	c.ahead = append([]byte(nil), end...)
}

// shakeHands makes the TLS handshake, in the goroutine of the connection.
func (c *conn) shakeHands() bool {
	ctx, cancel := context.WithTimeout(context.Background(), c.listener.limits.handshake)
	defer cancel()
	err := c.tls.HandshakeContext(ctx)
	if wrong, ok := errors.AsType[tls.RecordHeaderError](err); ok && wrong.Conn != nil {
		switch string(wrong.RecordHeader[:]) {
		case "GET /", "POST ", "HEAD ":
			_, _ = wrong.Conn.Write(c.listener.ownAnswer(c.RemoteAddr(), plainToTLS, "", ""))
		}
	}
	if err != nil {
		return false
	}
	c.tls = nil
	return true
}

// goOn is Hertz's answer to a client that waits for permission to send the body. The final answer follows.
const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// Write replaces Hertz's own plain-text answers to invalid requests by an answer in the API's error format. An answer
// begins with a Write of its own, because Hertz flushes each.
func (c *conn) Write(b []byte) (int, error) {
	if c.taken.Load() {
		return c.write(b)
	}
	prolong(&c.writeUntil, c.listener.limits.write, c.Conn.SetWriteDeadline)
	if string(b) == goOn {
		return c.Conn.Write(b)
	}
	c.started.Store(false)
	if beginsAnswer(b) {
		if !c.reached {
			_, err := c.Conn.Write(c.listener.ownAnswer(c.RemoteAddr(), answerStatus(b), "", c.origin))
			return len(b), err
		}
		c.reached = false
	}
	return c.Conn.Write(b)
}

// write fails at once after it has failed: Hertz would try again, for as long.
func (c *conn) write(b []byte) (written int, err error) {
	if c.stuck.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	for {
		piece := b[:min(len(b), pieceBytes)]
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil {
			c.stuck.Store(true)
			return written, err
		}
		if b = b[n:]; len(b) == 0 {
			return written, nil
		}
		c.writesUntil(time.Now().Add(c.listener.limits.part)) // a client that reads slowly goes on
	}
}

// pieceBytes is the size of a part of a stream. A following client must accept a part within limits.part.
const pieceBytes = 32 << 10

// writesUntil sets the deadline of writes. It is soon if the connection is about to end.
func (c *conn) writesUntil(deadline time.Time) {
	_ = c.Conn.SetWriteDeadline(deadline)
	if last := time.Now().Add(c.listener.limits.last); c.woken.Load() && (deadline.IsZero() || deadline.After(last)) {
		_ = c.Conn.SetWriteDeadline(last) // after the other, because Wake may have come between
	}
}

// wake lets a Read that waits for a request return.
func (c *conn) wake() { _ = c.Conn.SetReadDeadline(time.Unix(1, 0)) }

// Close is Hertz' way to end a connection.
func (c *conn) Close() error {
	if c.left.Load() {
		return nil
	}
	return c.close()
}

func (c *conn) close() error {
	c.listener.mutex.Lock()
	if _, open := c.listener.conns[c]; open {
		delete(c.listener.conns, c)
		c.listener.metrics.Connections(metrics.HTTP, -1)
	}
	c.listener.mutex.Unlock()
	if encrypted, ok := c.Conn.(*tls.Conn); ok { // which tells the client, and waits 5 s for one that does not read
		after := c.listener.limits.last
		if c.stuck.Load() {
			after = 0
		}
		impatient := time.AfterFunc(after, func() { _ = encrypted.NetConn().Close() })
		defer impatient.Stop()
	}
	return c.Conn.Close()
}
