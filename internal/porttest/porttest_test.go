package porttest_test

import (
	"errors"
	"net"
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
	// Many ports that the system chooses, for listeners.
	for range 500 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if listener.Addr().String() == addr {
			t.Fatalf("%s was given to another", addr)
		}
		defer func() { _ = listener.Close() }()
	}
}
