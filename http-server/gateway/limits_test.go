package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

const moment = 50 * time.Millisecond

// TestASlowRequestEnds: a byte now and then does not make a request's time longer.
func TestASlowRequestEnds(t *testing.T) {
	for _, c := range []struct {
		name, first, drip string
		opaque            bool // Hertz does not tell that it was the time
	}{
		{"nothing but the first byte", "P", "", false},
		{"its first line", "P", "O", false},
		{"a header", "GET /ping HTTP/1.1\r\nA: ", "a", false},
		{"headers", "GET /ping HTTP/1.1\r\n", "A: a\r\n", false},
		{"a body", "POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{", " ", false},
		{"a large body", "POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + strings.Repeat(" ", 20000), " ", false},
		{"a chunk", "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", " ", false},
		{"the length of a chunk", "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5", "", true},
		{"the end of a length", "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5", " ", true},
		{"a trailer", "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", "b", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := runConfig(t, &fakeService{}, Config{}, func(l *limits) { l.request = 10 * moment })
			client := dial(t, g.addr)
			began := time.Now()
			client.ask(t, c.first)
			stop := client.drips(c.drip)
			status, want := http.StatusRequestTimeout, `{"code":"deadline_exceeded","message":"`
			if c.opaque {
				status, want = http.StatusBadRequest, `{"code":"invalid_argument","message":"`
			}
			_, body := client.answer(t, status)
			stop()
			if took := time.Since(began); took < 10*moment || took > patience/2 {
				t.Errorf("the answer took %v, want a little more than %v", took, 10*moment)
			}
			if !strings.HasPrefix(body, want) {
				t.Errorf("the answer = %s, want %s", body, want)
			}
			client.ended(t)
		})
	}
}

// drips writes text often until it is stopped.
func (w wire) drips(text string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(moment / 2)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_, _ = io.WriteString(w.Conn, text)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// ended reads the connection to its end.
func (w wire) ended(t *testing.T) {
	t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(patience))
	rest, err := io.ReadAll(w.in)
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() || len(rest) > 0 {
		t.Errorf("the connection goes on with %q, %v; want its end", rest, err)
	}
}

func TestAnIdleConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(wire){
		"a new one":        func(wire) {},
		"between requests": func(w wire) { w.ask(t, sendRequest); w.answer(t, http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			g := runConfig(t, &fakeService{}, Config{}, func(l *limits) { l.idle = moment })
			client := dial(t, g.addr)
			first(client)
			client.ended(t) // without an answer: nothing was asked
		})
	}
}

// largeService answers pages that no socket buffers.
type largeService struct{ fakeService }

func (*largeService) Pull(context.Context, chat.PullRequest) (chat.Page, error) {
	return chat.Page{Messages: []chat.Message{{Chat: "a", Text: strings.Repeat("x", 32<<20), Sender: "a", SendTime: 1}}}, nil
}

func TestAClientThatDoesNotRead(t *testing.T) {
	g := runConfig(t, &largeService{}, Config{}, func(l *limits) { l.write = moment })
	client := dial(t, g.addr)
	client.ask(t, "GET /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n")
	g.untilConnections(t, 1)
	g.untilConnections(t, 0)
	if n, err := io.Copy(io.Discard, client); n >= 32<<20 {
		t.Errorf("the client reads %d bytes, %v; want a part of the answer", n, err)
	}
}

func (r running) untilConnections(t *testing.T, want int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	count := func() int {
		r.listener.mutex.Lock()
		defer r.listener.mutex.Unlock()
		return len(r.listener.conns)
	}
	for end := time.Now().Add(patience); count() != want; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("there are %d connections after %v, want %d", count(), patience, want)
		}
	}
}

// TestARequestWithoutEnd: Hertz keeps a chunked body's trailer until it ends.
func TestARequestWithoutEnd(t *testing.T) {
	t.Parallel()
	const chunked = " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
	for _, target := range []string{"POST /api/send", "POST /none"} {
		t.Run(target, func(t *testing.T) {
			g := runConfig(t, &fakeService{}, Config{}, func(l *limits) { l.bytes = 100_000 })
			client := dial(t, g.addr)
			client.ask(t, target+chunked)
			_ = client.SetDeadline(time.Now().Add(patience))
			sent := 0
			for trailer := []byte(strings.Repeat("A: b\r\n", 1000)); ; {
				n, err := client.Write(trailer)
				sent += n
				if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() || sent > 64<<20 {
					t.Fatalf("%d bytes of a trailer are accepted, %v; want the end of the connection", sent, err)
				}
				if err != nil {
					return
				}
			}
		})
	}
}

