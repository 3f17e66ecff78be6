package rpcclient

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudwego/kitex/pkg/kerrors"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// counting answers every Send and counts them.
type counting struct{ sends atomic.Int64 }

func (c *counting) Send(context.Context, chat.Message) (chat.Receipt, error) {
	c.sends.Add(1)
	return chat.Receipt{SendTime: 7}, nil
}

func (*counting) Pull(context.Context, chat.PullRequest) (chat.Page, error) { return chat.Page{}, nil }

func (*counting) Ready(context.Context) error { return nil }

func connectAll(t *testing.T, addrs ...string) *Client {
	t.Helper()
	client, err := New(Config{RPCServers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestOneOfTwoIsAway: its port is closed, it never answers, or it closes after reading. A call that never arrived goes
// to the other server, and so does one that may have arrived, if it may be repeated.
func TestOneOfTwoIsAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		addr  func(*testing.T) string
		fails bool // a Send without an id that met it
	}{
		{"nobody listens", refusing, false},
		{"it never answers", silent, true},
		{"it closes after reading", closing, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			good := &counting{}
			addr := c.addr(t)
			client := connectAll(t, addr, serve(t, good, slog.New(slog.DiscardHandler)))
			all := *client.servers.current.Load()
			bad := all[slices.IndexFunc(all, func(s *server) bool { return s.addr == addr })]
			for name, call := range map[string]func() error{
				"Pull": func() error { _, err := client.Pull(t.Context(), chat.PullRequest{Chat: "room"}); return err },
				"Send with an id": func() error {
					m := aMessage
					m.ID = "1"
					_, err := client.Send(t.Context(), m)
					return err
				},
				"Ready": func() error { return client.Ready(t.Context()) },
			} {
				for range 4 { // whichever server is asked first
					start := time.Now()
					if err := call(); err != nil {
						t.Errorf("%s = %v with one server of two, want nil", name, err)
					}
					if took := time.Since(start); took >= patienceOfClients {
						t.Errorf("%s took %v, want less than %v", name, took, patienceOfClients)
					}
				}
			}
			bad.away.Store(false) // it is to be met once more
			before, failed := good.sends.Load(), 0
			for range 2 {
				if _, err := client.Send(t.Context(), aMessage); err != nil {
					failed++
				}
			}
			if failed > 0 && !c.fails {
				t.Errorf("%d of 2 sends without an id failed, want none: nothing had arrived", failed)
			}
			if got := int(good.sends.Load() - before); got != 2-failed {
				t.Errorf("the good server has seen %d sends without an id, want the %d that worked", got, 2-failed)
			}
		})
	}
}

// TestWhatIsRepeated: a call that failed on the first server is made on the second where it never arrived, or where
// repeating it changes nothing.
func TestWhatIsRepeated(t *testing.T) {
	for _, c := range []struct {
		name       string
		repeatable bool
		err        error
		want       int // servers that were asked
	}{
		{"it has arrived", false, kerrors.ErrRPCTimeout, 1},
		{"it has arrived and may again", true, kerrors.ErrRPCTimeout, 2},
		{"no connection", false, kerrors.ErrGetConnection, 2},
		{"queued", false, batch.ErrNotStarted, 2},
		{"abandoned", false, batch.ErrAbandoned, 1},
		{"the queue is full", true, batch.ErrFull, 1},
		{"a panic", true, batch.ErrPanic, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			servers := resolving(t, []string{"127.0.0.1:1", "127.0.0.1:2"}, nil)
			var asked []*server
			_, _, err := try(t.Context(), servers, c.repeatable, func(_ context.Context, s *server) (int, error) {
				asked = append(asked, s)
				return 0, c.err
			})
			if !errors.Is(err, c.err) || len(asked) != c.want {
				t.Errorf("try() = %v after %d servers, want %v after %d", err, len(asked), c.err, c.want)
			}
			if len(asked) == 2 && asked[0] == asked[1] {
				t.Errorf("try() asked the same server twice")
			}
		})
	}
}

