package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
)

// TestMain silences Hertz, whose logger is one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

// holdingService answers a Send when it is released.
type holdingService struct {
	fakeService
	entered, release chan struct{}
}

func newHolding() *holdingService {
	return &holdingService{entered: make(chan struct{}), release: make(chan struct{})}
}

func (h *holdingService) Send(context.Context, chat.Message) (chat.Receipt, error) {
	close(h.entered)
	<-h.release
	return chat.Receipt{SendTime: 7}, nil
}

// running is a gateway that a test stops.
type running struct {
	addr     string
	listener *listener
	stop     context.CancelFunc
	ended    chan error
}

// runGateway runs a gateway that answers.
func runGateway(t *testing.T, service chat.Service, delay time.Duration) running {
	t.Helper()
	return runConfig(t, service, Config{DrainDelay: delay}, func(*limits) {})
}

// runConfig runs a gateway with other limits than the usual ones.
func runConfig(t *testing.T, service chat.Service, config Config, limit func(*limits)) running {
	t.Helper()
	return runLogged(t, service, config, limit, slog.New(slog.DiscardHandler))
}

func runLogged(t *testing.T, service chat.Service, config Config, limit func(*limits), log *slog.Logger) running {
	t.Helper()
	config.HTTPAddr, config.MaxBodyBytes = "127.0.0.1:0", maxBodyBytes
	server, err := Listen(config, chat.Services{Messages: service, Live: liveOf(service)}, log)
	if err != nil {
		t.Fatal(err)
	}
	if fake, ok := service.(*fakeService); ok {
		withEverything(fake)(server)
	}
	server.listener.limits.drain = 3 * atOnce
	limit(&server.listener.limits)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r := running{server.Addr().String(), server.listener, stop, make(chan error, 1)}
	go func() { r.ended <- server.Run(ctx) }()
	t.Cleanup(stop)
	<-server.listener.serving
	return r
}

// within waits for the stop, and fails when it takes longer than waiting for a connection that does not go.
func (r running) within(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	case <-time.After(limit):
		t.Fatalf("Run() has not ended after %v", limit)
	}
}

// untilReading returns when the gateway has read a part of a request.
func (r running) untilReading(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !r.listener.reading(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("no request is under way after %v", patience)
		}
	}
}

func (l *listener) reading() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.conns {
		if c.started.Load() && !c.idle.Load() {
			return true
		}
	}
	return false
}

// untilRefused returns once connections are refused.
func (r running) untilRefused(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		conn, err := net.Dial("tcp", r.addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = conn.Close()
		}
		if time.Now().After(end) {
			t.Fatalf("connections are still accepted after %v", patience)
		}
	}
}

// wire is a connection on which requests and answers are written out.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, addr string) wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return wire{conn, bufio.NewReader(conn)}
}

func (w wire) ask(t *testing.T, request string) {
	t.Helper()
	if _, err := io.WriteString(w, request); err != nil {
		t.Fatalf("write %q: %v", request, err)
	}
}

// answer reads one of this status, and says whether it ends the connection.
func (w wire) answer(t *testing.T, status int) (closes bool, body string) {
	t.Helper()
	closes, _, body = w.whole(t, status)
	return closes, body
}

// whole is answer, with the headers.
func (w wire) whole(t *testing.T, status int) (closes bool, header http.Header, body string) {
	t.Helper()
	response, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatalf("the answer: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("the answer = %d %s, %v; want %d", response.StatusCode, read, err, status)
	}
	return response.Close, response.Header, string(read)
}

var sendRequest = fmt.Sprintf("POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(goodSend), goodSend)

// atOnce is longer than a stop takes on a busy machine, and shorter than a stop that waits for a client.
const atOnce = 20 * time.Second

// patience is how long a test waits for an expected event.
const patience = 30 * time.Second

// impatience is longer than a stop that waits for no request.
const impatience = 300 * time.Millisecond

func TestAnIdleConnectionDoesNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	g := runGateway(t, &fakeService{}, 0)
	used, fresh := dial(t, g.addr), dial(t, g.addr)
	used.ask(t, sendRequest)
	if closes, _ := used.answer(t, http.StatusOK); closes {
		t.Fatal("the connection does not stay open")
	}
	g.stop()
	g.within(t, atOnce)
	for name, w := range map[string]wire{"used": used, "fresh": fresh} {
		if _, err := w.in.ReadByte(); err == nil {
			t.Errorf("the %s connection has more to read, want its end", name)
		}
	}
}