// TestAnUnwantedBody: its client has sent it all when it reads the answer.
func TestAnUnwantedBody(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	for _, c := range []struct {
		target string
		length int
		status int
		closes bool
	}{
		{"POST /api/send", 400_000, 413, true},
		{"POST /none", 100_000, 404, false},
		{"POST /none", 400_000, 404, true},
	} {
		t.Run(fmt.Sprint(c.target, " ", c.length), func(t *testing.T) {
			client := dial(t, g.addr)
			client.ask(t, fmt.Sprintf("%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", c.target, c.length, strings.Repeat("x", c.length)))
			if closes, body := client.answer(t, c.status); closes != c.closes {
				t.Errorf("%s with %d bytes = %s, close %v; want %v", c.target, c.length, body, closes, c.closes)
			}
			if c.closes {
				if rest, err := io.ReadAll(client.in); len(rest) > 0 || err != nil { // a reset may overtake the answer
					t.Errorf("after the answer comes %q, %v; want the end", rest, err)
				}
				return
			}
			client.ask(t, sendRequest)
			client.answer(t, http.StatusOK)
		})
	}
}

// TestUnwantedChunks: the handler stops within a chunk. The client still sends, reads the answer, and meets no reset.
func TestUnwantedChunks(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, usual)
	for _, sent := range []int{maxBodyBytes + 1, 2 * maxBodyBytes, 5 * maxBodyBytes} { // before the answer
		t.Run(fmt.Sprint(sent), func(t *testing.T) {
			const chunk = 5 * maxBodyBytes
			client := dial(t, g.addr)
			client.ask(t, fmt.Sprintf("POST /api/rooms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", chunk, strings.Repeat("x", sent)))
			if closes, body := client.answer(t, http.StatusRequestEntityTooLarge); !closes {
				t.Errorf("the answer %s does not close", body)
			}
			for rest := chunk - sent; rest > 0; rest -= maxBodyBytes / 4 {
				client.ask(t, strings.Repeat("x", min(rest, maxBodyBytes/4)))
			}
			client.ask(t, "\r\n0\r\n\r\n")
			if end, err := io.ReadAll(client.in); len(end) > 0 || err != nil {
				t.Fatalf("after the answer comes %q, %v; want the end", end, err)
			}
		})
	}
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{MaxConnections: new(2)}, func(*limits) {})
	first, second := dial(t, g.addr), dial(t, g.addr)
	g.untilConnections(t, 2)
	third := dial(t, g.addr)
	third.ask(t, sendRequest)
	closes, header, body := third.whole(t, http.StatusServiceUnavailable)
	want := `{"code":"unavailable","message":"this http-server has too many connections; try again"}`
	if !closes || header.Get("Retry-After") != "1" || body != want {
		t.Errorf("the third connection = 503 %s, Retry-After %q, close %v; want %s, 1, and the end", body, header.Get("Retry-After"), closes, want)
	}
	_ = third.Close()
	for _, w := range []wire{first, second} {
		w.ask(t, sendRequest)
		w.answer(t, http.StatusOK)
	}
	_ = first.Close()
	g.untilConnections(t, 1)
	fourth := dial(t, g.addr)
	fourth.ask(t, sendRequest)
	fourth.answer(t, http.StatusOK)
}

// TestManyAreTurnedAway: those who say nothing do not hold up the ones who may stay.
func TestManyAreTurnedAway(t *testing.T) {
	t.Parallel()
	const turnAway = 5 * time.Second
	g := runConfig(t, &fakeService{}, Config{MaxConnections: new(1)}, func(l *limits) { l.turnAway = turnAway })
	first := dial(t, g.addr)
	g.untilConnections(t, 1)
	for range 2 * turnAwayAtOnce {
		dial(t, g.addr)
	}
	closed := dial(t, g.addr)
	began := time.Now()
	closed.ended(t)
	if took := time.Since(began); took >= turnAway {
		t.Errorf("the last connection ended after %v, want it at once", took)
	}
	first.ask(t, sendRequest)
	first.answer(t, http.StatusOK)
	g.stop()
	g.within(t, atOnce)
}

// failing is a net.Listener whose Accept gives errors first.
type failing struct {
	net.Listener
	errors chan error
}

func (f failing) Accept() (net.Conn, error) {
	select {
	case err := <-f.errors:
		return nil, err
	default:
		return f.Listener.Accept()
	}
}

