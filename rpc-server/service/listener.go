package service

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cloudwego/netpoll"
)

// listener gives netpoll a descriptor that stays valid until the server has ended.
//
// Netpoll's own listener closes its descriptor when Kitex starts to stop, takes the number out of its epoll set only
// later, and closes it again then. Another connection of the process that got the number in between is cut off or
// hears nothing any more. Here Close only ends listening, however often it is called, and release gives the
// descriptor back.
type listener struct {
	inner      *net.TCPListener
	descriptor *os.File // a duplicate: Go's own is closed with inner
	fd         int      // of descriptor, whose Fd method makes it blocking at every call
	once       sync.Once
	closed     atomic.Bool // netpoll may go on to ask for connections
	unreadFor  time.Duration

	used    sync.Once
	serving chan struct{} // closed when netpoll begins to serve
}

var _ netpoll.Listener = (*listener)(nil)

// unreadFor is how long a client may leave sent data unread: then the kernel closes its connection. Neither Kitex nor
// netpoll bounds a write.
const unreadFor = 10 * time.Second

// tcpUserTimeout is TCP_USER_TIMEOUT of Linux, which package syscall does not name.
const tcpUserTimeout = 18

func newListener(inner *net.TCPListener) (*listener, error) {
	descriptor, err := inner.File()
	if err != nil {
		return nil, err
	}
	fd := int(descriptor.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, descriptor.Close())
	}
	return &listener{inner: inner, descriptor: descriptor, fd: fd, unreadFor: unreadFor, serving: make(chan struct{})}, nil
}

// Accept returns nil, nil where no connection waits, as netpoll expects it.
func (l *listener) Accept() (net.Conn, error) {
	fd, remote, err := syscall.Accept4(l.fd, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ECONNABORTED), errors.Is(err, syscall.EINTR), l.closed.Load():
		return nil, nil
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return nil, err // bare: netpoll knows it by its type, and waits before it tries again
	case err != nil:
		return nil, os.NewSyscallError("accept4", err)
	}
	// Netpoll does this for its own listener's only: without it, an event that follows another waits for the client's
	// acknowledgement, up to 40 ms.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	// A connection whose other end is gone closes by itself; that this could not be asked for is no reason to refuse it.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, tcpUserTimeout, int(l.unreadFor.Milliseconds()))
	return &accepted{fd: fd, local: l.Addr(), remote: tcpAddr(remote)}, nil
}

// Close refuses further connections.
func (l *listener) Close() (err error) {
	l.once.Do(func() {
		l.closed.Store(true)
		err = errors.Join(syscall.Shutdown(l.fd, syscall.SHUT_RD), l.inner.Close())
	})
	return err
}

// release frees the descriptor. Nothing may use the listener any more.
func (l *listener) release() error { return l.descriptor.Close() }

func (l *listener) Addr() net.Addr { return l.inner.Addr() }

// Fd implements netpoll.Listener. Netpoll asks for it when it begins to serve, holding the lock that a stop waits for.
func (l *listener) Fd() int {
	l.used.Do(func() { close(l.serving) })
	return l.fd
}

// accepted is a new connection on its way to netpoll, which takes its descriptor and its addresses and does the rest.
type accepted struct {
	net.Conn
	fd            int
	local, remote net.Addr
}

var _ netpoll.Conn = (*accepted)(nil)

func (c *accepted) Fd() int              { return c.fd }
func (c *accepted) LocalAddr() net.Addr  { return c.local }
func (c *accepted) RemoteAddr() net.Addr { return c.remote }

func tcpAddr(address syscall.Sockaddr) net.Addr {
	switch a := address.(type) {
	case *syscall.SockaddrInet4:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port}
	case *syscall.SockaddrInet6:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port}
	}
	return &net.TCPAddr{}
}
