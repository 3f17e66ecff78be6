// Package porttest keeps ports for servers that tests stop and start again.
package porttest

import (
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Hold returns an address of loopback that only a server of the test can listen at, also again after it stopped, until the test
// ends. Without it another test may be given the port meanwhile: the system chooses it for a new listener or connection.
//
// A socket is bound to the port and never listens. While it is, Linux gives the port to no program that asks for any port, and still lets a
// server listen that sets SO_REUSEADDR, which Go's listeners, nginx and redis-server do. A client is refused until a server listens.
func Hold(t testing.TB) string {
	t.Helper()
	port, ok := bind(t, 0)
	if !ok {
		t.Fatal("no free port")
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// Take holds one port as Hold does. It reports false if another socket is bound to it.
func Take(t testing.TB, port int) bool {
	t.Helper()
	_, ok := bind(t, port)
	return ok
}

// bind binds a socket to a port, or to any for 0, until the test ends. The socket allows others only once it is bound: two that
// allowed it before could be bound to one port.
func bind(t testing.TB, port int) (bound int, ok bool) {
	t.Helper()
	socket := open(t)
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		_ = syscall.Close(socket)
		return 0, false
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	of, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("the socket is bound to %v", name)
	}
	return of.Port, true
}

// open returns a socket that programs which the test starts do not have.
func open(t testing.TB) int {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(socket)
	return socket
}
