package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// maxRSS bounds the memory of an http-server under each of the attacks here. docs/limits.md says so too.
const maxRSS = 200 << 20

// attackEnds is when an attack must have been ended by the server: after its limit of ten seconds, and some time.
const attackEnds = 25 * time.Second

// TestHostile: clients that mean no good, and meanwhile one that does.
func TestHostile(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL())
	t.Run("attacks", func(t *testing.T) {
		for _, c := range []struct {
			name     string
			settings []string
			waits    bool // for a limit of the server, most of the time: beside others that do
			clients  int
			attack   func(t *testing.T, addr string) // by each of the clients, at once
		}{
			{"slow headers", nil, true, 200, drip("GET /api/pull?chat=room HTTP/1.1\r\nHost: a\r\nX: ")},
			{"slow bodies", nil, true, 200, drip("POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{")},
			{"large headers", nil, false, 50, wants(431, "too_large", "GET /ping HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")},
			{"deep JSON", []string{"MAX_BODY_BYTES=1000000"}, false, 50, wants(400, "invalid_argument", post(`{"chat":"room","x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+"}"))},
			{"deep JSON that is too large", nil, false, 50, wants(413, "too_large", post(strings.Repeat("[", 100_000)))},
			{"JSON as deep as fits", nil, false, 50, wants(400, "invalid_argument", post(strings.Repeat(`{"x":`, 12_000)))},
			{"invalid UTF-8", nil, false, 50, wants(400, "invalid_argument", post("{\"chat\":\"room\",\"sender\":\"eve\",\"text\":\"\xff\xfe\"}"))},
			{"bodies cut in the middle", nil, false, 200, cut},
			{"answers that nobody reads", nil, true, 10, neverReads},
			{"trailers without end", nil, false, 50, floods},
			{"2,000 idle connections", nil, false, 1, idles(2000)},
		} {
			t.Run(c.name, func(t *testing.T) {
				if c.waits {
					t.Parallel()
				}
				s := overRPC(t, rpc, c.settings...)
				s.fillPage(t)
				stop := s.watch(t)
				var group sync.WaitGroup
				for range c.clients {
					group.Go(func() { c.attack(t, s.http.Addr()) })
				}
				group.Wait()
				answered, peak := stop()
				s.http.Alive()
				t.Logf("%d requests of an ordinary client succeeded; http-server had %d MB at most", answered, peak>>20)
				if peak > maxRSS {
					t.Errorf("http-server has %d bytes of memory, want %d at most", peak, maxRSS)
				}
			})
		}
	})
	s := overRPC(t, rpc)
	for _, text := range s.texts(t) {
		if text != largeText && text != "ordinary" {
			t.Errorf("the room holds %.40q, which nobody may have sent", text)
		}
	}
}

var largeText = strings.Repeat("x", 4096)

// fillPage makes the first page of the room as large as one can be.
func (s *stack) fillPage(t *testing.T) {
	t.Helper()
	for i := range 100 { // by its id each is stored once
		m := client.Message{Chat: "room", Sender: "alice", Text: largeText, ID: fmt.Sprint(i)}
		if _, err := s.client.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// watch is the ordinary client: each of its requests succeeds. How soon is no matter for a test, in which the attack
// takes most of the CPU. It returns how many there were, and the most memory that http-server had.
func (s *stack) watch(t *testing.T) (stop func() (answered int, peak int64)) {
	done, ended := make(chan struct{}), make(chan struct{})
	var answered int
	var peak int64
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			err := errors.Join(s.send(ctx, "ordinary"), s.pull(ctx))
			cancel()
			if err != nil {
				t.Errorf("an ordinary client, after %d requests that succeeded: %v", answered, err)
			}
			answered += 2
			peak = max(peak, rss(t, s.http))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() (int, int64) { close(done); <-ended; return answered, peak }
}

// rss is the resident memory of a process in bytes.
func rss(t *testing.T, p *programtest.Process) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Errorf("memory: %v", err)
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10
}

// connect dials, with a deadline for everything that an attack does.
func connect(t *testing.T, addr string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Errorf("connect: %v", err)
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(attackEnds))
	return conn
}

func post(body string) string {
	return fmt.Sprintf("POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// expect reads an answer in the one error shape.
func expect(t *testing.T, conn net.Conn, status int, code string) {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Errorf("the answer: %v, want %d", err, status)
		return
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.HasPrefix(string(body), `{"code":"`+code+`"`) {
		t.Errorf("the answer = %d %s, %v; want %d %s", response.StatusCode, body, err, status, code)
	}
}

// wants sends a request as fast as it can; the answer may come before its end.
func wants(status int, code, request string) func(*testing.T, string) {
	return func(t *testing.T, addr string) {
		for range 10 {
			conn := connect(t, addr)
			if conn == nil {
				return
			}
			_, _ = io.WriteString(conn, request)
			expect(t, conn, status, code)
			_ = conn.Close()
		}
	}
}

// drip begins a request and goes on with a byte now and then, until it is answered 408.
func drip(first string) func(*testing.T, string) {
	return func(t *testing.T, addr string) {
		conn := connect(t, addr)
		if conn == nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, first)
		done, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
					_, _ = io.WriteString(conn, " ")
				}
			}
		}()
		expect(t, conn, http.StatusRequestTimeout, "deadline_exceeded")
		close(done)
		<-ended
	}
}

// cut ends a body in its middle, in two ways.
func cut(t *testing.T, addr string) {
	const half = "POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + `{"chat":"room","sender":"eve","text":"cut"`
	if gone := connect(t, addr); gone != nil {
		_, _ = io.WriteString(gone, half)
		_ = gone.Close()
	}
	conn := connect(t, addr)
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, half)
	_ = conn.(*net.TCPConn).CloseWrite()
	expect(t, conn, http.StatusBadRequest, "invalid_argument")
}

// neverReads asks for large pages, one after the other, until the server ends the connection.
func neverReads(t *testing.T, addr string) {
	floodWith(t, addr, "", strings.Repeat("GET /api/pull?chat=room&limit=100 HTTP/1.1\r\nHost: a\r\n\r\n", 20))
}

// floods sends bytes after a chunked body, for ever.
func floods(t *testing.T, addr string) {
	floodWith(t, addr, "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", strings.Repeat("X: y\r\n", 1000))
}

// floodWith reads nothing and writes until the connection is ended.
func floodWith(t *testing.T, addr, first, again string) {
	conn := connect(t, addr)
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, err := io.WriteString(conn, first)
	sent := 0
	for err == nil {
		var n int
		n, err = io.WriteString(conn, again)
		sent += n
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection goes on after %v and %d bytes, want its end", attackEnds, sent)
	}
}

// idles opens connections, of which every other one asks something, and asks on all of them when all are open.
func idles(n int) func(*testing.T, string) {
	return func(t *testing.T, addr string) {
		var conns []net.Conn
		for i := range n {
			conn := connect(t, addr)
			if conn == nil {
				return
			}
			defer func() { _ = conn.Close() }()
			conns = append(conns, conn)
			if i%2 == 0 {
				ping(t, conn)
			}
		}
		for _, conn := range conns {
			ping(t, conn)
		}
	}
}

func ping(t *testing.T, conn net.Conn) {
	_, _ = io.WriteString(conn, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
	buffer := make([]byte, 4096)
	if n, err := conn.Read(buffer); err != nil || !strings.HasPrefix(string(buffer[:n]), "HTTP/1.1 200") {
		t.Errorf("ping = %q, %v; want 200", buffer[:n], err)
	}
}