func TestStopFinishesTheRequestUnderWay(t *testing.T) {
	t.Parallel()
	service := newHolding()
	g := runGateway(t, service, 0)
	client := dial(t, g.addr)
	client.ask(t, sendRequest)
	<-service.entered
	g.stop()
	g.untilRefused(t)
	select {
	case err := <-g.ended:
		t.Fatalf("Run() = %v with a request under way", err)
	case <-time.After(impatience):
	}
	close(service.release)
	if closes, body := client.answer(t, http.StatusOK); !closes || !strings.Contains(body, `"send_time":7`) {
		t.Errorf("the answer = %s, close %v; want the receipt and the end of the connection", body, closes)
	}
	g.within(t, atOnce)
}

// TestStopFinishesTheRequestThatArrives: a part of it was there when the stop began.
func TestStopFinishesTheRequestThatArrives(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, waits, rest string }{
		"in its header": {first: "POST /api/send HTTP/1.1\r\nHo", rest: sendRequest[len("POST /api/send HTTP/1.1\r\nHo"):]},
		"in its body":   {first: sendRequest[:len(sendRequest)-10], rest: sendRequest[len(sendRequest)-10:]},
		"told to continue": {
			first: strings.Replace(sendRequest[:len(sendRequest)-len(goodSend)], "Host", "Expect: 100-continue\r\nHost", 1),
			waits: "HTTP/1.1 100 Continue\r\n\r\n", rest: goodSend,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := runGateway(t, &fakeService{}, 0)
			client := dial(t, g.addr)
			client.ask(t, c.first)
			g.untilReading(t)
			if c.waits != "" {
				got := make([]byte, len(c.waits))
				if _, err := io.ReadFull(client.in, got); err != nil || string(got) != c.waits {
					t.Fatalf("the answer begins with %q, %v; want %q", got, err, c.waits)
				}
			}
			g.stop()
			g.untilRefused(t)
			client.ask(t, c.rest)
			if closes, body := client.answer(t, http.StatusOK); !closes {
				t.Errorf("the answer = %s, close %v; want the end of the connection", body, closes)
			}
			g.within(t, atOnce)
		})
	}
}

// TestNotReadyBeforeAStop: for DrainDelay, load balancers get 503, and all other requests are served.
func TestNotReadyBeforeAStop(t *testing.T) {
	t.Parallel()
	const delay = 3 * time.Second
	g := runGateway(t, &fakeService{}, delay)
	client := dial(t, g.addr)
	ready := func() (status int, body string) {
		client.ask(t, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
		response, err := http.ReadResponse(client.in, nil)
		if err != nil {
			t.Fatalf("GET /readyz: %v", err)
		}
		defer func() { _ = response.Body.Close() }()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatalf("GET /readyz: %v", err)
		}
		if response.Close { // the stop begins between the answer and its header
			client = dial(t, g.addr)
		}
		return response.StatusCode, string(answer)
	}
	if status, body := ready(); status != http.StatusOK {
		t.Errorf("GET /readyz = %d %s, want 200", status, body)
	}
	stopped := time.Now()
	g.stop()
	status, body := ready()
	for status == http.StatusOK {
		status, body = ready()
	}
	if want := `{"code":"unavailable","message":"this http-server is stopping"}`; status != http.StatusServiceUnavailable || body != want {
		t.Errorf("GET /readyz = %d %s, want 503 %s", status, body, want)
	}
	other := dial(t, g.addr) // still accepted
	other.ask(t, sendRequest)
	other.answer(t, http.StatusOK)
	g.within(t, atOnce)
	if took := time.Since(stopped); took < delay {
		t.Errorf("Run() took %v to end, want the delay of %v at least", took, delay)
	}
}

// TestRunWithAContextThatHasEnded does it often: Hertz, asked to stop in the wrong moment of its start, refuses.
func TestRunWithAContextThatHasEnded(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range 30 {
		server, err := Listen(Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: maxBodyBytes}, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- server.Run(ctx) }()
		running{ended: ended}.within(t, atOnce)
	}
}

// TestAStopLeavesNothingRunning compares with the goroutines that ran before: Hertz has goroutines that end with the
// process.
func TestAStopLeavesNothingRunning(t *testing.T) {
	first := runGateway(t, &fakeService{}, 0)
	client := dial(t, first.addr)
	client.ask(t, sendRequest) // Hertz has a goroutine for the date, which stays
	client.answer(t, http.StatusOK)
	first.stop()
	first.within(t, atOnce)
	before := goleak.IgnoreCurrent()
	g := runGateway(t, &fakeService{}, 0)
	idle := dial(t, g.addr)
	idle.ask(t, sendRequest)
	idle.answer(t, http.StatusOK)
	g.stop()
	g.within(t, atOnce)
	goleak.VerifyNone(t, before)
}
