// Package peer is the server's end of a TCP connection with a session: its reads end with the session, its writes end with a
// client that does not read, and its end is orderly.
package peer

import (
	"io"
	"net"
	"sync"
	"time"
)

// lingers is how long a client may take to read the last write.
const lingers = time.Second

// Conn is a connection. One goroutine at a time reads, one at a time writes.
type Conn struct {
	net.Conn
	part time.Duration

	mutex  sync.Mutex // guards the read deadline
	reason error      // why the session has ended, if it has
}

// New returns a Conn over a connection. A client that does not read a write within part loses the connection.
func New(conn net.Conn, part time.Duration) *Conn { return &Conn{Conn: conn, part: part} }

// Address returns the client's address without its port, for the log.
func Address(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return host
}

// End wakes the read in progress. The reason is that of the first call.
func (c *Conn) End(reason error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.reason == nil {
		c.reason = reason
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

// Until sets the time until which a read may wait. The error is why the session has ended.
func (c *Conn) Until(limit time.Time) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.reason == nil {
		_ = c.SetReadDeadline(limit)
	}
	return c.reason
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(c.part))
	return c.Conn.Write(b)
}

// Linger ends the writes and waits for the client's end, so that the client reads the last writes. It reports whether
// the client has read everything.
func (c *Conn) Linger() bool {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(lingers))
	_, err := io.Copy(io.Discard, c.Conn)
	return err == nil
}
