package porttest_test

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/pullchat/pullchat/internal/porttest"
)

// TestHold: a server listens, stops and listens again at the port, and is the only one that gets it.
func TestHold(t *testing.T) {
	t.Parallel()
	addr := porttest.Hold(t)
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("before a server listens: %v, want that the connection is refused", err)
	}
	for range 3 {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		connection, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = connection.Close()
		_ = listener.Close()
	}
	// The system gives this port to no program that asks for any port.
	config := net.ListenConfig{Control: onlyOf(t, addr)}
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if errors.Is(err, syscall.ENOPROTOOPT) {
		t.Skip("SKIPPED, NOT TESTED: that nobody else is given the port needs Linux 6.3")
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a listener at any port was given %v, %v", l, err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	dialer := net.Dialer{Control: onlyOf(t, addr)}
	if c, err := dialer.DialContext(t.Context(), "tcp", other.Addr().String()); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("a connection from any port was given %v, %v", c, err)
	}
}

// TestTake: a port is taken once, by one that listens or by one that holds it, and a server may listen at it.
func TestTake(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if porttest.Take(t, other.Addr().(*net.TCPAddr).Port) {
		t.Error("the port of a listener was taken")
	}
	for port := 9000; ; port++ {
		if !porttest.Take(t, port) {
			continue
		}
		if porttest.Take(t, port) {
			t.Error("a port was taken twice")
		}
		for range 2 {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
		}
		return
	}
}

// onlyOf makes sockets to which the system gives no port but the one of an address.
func onlyOf(t *testing.T, addr string) func(network, address string, socket syscall.RawConn) error {
	t.Helper()
	const localPortRange = 51 // IP_LOCAL_PORT_RANGE of ip(7): the upper 16 bits are the last port, the lower ones the first
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(_, _ string, socket syscall.RawConn) error {
		var refused error
		err := socket.Control(func(fd uintptr) {
			refused = syscall.SetsockoptInt(int(fd), syscall.SOL_IP, localPortRange, port<<16|port)
		})
		return errors.Join(err, refused)
	}
}
