package rpcclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// TestMain silences Kitex, whose logger is one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

var aMessage = chat.Message{Chat: "alice:bob", Text: "hello", Sender: "alice"}

// TestWhenTheServerIsAway: every way in which there is no answer, with the client's error and its time.
func TestWhenTheServerIsAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		addr func(*testing.T) string
		code chat.Code // of a Send
		says string
	}{
		{"nobody listens", refusing, chat.Unavailable, "nothing was done"},
		{"it never answers", silent, chat.DeadlineExceeded, "it is unknown whether the message was stored"},
		{"it closes after reading", closing, chat.Unavailable, "it is unknown whether the message was stored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := connect(t, c.addr(t))
			for method, call := range map[string]func(context.Context) error{
				"Send": func(ctx context.Context) error { _, err := client.Send(ctx, aMessage); return err },
				"Pull": func(ctx context.Context) error {
					_, err := client.Pull(ctx, chat.PullRequest{Chat: "room"})
					return err
				},
				"Ready": client.Ready,
			} {
				t.Run(method, func(t *testing.T) {
					t.Parallel()
					code, says := c.code, c.says
					if method != "Send" {
						code, says = chat.Unavailable, "try again"
					}
					start := time.Now()
					err := call(t.Context())
					took := time.Since(start)
					var e *chat.Error
					if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, says) {
						t.Errorf("%s() = %v, want %s: …%s…", method, err, code, says)
					}
					if errors.Unwrap(err) == nil {
						t.Errorf("%s() = %v, without a cause for the log", method, err)
					}
					if took >= patienceOfClients {
						t.Errorf("%s() took %v, want less than %v", method, took, patienceOfClients)
					}
				})
			}
		})
	}
}

