package gateway

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// listener lets its idle connections go when the server drains. Hertz waits for all connections at a stop, and a
// client may keep one open for as long as it likes without a request on it.
type listener struct {
	net.Listener
	draining atomic.Bool
	mutex    sync.Mutex
	conns    map[*conn]struct{}

	accepts sync.Once
	serving chan struct{} // closed when Hertz begins to accept
}

func newListener(inner net.Listener) *listener {
	return &listener{Listener: inner, conns: map[*conn]struct{}{}, serving: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	l.accepts.Do(func() { close(l.serving) })
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, listener: l}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

// drain ends connections on which no request is under way, now and when they have answered.
func (l *listener) drain() {
	l.draining.Store(true)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.conns {
		if c.idle.Load() {
			_ = c.Conn.Close() // its reader sees the end of the connection
		}
	}
}

// goOn is what Hertz writes where a client waits to be told so before it sends the body. It is no answer yet.
const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// conn knows whether a request is under way: from its first byte until something was answered.
type conn struct {
	net.Conn
	listener *listener
	idle     atomic.Bool // waiting for the first byte of a request
	started  atomic.Bool // bytes of a request came since the last write
}

func (c *conn) Read(b []byte) (int, error) {
	if !c.started.Load() {
		c.idle.Store(true)
		if c.listener.draining.Load() {
			return 0, io.EOF
		}
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.started.Store(true)
		c.idle.Store(false)
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	if string(b) != goOn {
		c.started.Store(false)
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	c.listener.mutex.Lock()
	delete(c.listener.conns, c)
	c.listener.mutex.Unlock()
	return c.Conn.Close()
}
