package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestMain silences Kitex, whose logger is one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

var aMessage = chat.Message{Chat: "alice:bob", Text: "hello", Sender: "alice"}

// TestListenWithoutRedis: the server starts, says so, and refuses calls until Redis is there.
func TestListenWithoutRedis(t *testing.T) {
	redis := miniredis.NewMiniRedis()
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	addr := redis.Addr()
	redis.Close()
	config := good()
	config.RedisURL = "redis://" + addr
	var log bytes.Buffer
	server, err := Listen(t.Context(), config, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatalf("Listen() = %v, want a server", err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "redis is not there yet") {
		t.Errorf("Listen() logs %q, want a warning", &log)
	}
	run(t, server)
	client := connect(t, server)
	if err := client.Ready(t.Context()); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Ready() = %v, want unavailable", err)
	}
	if _, err := client.Send(t.Context(), aMessage); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Send() = %v, want unavailable", err)
	}
	back := miniredis.NewMiniRedis()
	if err := back.StartAddr(addr); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: somebody took the port of the Redis that was away: %v", err)
	}
	t.Cleanup(back.Close)
	again := aMessage
	again.ID = "the same"
	_, err = client.Send(t.Context(), again)
	for end := time.Now().Add(time.Minute); chat.CodeOf(err) == chat.DeadlineExceeded && time.Now().Before(end); {
		_, err = client.Send(t.Context(), again) // a busy machine takes long to load the scripts
	}
	if err != nil {
		t.Errorf("Send() = %v once Redis is there, want nil", err)
	}
}

