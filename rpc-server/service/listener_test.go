package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudwego/netpoll"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/rpc-server/handler"
)

func listen(t *testing.T) *listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := newListener(inner.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestListenerAccepts(t *testing.T) {
	l := listen(t)
	defer func() { _ = errors.Join(l.Close(), l.release()) }()
	accepted := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if conn != nil {
			err = fmt.Errorf("a connection from %v", conn.RemoteAddr())
		}
		accepted <- err
	}()
	select {
	case err := <-accepted:
		if err != nil {
			t.Fatalf("Accept() = %v where nobody connects, want nil, nil", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Accept() waits where nobody connects")
	}
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dialled.Close() }()
	conn, err := l.Accept() // on loopback it waits once Dial has returned
	if err != nil || conn == nil {
		t.Fatalf("Accept() = %v, %v; want a connection", conn, err)
	}
	fd := conn.(netpoll.Conn).Fd()
	defer func() { _ = syscall.Close(fd) }()
	if conn.RemoteAddr().String() != dialled.LocalAddr().String() || conn.LocalAddr().String() != l.Addr().String() {
		t.Errorf("Accept() is from %v to %v, want from %v to %v", conn.RemoteAddr(), conn.LocalAddr(), dialled.LocalAddr(), l.Addr())
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Errorf("SetNonblock(%d) = %v, want an open descriptor", fd, err)
	}
}

// TestListenerKeepsItsDescriptor: netpoll closes more than once and uses the descriptor in between, so that the
// number must not go to another process before release.
func TestListenerKeepsItsDescriptor(t *testing.T) {
	l := listen(t)
	fd := l.Fd()
	for range 2 {
		if err := l.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Errorf("Dial() = nil after Close, want it refused")
	}
	if conn, err := l.Accept(); conn != nil || err != nil { // netpoll may ask again until it has detached
		t.Errorf("Accept() = %v, %v after Close, want nobody", conn, err)
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFSOCK || l.Fd() != fd {
		t.Errorf("after Close, descriptor %d is %v, mode %o, and Fd() = %d; want the socket, kept", fd, err, stat.Mode, l.Fd())
	}
	if err := l.release(); err != nil {
		t.Errorf("release() = %v, want nil", err)
	}
	if err := l.release(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("release() = %v the second time, want %v", err, os.ErrClosed)
	}
}

func TestTCPAddr(t *testing.T) {
	for name, c := range map[string]struct {
		in   syscall.Sockaddr
		want string
	}{
		"IPv4":  {&syscall.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}, Port: 80}, "192.0.2.1:80"},
		"IPv6":  {&syscall.SockaddrInet6{Addr: [16]byte{15: 1}, Port: 80}, "[::1]:80"},
		"other": {&syscall.SockaddrUnix{Name: "x"}, ":0"},
		"none":  {nil, ":0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tcpAddr(c.in).String(); got != c.want {
				t.Errorf("tcpAddr(%v) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// TestStopsLeaveOthersAlone starts and stops servers for two seconds while clients call one that stays. With
// netpoll's own listener, which closes its descriptor twice, a stop now and then ended connections of the other.
func TestStopsLeaveOthersAlone(t *testing.T) {
	staying, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: chattest.Silent{}}, &closer{}, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	run(t, staying)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				// A client for each few calls: new connections take the numbers of descriptors that were closed.
				client := connect(t, staying)
				for range 3 {
					if _, err := client.Pull(context.WithoutCancel(ctx), chat.PullRequest{Chat: "room"}); err != nil {
						t.Errorf("Pull() = %v from a server that stays", err)
						return
					}
				}
				client.Close()
			}
		})
	}
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				startAndStop(t)
			}
		})
	}
	all.Wait()
}

func startAndStop(t *testing.T) {
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: chattest.Silent{}}, &closer{}, "127.0.0.1:0", quiet())
	if err != nil {
		t.Errorf("ListenOver() = %v", err)
		return
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	if err := connect(t, server).Ready(context.WithoutCancel(ctx)); err != nil {
		t.Errorf("Ready() = %v from a server that was just started", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}

// TestWhatAConnectionIsAskedFor: neither is netpoll's doing where the listener is not its own.
func TestWhatAConnectionIsAskedFor(t *testing.T) {
	inner, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := newListener(inner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(listener.Close(), listener.release()) })
	client, err := net.Dial("tcp", listener.Addr().String()) // it waits to be accepted when Dial has returned
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	conn, err := listener.Accept()
	if err != nil || conn == nil {
		t.Fatalf("Accept() = %v, %v; want a connection", conn, err)
	}
	fd := conn.(*accepted).fd
	t.Cleanup(func() { _ = syscall.Close(fd) })
	for name, c := range map[string]struct{ option, want int }{
		"TCP_NODELAY":      {syscall.TCP_NODELAY, 1},
		"TCP_USER_TIMEOUT": {tcpUserTimeout, 10_000},
	} {
		if got, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, c.option); err != nil || got != c.want {
			t.Errorf("%s is %d, %v; want %d", name, got, err, c.want)
		}
	}
}