func TestAcceptGoesOn(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 10)
	l := newListener(failing{inner, errs}, false, limits{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = l.Close() })
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED} {
		errs <- &net.OpError{Op: "accept", Err: err}
	}
	pair(t, l) // fails where Accept does
	errs <- io.ErrUnexpectedEOF
	if c, err := l.Accept(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Accept() = %v, %v; want the listener's own error", c, err)
	}
}

// TestWhatIsNoRequest: Hertz answers it by itself; clients see the one error shape.
func TestWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	const invalid, tooLarge = `{"code":"invalid_argument","message":"`, `{"code":"too_large","message":"`
	for _, c := range []struct {
		name, request string
		status        int
		want          string
	}{
		{"not HTTP", "hello\r\n\r\n", 400, invalid},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, invalid},
		{"no version", "GET /ping\r\n\r\n", 400, invalid},
		{"a header with a space in its name", "GET /ping HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", 400, invalid},
		{"no host", "GET /ping HTTP/1.1\r\n\r\n", 400, invalid},
		{"a length that is none", "POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, invalid},
		{"a large header", "GET /ping HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", maxHeaderBytes) + "\r\n\r\n", 431, tooLarge},
		{"many headers", "GET /ping HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: a\r\n", maxHeaderBytes/6) + "\r\n", 431, tooLarge},
		{"a long path", "GET /" + strings.Repeat("a", maxHeaderBytes) + " HTTP/1.1\r\nHost: a\r\n\r\n", 431, tooLarge},
		{"after a good one", "GET /ping HTTP/1.1\r\nHost: a\r\n\r\nhello\r\n\r\n", 400, invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := dial(t, g.addr)
			client.ask(t, c.request)
			if strings.HasPrefix(c.name, "after") {
				client.answer(t, http.StatusOK)
			}
			closes, header, body := client.whole(t, c.status)
			if !closes || !strings.HasPrefix(body, c.want) {
				t.Errorf("%.40q = %s, close %v; want %s, and the end", c.request, body, closes, c.want)
			}
			if got := header.Get("Content-Type"); got != "application/json; charset=utf-8" || header.Get("X-Request-Id") == "" {
				t.Errorf("%.40q has the headers %v, want JSON and a request id", c.request, header)
			}
			checkSecurity(t, header, false)
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	g := runConfig(t, service, Config{}, func(*limits) {})
	ask := func(request string, status int) {
		client := dial(t, g.addr)
		client.ask(t, request)
		_, header, _ := client.whole(t, status)
		checkSecurity(t, header, false)
	}
	for target, status := range map[string]int{
		"GET /ping": 200, "GET /readyz": 200, "GET /openapi.yaml": 200, "GET /api/pull?chat=a": 200,
		"GET /none": 404, "PUT /api/send": 405, "GET /api/pull?limit=x": 400,
	} {
		ask(target+" HTTP/1.1\r\nHost: a\r\n\r\n", status)
	}
	service.fail(panics)
	ask(sendRequest, http.StatusInternalServerError)
}

func checkSecurity(t *testing.T, header http.Header, encrypted bool) {
	t.Helper()
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'",
		"Strict-Transport-Security": "", "Server": "", "X-Powered-By": "",
	}
	if encrypted {
		want["Strict-Transport-Security"] = "max-age=31536000"
	}
	for name, value := range want {
		if got := strings.Join(header.Values(name), "; "); got != value {
			t.Errorf("the answer has %s %q, want %q", name, got, value)
		}
	}
}

func TestMaxConnectionsFitTheDescriptors(t *testing.T) {
	t.Parallel()
	var open syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &open); err != nil {
		t.Fatal(err)
	}
	if open.Cur > 1<<30 || open.Cur < 2*ownDescriptors {
		t.Skipf("the limit of open files is %d", open.Cur)
	}
	fit := int(open.Cur) - ownDescriptors
	for _, c := range []struct {
		in, want int
		warns    bool
	}{{1, 1, false}, {fit, fit, false}, {0, fit, false}, {fit + 1, fit, true}} {
		t.Run(fmt.Sprint(c.in), func(t *testing.T) {
			var log bytes.Buffer
			got := maxConnections(new(c.in), slog.New(slog.NewTextHandler(&log, nil)))
			if got != c.want || c.warns != strings.Contains(log.String(), "level=WARN") {
				t.Errorf("maxConnections(%d) = %d, log %q; want %d, a warning: %v", c.in, got, &log, c.want, c.warns)
			}
		})
	}
}
