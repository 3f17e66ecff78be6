package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// An endpoint accepts connections of one kind and serves each in a goroutine of its own.
type endpoint struct {
	name      string           // as the metrics call its transport, too
	metrics   *metrics.Gateway // or nil
	listener  net.Listener
	encrypt   *tls.Config       // nil: the connections are plain
	balancers ratelimit.Proxies // whose connections begin with a PROXY header
	keepAlive net.KeepAliveConfig
	full      []byte // the last line for a connection beyond the limits
	serve     func(ctx context.Context, conn net.Conn)
}

// handshakeTime bounds a TLS handshake, and refuseTime the line for a connection that is refused.
const (
	handshakeTime = 10 * time.Second
	refuseTime    = time.Second
	// writeBuffer bounds the bytes that wait in the kernel for a client that does not read; further messages wait in
	// the log.
	writeBuffer = 64 << 10
)

// crowd counts the connections of all endpoints, and can close them.
type crowd struct {
	max, each int // 0 for no limit

	mutex     sync.Mutex
	conns     map[net.Conn]string // with the key of its address
	addresses map[string]int
	serving   sync.WaitGroup
}

func newCrowd(limit, each int) *crowd {
	return &crowd{max: limit, each: each, conns: map[net.Conn]string{}, addresses: map[string]int{}}
}

// enter counts a connection, unless there are too many.
func (c *crowd) enter(conn net.Conn, key string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.max > 0 && len(c.conns) >= c.max || c.each > 0 && c.addresses[key] >= c.each {
		return false
	}
	c.conns[conn] = key
	c.addresses[key]++
	return true
}

func (c *crowd) leave(conn net.Conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	key := c.conns[conn]
	delete(c.conns, conn)
	if c.addresses[key]--; c.addresses[key] == 0 {
		delete(c.addresses, key)
	}
}

// disperse closes all connections.
func (c *crowd) disperse() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// run accepts connections until the listener is closed.
func (e *endpoint) run(ctx context.Context, all *crowd, log *slog.Logger) error {
	for pause := time.Duration(0); ; {
		conn, err := e.listener.Accept()
		switch {
		case err == nil:
			pause = 0
			all.serving.Go(func() { e.welcome(ctx, all, conn, log) })
		case errors.Is(err, net.ErrClosed):
			return nil
		case !passes(err):
			return err
		default:
			if pause == 0 {
				log.Warn("connections cannot be accepted now", "endpoint", e.name, "error", err)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			<-time.After(pause)
		}
	}
}

// passes: the listener is in order, and the next Accept may succeed.
func passes(err error) bool {
	for _, passing := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// welcome serves a connection that there is room for.
func (e *endpoint) welcome(ctx context.Context, all *crowd, accepted net.Conn, log *slog.Logger) {
	defer func() { _ = accepted.Close() }()
	conn, err := clientOf(accepted, e.balancers)
	if err != nil {
		if !errors.Is(err, errNoClient) {
			log.Warn("a connection of a balancer is refused", "endpoint", e.name, "balancer", accepted.RemoteAddr().String(), "error", err)
		}
		return
	}
	key := keyOf(conn)
	if !all.enter(conn, key) {
		e.metrics.Refusal("connections")
		if e.encrypt == nil { // a refusal is not worth a handshake
			_ = conn.SetWriteDeadline(time.Now().Add(refuseTime))
			_, _ = conn.Write(e.full)
		}
		return
	}
	defer all.leave(conn)
	defer e.metrics.Opened(e.name)()
	if tcp, ok := accepted.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(writeBuffer)
		watchOver(tcp, e.keepAlive)
	}
	if e.encrypt != nil {
		secret := tls.Server(conn, e.encrypt)
		shaking, cancel := context.WithTimeout(ctx, handshakeTime)
		err := secret.HandshakeContext(shaking)
		cancel()
		if err != nil {
			return
		}
		e.serve(ratelimit.WithClient(ctx, key), secret)
		return
	}
	e.serve(ratelimit.WithClient(ctx, key), conn)
}

// keyOf is the key under which the client's address counts.
func keyOf(conn net.Conn) string {
	if address := addressOf(conn.RemoteAddr()); address.IsValid() {
		return ratelimit.Key(address)
	}
	return conn.RemoteAddr().String()
}