// TestAnOutcomeStaysUnknown: an outcome that one server has lost stays unknown, unless another server knows the
// message.
func TestAnOutcomeStaysUnknown(t *testing.T) {
	t.Parallel()
	withID := aMessage
	withID.ID = "1"
	for _, c := range []struct {
		name   string
		second func(*testing.T) string
		code   chat.Code
		says   string
	}{
		{"nobody listens at the other", refusing, chat.Unavailable, "it is unknown"},
		{"the other has no redis", answers(chat.Errorf(chat.Unavailable, "nothing was stored")), chat.Unavailable, "it is unknown"},
		{"the other knows the id with another text", answers(chat.Errorf(chat.Conflict, "used before")), chat.Conflict, "used before"},
		{"the other has it", answers(nil), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			closes := closing(t)
			client := connectAll(t, closes, c.second(t))
			client.servers.stop() // no probe changes the order of the servers
			client.servers.running.Wait()
			for _, one := range *client.servers.current.Load() {
				one.away.Store(one.addr != closes)
			}
			_, err := client.Send(t.Context(), withID)
			if chat.CodeOf(err) != c.code || err != nil && !strings.Contains(chat.AsError(err).Message, c.says) {
				t.Errorf("Send() = %v, want %q: …%s…", err, c.code, c.says)
			}
		})
	}
}

// answers starts a server that answers every send with err.
func answers(err error) func(*testing.T) string {
	return func(t *testing.T) string {
		return serve(t, &recording{err: err, calls: make(chan any, 10)}, slog.New(slog.DiscardHandler))
	}
}

// TestAHungServerHoldsUpNoOtherChat: calls queued for it go to the other server as soon as a probe fails, and it gets
// no calls until it answers.
func TestAHungServerHoldsUpNoOtherChat(t *testing.T) {
	t.Parallel()
	good := &counting{}
	client := connectAll(t, silent(t), serve(t, good, slog.New(slog.DiscardHandler)))
	var calls sync.WaitGroup
	var failures atomic.Int64
	const n = 300
	for range n {
		calls.Go(func() {
			if _, err := client.Send(t.Context(), aMessage); err != nil {
				failures.Add(1)
			}
		})
	}
	calls.Wait()
	if got := failures.Load(); got > 2*int64(batching.MaxBatch) {
		t.Errorf("%d of %d sends failed, want those of two batches at most", got, n)
	}
	before := good.sends.Load()
	for range 100 {
		if _, err := client.Send(t.Context(), aMessage); err != nil { // as one that waits for the hung server would
			t.Errorf("Send() after the probe = %v, want nil", err)
		}
	}
	if passed := good.sends.Load() - before; passed != 100 {
		t.Errorf("%d of 100 sends went to the good server, want all", passed)
	}
}

// TestAServerThatLeaves answers its calls, and gets no new calls once it was probed.
func TestAServerThatLeaves(t *testing.T) {
	t.Parallel()
	leaving, staying := &counting{}, &counting{}
	server, err := service.ListenOver(handler.Services{Messages: chattest.OneByOne{Service: leaving}, Live: chattest.Silent{}}, io.NopCloser(nil), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server.DrainDelay = time.Second
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	client := connectAll(t, server.Addr().String(), serve(t, staying, slog.New(slog.DiscardHandler)))
	send := func() {
		if _, err := client.Send(t.Context(), aMessage); err != nil {
			t.Errorf("Send() = %v during a rolling restart, want nil", err)
		}
	}
	for range 10 {
		send()
	}
	if leaving.sends.Load() == 0 || staying.sends.Load() == 0 {
		t.Errorf("the servers have seen %d and %d of 10 sends, want both some", leaving.sends.Load(), staying.sends.Load())
	}
	stop()
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run() = %v", err)
			}
			running = false
		default:
			send()
		}
	}
	before := staying.sends.Load()
	for range 10 {
		send()
	}
	if got := staying.sends.Load() - before; got != 10 {
		t.Errorf("the server that stays has seen %d of 10 sends, want all", got)
	}
}

// TestAServerComesBack at its old address, and is found by a probe.
func TestAServerComesBack(t *testing.T) {
	t.Parallel()
	first, err := service.ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &counting{}}, Live: chattest.Silent{}}, io.NopCloser(nil), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	addr := first.Addr().String()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	client := connectAll(t, addr)
	if _, err := client.Send(t.Context(), aMessage); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Send() with nobody there = %v, want unavailable", err)
	}
	again, err := service.ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &counting{}}, Live: chattest.Silent{}}, io.NopCloser(nil), addr, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, again)
	eventually(t, "a probe finds the server", func() bool { return !(*client.servers.current.Load())[0].away.Load() })
	if _, err := client.Send(t.Context(), aMessage); err != nil {
		t.Errorf("Send() with the server back = %v, want nil", err)
	}
}

func run(t *testing.T, server *service.Server) {
	t.Helper()
	chattest.Run(t, server)
}
