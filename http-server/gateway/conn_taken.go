package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/network"
)

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
			c.ahead, c.next = append(slices.Clip(came), c.ahead[c.next:]...), 0
		}
		c.left.Store(true)
		c.listener.streams.Go(func() {
			defer func() { _ = c.close() }()
			if c.over != nil {
				defer c.over()
			}
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

// strayBytes is the limit of meaningless bytes from the client of a stream.
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
	if _, err := io.CopyN(io.Discard, c.Conn, lingerBytes); !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
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
