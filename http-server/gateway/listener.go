package gateway

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
)

// listener bounds how many connections there are, and lets the idle ones go when the server drains: Hertz waits for
// all connections at a stop, and a client may keep one open for as long as it likes without a request on it.
type listener struct {
	net.Listener
	log       *slog.Logger
	limits    limits
	encrypted bool          // the connections speak TLS
	origins   *request.List // of the pages that may read answers
	access    logging.Access
	metrics   *metrics.Gateway

	draining atomic.Bool
	mutex    sync.Mutex
	conns    map[*conn]struct{}

	streams    sync.WaitGroup // connections that have left Hertz
	turnedAway sync.WaitGroup
	turning    chan struct{} // has room for as many as are turned away with an answer at a time

	accepts sync.Once
	serving chan struct{} // closed when Hertz begins to accept
	closes  sync.Once
	closed  chan struct{}
}

// limits bound the time, connections and bytes of clients. A test makes them small.
type limits struct {
	request     time.Duration // from a request's first byte to its last
	idle        time.Duration // without a byte of the next request
	write       time.Duration // of one answer, or of a part of it
	handshake   time.Duration
	silence     time.Duration // of a WebSocket's client, which is pinged meanwhile
	part        time.Duration // in which a following client must accept a part of the stream
	tick        time.Duration // a heartbeat comes after 25 of them
	drain       time.Duration // in which requests under way end when the server stops
	last        time.Duration // of a write to a connection that is about to end
	turnAway    time.Duration // in which a client that there is no room for takes its answer
	connections int           // 0 for no limit
	chats       int           // followed chats; 0 for the default of a Hub
	bytes       int           // between two answers
}

// turnAwayAtOnce is how many connections beyond the limit get an answer at a time. More are closed without one.
const turnAwayAtOnce = 64

func newListener(inner net.Listener, encrypted bool, limits limits, log *slog.Logger) *listener {
	return &listener{
		Listener: inner, log: log, limits: limits, encrypted: encrypted, conns: map[*conn]struct{}{},
		turning: make(chan struct{}, turnAwayAtOnce), serving: make(chan struct{}), closed: make(chan struct{}),
	}
}

// Accept returns the next connection that there is room for. Hertz ends when it returns an error, so it waits where
// descriptors run out.
func (l *listener) Accept() (net.Conn, error) {
	l.accepts.Do(func() { close(l.serving) })
	for pause := time.Duration(0); ; {
		inner, err := l.Listener.Accept()
		switch {
		case err == nil:
			pause = 0
			if c := l.admit(inner); c != nil {
				return &framed{conn: c}, nil
			}
			l.turnAway(inner)
		case !passes(err):
			return nil, err
		default:
			if pause == 0 {
				l.log.Warn("connections cannot be accepted now", "error", err)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(pause):
			case <-l.closed:
			}
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

// admit returns nil where there are as many connections as there may be.
func (l *listener) admit(inner net.Conn) *conn {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.limits.connections > 0 && len(l.conns) >= l.limits.connections {
		return nil
	}
	c := newConn(inner, l)
	l.conns[c] = struct{}{}
	l.metrics.Connections(metrics.HTTP, 1)
	return c
}

// drain ends connections on which no request is under way, now and when they have answered.
func (l *listener) drain() {
	l.draining.Store(true)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.conns {
		if c.idle.Load() {
			c.wake()
		}
	}
}

// Close stops accepting.
func (l *listener) Close() error {
	l.closes.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
