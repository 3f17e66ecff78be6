package gateway

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"
)

// pair is both ends of a connection that a listener accepted.
func pair(t *testing.T, l *listener) (accepted *conn, client net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	inner, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inner.Close() })
	return inner.(*framed).conn, client
}

func listen(t *testing.T) *listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(inner, false, limitsOf(Config{}, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// exchanged lets a byte pass from the client, and one back where answer is set.
func exchanged(t *testing.T, accepted *conn, client net.Conn, answer bool) {
	t.Helper()
	if _, err := client.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if n, err := accepted.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Fatalf("Read() = %d, %v; want 1 byte", n, err)
	}
	if !answer {
		return
	}
	if _, err := accepted.Write([]byte{2}); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Fatalf("the client's Read() = %d, %v; want 1 byte", n, err)
	}
}

// waiting starts a Read and returns once the connection knows that it waits.
func waiting(accepted *conn) chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := accepted.Read(make([]byte, 10))
		ended <- err
	}()
	for !accepted.idle.Load() {
		runtime.Gosched()
	}
	return ended
}

func TestDrainEndsAReadThatWaits(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*testing.T, *conn, net.Conn){
		"a new connection": func(*testing.T, *conn, net.Conn) {},
		"between requests": func(t *testing.T, c *conn, client net.Conn) { exchanged(t, c, client, true) },
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t)
			accepted, client := pair(t, l)
			first(t, accepted, client)
			ended := waiting(accepted)
			l.drain()
			select {
			case err := <-ended:
				if !errors.Is(err, io.EOF) {
					t.Errorf("Read() = %v after drain, want the end", err)
				}
			case <-time.After(patience):
				t.Fatal("Read() still waits after drain")
			}
		})
	}
}

func TestDrainLetsARequestGoOn(t *testing.T) {
	t.Parallel()
	l := listen(t)
	accepted, client := pair(t, l)
	exchanged(t, accepted, client, false) // a part of a request
	l.drain()
	exchanged(t, accepted, client, true) // its rest, and the answer
	if n, err := accepted.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read() = %d, %v after the answer, want the end", n, err)
	}
}

func TestDrainBeforeTheFirstRead(t *testing.T) {
	t.Parallel()
	l := listen(t)
	accepted, _ := pair(t, l)
	l.drain()
	if n, err := accepted.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read() = %d, %v; want the end", n, err)
	}
}

func TestClosedConnectionsAreForgotten(t *testing.T) {
	t.Parallel()
	l := listen(t)
	accepted, _ := pair(t, l)
	other, _ := pair(t, l)
	if err := accepted.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if _, has := l.conns[other]; !has || len(l.conns) != 1 {
		t.Errorf("the listener knows %d connections, want the one that is open", len(l.conns))
	}
}