func TestListenWithAnotherLayout(t *testing.T) {
	redis := miniredis.RunT(t)
	config := good()
	config.RedisURL = "redis://" + redis.Addr()
	other, err := storage.Open(config.RedisURL, storage.Options{Partitions: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if err := other.CheckPartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	server, err := Listen(t.Context(), config, quiet())
	if err == nil {
		_ = server.Close()
	}
	if !errors.Is(err, storage.ErrPartitions) || !strings.Contains(err.Error(), "Redis holds 7, this server uses 256") {
		t.Errorf("Listen() = %v, want that partitions differ", err)
	}
}

// TestRunMarksRetention: a server whose logs expire says so in Redis, so that a later one without Retention keeps all logs.
func TestRunMarksRetention(t *testing.T) {
	redis := miniredis.RunT(t)
	config := good()
	config.RedisURL, config.Retention = "redis://"+redis.Addr(), time.Hour
	server, err := Listen(t.Context(), config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	run(t, server)
	for deadline := time.Now().Add(30 * time.Second); !redis.Exists("im:retention"); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("there is no mark of retention")
		}
	}
}

func TestListenOnATakenAddress(t *testing.T) {
	redis := miniredis.RunT(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	config := good()
	config.RedisURL, config.RPCAddr = "redis://"+redis.Addr(), taken.Addr().String()
	if server, err := Listen(t.Context(), config, quiet()); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "rpc-addr") {
		t.Errorf("Listen(%s) = %v, %v; want that rpc-addr is in use", config.RPCAddr, server, err)
	}
}

// TestLimitsReachTheService: a configured limit is the one that holds.
func TestLimitsReachTheService(t *testing.T) {
	redis := miniredis.RunT(t)
	config := good()
	config.RedisURL, config.MaxTextBytes, config.DefaultLimit, config.MaxChatMessages = "redis://"+redis.Addr(), 3, 1, 2
	server, err := Listen(t.Context(), config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	run(t, server)
	client := connect(t, server)
	if _, err := client.Send(t.Context(), aMessage); chat.CodeOf(err) != chat.InvalidArgument || !strings.Contains(err.Error(), "the limit is 3") {
		t.Errorf("Send(5 bytes) = %v, want that the limit is 3", err)
	}
	for i := range 3 {
		if _, err := client.Send(t.Context(), chat.Message{Chat: "room", Text: fmt.Sprint(i), Sender: "alice", ID: fmt.Sprint(i)}); err != nil {
			t.Fatalf("Send() = %v", err)
		}
	}
	page, err := client.Pull(t.Context(), chat.PullRequest{Chat: "room"})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Text != "1" || !page.HasMore {
		t.Errorf("Pull() = %+v, %v; want one message, the oldest of the two that are kept", page, err)
	}
	if again, err := client.Send(t.Context(), chat.Message{Chat: "room", Text: "2", Sender: "alice", ID: "2"}); err != nil || !again.Duplicate {
		t.Errorf("Send(again) = %+v, %v; want a duplicate", again, err)
	}
}

// impatience is longer than a stop that waits for no call.
const impatience = 300 * time.Millisecond

// TestStopFinishesTheCallUnderWay: it has its answer after the stop began, and no other connection is accepted.
func TestStopFinishesTheCallUnderWay(t *testing.T) {
	service := &holding{entered: make(chan struct{}), release: make(chan struct{})}
	store := &closer{}
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: service}, Live: chattest.Silent{}}, store, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	client := connect(t, server)
	type result struct {
		receipt chat.Receipt
		err     error
	}
	answered := make(chan result, 1)
	go func() {
		receipt, err := client.Send(context.WithoutCancel(ctx), aMessage)
		answered <- result{receipt, err}
	}()
	<-service.entered
	stop()
	untilRefused(t, server.Addr())
	select {
	case err := <-ended:
		t.Fatalf("Run() = %v with a call under way", err)
	case got := <-answered:
		t.Fatalf("Send() = %+v before the service answered", got)
	case <-time.After(impatience):
	}
	if store.closed.Load() != 0 {
		t.Errorf("the store is closed with a call under way")
	}
	close(service.release)
	if got := <-answered; got.err != nil || got.receipt.SendTime != 7 {
		t.Errorf("Send() = %+v, want the answer of the service", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if got := store.closed.Load(); got != 1 {
		t.Errorf("the store was closed %d times, want once", got)
	}
}

func TestRunWithAContextThatHasEnded(t *testing.T) {
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: chattest.Silent{}}, &closer{}, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := server.Run(ctx); err != nil {
		t.Errorf("Run(ended) = %v, want nil", err)
	}
}

func TestCloseOfAServerThatDidNotRun(t *testing.T) {
	broken := errors.New("the store does not close")
	for name, want := range map[string]error{"well": nil, "broken": broken} {
		t.Run(name, func(t *testing.T) {
			store := &closer{err: want}
			server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: chattest.Silent{}}, store, "127.0.0.1:0", quiet())
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Close(); !errors.Is(err, want) {
				t.Errorf("Close() = %v, want %v", err, want)
			}
			if store.closed.Load() != 1 {
				t.Errorf("the store was closed %d times, want once", store.closed.Load())
			}
			if conn, err := net.Dial("tcp", server.Addr().String()); err == nil {
				_ = conn.Close()
				t.Errorf("somebody listens on %s after Close", server.Addr())
			}
		})
	}
}

// holding is a chat.Service whose Send waits to be released.
type holding struct{ entered, release chan struct{} }

func (h *holding) Send(context.Context, chat.Message) (chat.Receipt, error) {
	close(h.entered)
	<-h.release
	return chat.Receipt{SendTime: 7}, nil
}

func (*holding) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	return chat.Page{NextCursor: r.Cursor}, nil
}

func (*holding) Ready(context.Context) error { return nil }

// closer counts how often it is closed.
type closer struct {
	closed atomic.Int32
	err    error
}

func (c *closer) Close() error {
	c.closed.Add(1)
	return c.err
}

// run runs a server until the test ends, and waits for its clean stop.
func run(t *testing.T, server *Server) {
	t.Helper()
	chattest.Run(t, server)
}

func connect(t *testing.T, server *Server) *rpcclient.Client {
	t.Helper()
	client, err := rpcclient.New(rpcclient.Config{RPCServers: []string{server.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// untilRefused returns once connections to addr are refused.
func untilRefused(t *testing.T, addr net.Addr) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		conn, err := net.Dial("tcp", addr.String())
		if err != nil {
			return
		}
		_ = conn.Close()
		if time.Now().After(end) {
			t.Fatalf("%s still accepts connections", addr)
		}
	}
}