// TestRequestsAndAnswersComeThrough has both cross Kitex as they are, with the id of the request.
func TestRequestsAndAnswersComeThrough(t *testing.T) {
	t.Parallel()
	fake := &recording{
		receipt: chat.Receipt{SendTime: chat.MaxSendTime, Duplicate: true},
		page: chat.Page{
			Messages: []chat.Message{{Chat: "bob:alice", Text: "héllo", Sender: "alice", ID: "1", SendTime: 7}},
			HasMore:  true, NextCursor: chat.MaxCursor,
		},
		calls: make(chan any, 1),
	}
	var log lockedBuffer
	client := connect(t, serve(t, fake, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	ctx := logging.WithRequestID(t.Context(), "id-of-the-request")

	message := chat.Message{Chat: "bob:alice", Text: "héllo", Sender: "alice", ID: "1"}
	if got, err := client.Send(ctx, message); err != nil || got != fake.receipt {
		t.Errorf("Send() = %+v, %v; want %+v", got, err, fake.receipt)
	}
	if got := <-fake.calls; got != message {
		t.Errorf("Send() reached the server as %+v, want %+v", got, message)
	}

	page, err := client.Pull(ctx, chat.PullRequest{Chat: "bob:alice", Cursor: chat.MaxCursor, Limit: 1 << 31, Reverse: true})
	if err != nil || len(page.Messages) != 1 || page.Messages[0] != fake.page.Messages[0] || !page.HasMore || page.NextCursor != chat.MaxCursor {
		t.Errorf("Pull() = %+v, %v; want %+v", page, err, fake.page)
	}
	want := chat.PullRequest{Chat: "bob:alice", Cursor: chat.MaxCursor, Limit: 1<<31 - 1, Reverse: true}
	if got := <-fake.calls; got != want {
		t.Errorf("Pull() reached the server as %+v, want %+v", got, want)
	}

	if err := client.Ready(ctx); err != nil {
		t.Errorf("Ready() = %v, want nil", err)
	}
	for _, method := range []string{"Send", "Pull", "Ready"} {
		if line := regexp.MustCompile("method=" + method + " .*id=id-of-the-request"); !line.MatchString(log.String()) {
			t.Errorf("the server's log is %s\nwant it to have %s", log.String(), line)
		}
	}
}

func TestErrorsComeThroughWithoutTheirCause(t *testing.T) {
	t.Parallel()
	client := connect(t, serve(t, &recording{
		err:   chat.Wrap(errors.New("10.0.0.7 refused"), chat.Conflict, "used before"),
		calls: make(chan any, 3),
	}, slog.New(slog.DiscardHandler)))
	_, sendErr := client.Send(t.Context(), aMessage)
	_, pullErr := client.Pull(t.Context(), chat.PullRequest{Chat: "room"})
	for method, err := range map[string]error{"Send": sendErr, "Pull": pullErr, "Ready": client.Ready(t.Context())} {
		if chat.CodeOf(err) != chat.Conflict || err.Error() != "conflict: used before" {
			t.Errorf("%s() = %v, want conflict: used before", method, err)
		}
	}
}

// TestACancelledCall ends at once.
// TestReadyIsAskedOnce for many who ask at the same time, and again for who asks later.
func TestReadyIsAskedOnce(t *testing.T) {
	t.Parallel()
	fake := &recording{calls: make(chan any, 1)}
	var log lockedBuffer
	client := connect(t, serve(t, fake, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	var asking sync.WaitGroup
	for range 200 {
		asking.Go(func() {
			if err := client.Ready(t.Context()); err != nil {
				t.Errorf("Ready() = %v, want nil", err)
			}
		})
	}
	asking.Wait()
	asked := strings.Count(log.String(), "method=Ready")
	if asked == 0 || asked > 20 {
		t.Errorf("the server was asked %d times for 200 who asked at once, want a few", asked)
	}
	client.ready.Load().at = time.Time{} // later
	if err := client.Ready(t.Context()); err != nil {
		t.Errorf("Ready() = %v, want nil", err)
	}
	if got := strings.Count(log.String(), "method=Ready"); got != asked+1 {
		t.Errorf("the server was asked %d times more later, want once", got-asked)
	}
}

// patienceOfClients is after how long the Go client and others give up. An answer comes before, also on a busy machine.
const patienceOfClients = 3 * time.Second

func TestACancelledCall(t *testing.T) {
	t.Parallel()
	client := connect(t, silent(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if _, err := client.Send(ctx, aMessage); err == nil {
		t.Errorf("Send(cancelled) = nil, want an error")
	}
	if took := time.Since(start); took >= callTimeout {
		t.Errorf("Send(cancelled) took %v, want it at once", took)
	}
}

// lockedBuffer is written by the server while a test reads it.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// recording is a chat.Service that returns prepared answers and records its calls.
type recording struct {
	receipt chat.Receipt
	page    chat.Page
	err     error
	calls   chan any
}

func (r *recording) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	r.calls <- m
	return r.receipt, r.err
}

func (r *recording) Pull(_ context.Context, request chat.PullRequest) (chat.Page, error) {
	r.calls <- request
	return r.page, r.err
}

func (r *recording) Ready(_ context.Context) error {
	return r.err
}

func connect(t *testing.T, addr string) *Client {
	t.Helper()
	client, err := New(Config{RPCServers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestPagesOfBothForms: a server returns entries as stored if it knows them, else messages. A caller that does not ask for
// entries gets messages.
func TestPagesOfBothForms(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	entries := chat.Page{Entries: []string{"one", "two"}, HasMore: true, NextCursor: 9}
	messages := chat.Page{Messages: []chat.Message{aMessage}, NextCursor: 9}
	for name, c := range map[string]struct {
		server paging
		raw    bool
		want   chat.Page
	}{
		"a server that has entries":   {paging{raw: entries, plain: messages}, true, entries},
		"one that does not know them": {paging{raw: messages, plain: messages}, true, messages},
		"a client that does not ask":  {paging{raw: entries, plain: messages}, false, messages},
		"an empty page":               {paging{raw: chat.Page{NextCursor: 7}}, true, chat.Page{NextCursor: 7}},
	} {
		client := connect(t, serve(t, c.server, log))
		for _, at := range []int64{0, 1} {
			got, err := client.Pull(t.Context(), chat.PullRequest{Chat: "a", Raw: c.raw, Cursor: at})
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: Pull() = %+v, %v; want %+v", name, got, err, c.want)
			}
		}
	}
}

// paging answers pulls with one of two pages.
type paging struct {
	answering
	raw, plain chat.Page
}

func (p paging) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	if r.Raw {
		return p.raw, nil
	}
	return p.plain, nil
}

// serve runs an rpc-server over a Service until the test ends, and returns its address.
func serve(t *testing.T, s chat.Service, log *slog.Logger) string {
	t.Helper()
	server, err := service.ListenOver(handler.Services{Messages: chattest.OneByOne{Service: s}, Live: chattest.Silent{}}, io.NopCloser(nil), "127.0.0.1:0", log)
	if err != nil {
		t.Fatal(err)
	}
	run(t, server)
	return server.Addr().String()
}

// refusing is an address at which connections are refused: the port is reserved until the test ends.
func refusing(t *testing.T) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
}

// silent reads and never answers.
func silent(t *testing.T) string {
	return accepting(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

// closing reads something and hangs up.
func closing(t *testing.T) string {
	return accepting(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<10)) })
}

func accepting(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				handle(conn)
			}()
		}
	}()
	return listener.Addr().String()
}
