package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/network"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/internal/metrics"
)

// conn knows whether a request is under way: from its first byte until something was answered. It bounds how long
// everything takes that waits for the client; what Hertz sets is not heard, because it starts anew with every
// request, and begins with no bound on writing at all.
//
// One goroutine reads and writes; only drain looks at it from another one.
type conn struct {
	net.Conn
	listener *listener
	idle     atomic.Bool // waiting for the first byte of a request
	started  atomic.Bool // bytes of a request came since the last write
	origin   string      // of the page that the request comes from, where it may read the answer, or "*"

	readUntil  time.Time // the deadline of the next request that is set, if one is
	writeUntil time.Time // the deadline of what Hertz writes

	since    time.Time // the first byte of the request
	bounded  bool      // the deadline of the request is set
	received int       // bytes of the request
	tls      *tls.Conn // until the handshake is over; nil where there is none
	reached  bool      // the request has reached the middleware, so the next answer is ours
	last     bool      // there is no request after this one; what still comes is the rest of its body
	lingers  bool      // that rest is read, for the client to read the answer before the connection ends

	taken atomic.Bool // a handler answers by itself
	left  atomic.Bool // Hertz has nothing to do with it any more
	woken atomic.Bool // AwaitClose is to return
	stuck atomic.Bool // nothing more can be written
	ahead []byte      // what has been read of the next request
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

// reached is the outermost middleware: it tells the connection that what is answered next is ours, and whether a
// request may follow. Hertz reads the rest of an unread body, so that the next request is found behind it.
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
var errTooMuch = errors.New("the request is longer than any may be")

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

// prolong sets a deadline that is at least so far away, and up to a tenth more, for the next requests to need none: that
// of a busy connection would move with each.
func prolong(until *time.Time, least time.Duration, set func(time.Time) error) {
	if now := time.Now(); until.Sub(now) < least {
		*until = now.Add(least + least/10)
		_ = set(*until)
	}
}

// readNext reads what was read ahead, or what comes.
func (c *conn) readNext(b []byte) (int, error) {
	if c.next == len(c.ahead) {
		c.ahead, c.next = nil, 0
		return c.Conn.Read(b)
	}
	n := copy(b, c.ahead[c.next:])
	c.next += n
	return n, nil
}

// unread puts back the end of what the last Read has read.
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

// goOn is what Hertz writes where a client waits to be told so before it sends the body. It is no answer yet.
const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// Write puts an answer in the one error shape in the place of what Hertz answers by itself, in plain text, to what
// is no request. An answer begins with a Write of its own, because Hertz flushes each.
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

// pieceBytes is what a client that follows has the time of a part to take.
const pieceBytes = 32 << 10

// writesUntil sets the deadline of what is written, which is soon where the connection is about to end.
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

// Take implements handler.Connection.
func (c *conn) Take() net.Conn {
	c.taken.Store(true)
	return c
}

// Leave implements handler.Connection. Hertz' buffers, its request and its goroutine are let go: an idle stream would
// hold 18 KB of them.
func (c *conn) Leave(r *app.RequestContext, serve func()) {
	r.Response.HijackWriter(unwritten{})
	r.Hijack(func(hertz network.Conn) {
		if came, err := hertz.Peek(hertz.Len()); err == nil { // with the request, and was not of it
			c.ahead, c.next = append(came[:len(came):len(came)], c.ahead[c.next:]...), 0
		}
		c.left.Store(true)
		c.listener.streams.Go(func() {
			defer func() { _ = c.close() }()
			defer func() {
				if cause := recover(); cause != nil {
					c.listener.log.Error("panic", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				}
			}()
			serve()
		})
	})
}

// unwritten is in the place of an answer that Hertz does not write.
type unwritten struct{}

func (unwritten) Write(b []byte) (int, error) { return len(b), nil }
func (unwritten) Flush() error                { return nil }
func (unwritten) Finalize() error             { return nil }

// AwaitClose implements handler.Connection.
func (c *conn) AwaitClose() {
	if !c.taken.Load() {
		defer c.woken.Store(false) // for the next request
	}
	c.readUntil = time.Time{}
	_ = c.Conn.SetReadDeadline(time.Time{})
	if c.woken.Load() { // before the deadline was lifted
		return
	}
	limit := c.listener.limits.bytes
	if c.taken.Load() {
		limit = strayBytes
	}
	next := make([]byte, 64)
	for came := 0; came < limit; {
		n, err := c.Conn.Read(next)
		came += n
		if !c.taken.Load() { // else it is not needed any more
			c.ahead = append(c.ahead, next[:n]...)
		}
		if err != nil {
			return
		}
	}
}

// strayBytes is what the client of a stream may send without any meaning.
const strayBytes = 4096

// Wake implements handler.Connection.
func (c *conn) Wake() {
	c.woken.Store(true)
	if c.taken.Load() {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.listener.limits.last))
	}
	c.wake()
}

// Linger implements handler.Connection.
func (c *conn) Linger() error { return c.lingerUntil(time.Now().Add(lastRead)) }

// lingerUntil lets the client read that the connection ends, and reads until the client ends it too, the deadline passes
// or the server drains. The error is that the connection was lost.
func (c *conn) lingerUntil(deadline time.Time) error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || c.stuck.Load() {
		return errors.ErrUnsupported
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	c.idle.Store(true)
	_ = c.Conn.SetReadDeadline(deadline)
	if c.listener.draining.Load() { // after the deadline, which drain sets anew
		_ = c.Conn.SetReadDeadline(time.Now().Add(lastRead))
	}
	if _, err := io.CopyN(io.Discard, c.Conn, lingerBytes); err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

// lastRead is how long Linger waits.
const lastRead = time.Second

// Hertz' deadlines: see conn. Another protocol has its own.

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) SetReadDeadline(t time.Time) error {
	if !c.taken.Load() {
		return nil
	}
	err := c.Conn.SetReadDeadline(t)
	if c.woken.Load() { // also where Wake has come between
		c.wake()
	}
	return err
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	if c.taken.Load() {
		c.writesUntil(t)
	}
	return nil
}
