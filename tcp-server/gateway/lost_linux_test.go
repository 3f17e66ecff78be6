package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"
)

// option returns an option of a socket.
func option(t *testing.T, conn net.Conn, level, name int) (value int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { value, failed = syscall.GetsockoptInt(int(fd), level, name) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}

// TestKeepAlive: connections are watched over, on both endpoints.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil)
	all := newCrowd(0, 0)
	for _, d := range s.endpoints(s.services, nil, nil) {
		served := make(chan net.Conn)
		conn := dial(t, d.listener.Addr())
		accepted, err := d.listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		d.serve = func(_ context.Context, conn net.Conn) { served <- conn; <-served }
		go d.welcome(t.Context(), all, accepted, s.log)
		server := <-served
		for _, c := range []struct{ level, name, want int }{
			{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 30},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 10},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 6},
			{syscall.IPPROTO_TCP, userTimeout, 90_000},
		} {
			if got := option(t, server, c.level, c.name); got != c.want {
				t.Errorf("%s: option %d/%d is %d, want %d", d.name, c.level, c.name, got, c.want)
			}
		}
		served <- nil
		_ = conn.Close()
		_ = d.listener.Close()
	}
}

// TestHalfOpen: a client that is gone without a word loses its connection, also if nothing is ever written to it.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(_ *Config, l *limits) {
		l.keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}
	})
	var log logged
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	s.run(t)
	p := s.arrives(t, "alice")
	d, _ := s.connects(t, "sensor1", "")
	for _, conn := range []net.Conn{p.Conn, d.Conn} {
		if err := vanish(conn); errors.Is(err, syscall.EPERM) {
			t.Logf("NOT TESTED: only root may close a connection without a word: %v", err)
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	await(t, func() bool { return log.has("telnet ended") && log.has("device ended") })
}

// vanish closes a connection without telling the other end: TCP_REPAIR of tcp(7), which is for root.
func vanish(conn net.Conn) error {
	const repair = 19
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, repair, 1) }); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	return conn.Close()
}
