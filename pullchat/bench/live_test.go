package bench

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// TestMain silences the frameworks, whose loggers are process-wide.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

// stack is an http-server over an rpc-server over Redis. The http-server's pulls pass through a change.
type stack struct {
	url  string
	stop func() // stops it before the test ends
}

func startStack(t *testing.T, change func(chat.Service) chat.Service) stack {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	config := service.Config{
		RPCAddr: "127.0.0.1:0", RedisURL: redistest.Start(t).URL(), DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096,
		IdempotencyWindow: time.Hour, MaxRoomMembers: 10, RefreshTokenTTL: time.Hour, HintSweep: 10 * time.Second,
	}
	rpc, err := service.Listen(t.Context(), config, log)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{rpc.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	var asked chat.Service = calls
	if change != nil {
		asked = change(calls)
	}
	server, err := gateway.Listen(gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 1 << 16}, chat.Services{Messages: asked, Live: calls}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- program.Run(ctx, rpc, server) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		calls.Close()
	})
	t.Cleanup(stop)
	return stack{"http://" + server.Addr().String(), stop}
}

var transports = []Transport{SSE, WebSocket, LongPoll}

func watched(url string, over Transport) Options {
	o := short(url, Live)
	o.Transport, o.Watchers, o.Chats, o.Rate = over, 12, 4, 300
	o.settle, o.deliverWithin = 10*time.Millisecond, 10*time.Second
	return o
}

// TestLive: over every transport all acknowledged messages are delivered, once and in order.
func TestLive(t *testing.T) {
	s := startStack(t, nil)
	for _, over := range transports {
		report, err := Run(t.Context(), watched(s.url, over), io.Discard)
		if err != nil {
			t.Fatalf("Run(%s) = %v", over, err)
		}
		l := report.Live
		if l.Faults() > 0 || l.Delivered == 0 || l.Delivered != l.Expected || l.Expected != 3*report.ReadBack.Acknowledged || report.ReadBack.Faults() > 0 {
			t.Errorf("Run(%s) = %+v, read back %+v; want each of what was acknowledged at three watchers", over, l, report.ReadBack)
		}
		if l.Transport != over || l.Watchers != 12 || l.Pages == 0 || l.Pages > l.Delivered || l.Latency.P50 <= 0 || l.Latency.P50 > l.Latency.Max {
			t.Errorf("Run(%s) = %+v, want pages and times", over, l)
		}
		if len(l.Memory) != 1 || l.Memory[0].Process != "self" || l.Memory[0].Before <= 0 || l.Memory[0].After <= 0 {
			t.Errorf("Run(%s) measures memory %+v, want this process", over, l.Memory)
		}
		if text := report.String(); !strings.Contains(text, "0 missing, 0 doubled, 0 out of order") || !strings.Contains(text, "from the sender's answer") {
			t.Errorf("the report says %q", text)
		}
	}
	s.stop()
}

// wrong changes every page of at least this many messages that a gateway pulls.
type wrong struct {
	chat.Service
	least  int
	change func([]chat.Message) []chat.Message
}

func (w wrong) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	page, err := w.Service.Pull(ctx, r)
	if len(page.Messages) >= w.least {
		page.Messages = w.change(slices.Clone(page.Messages))
	}
	return page, err
}

// TestLiveFindsFaults: a wrong delivery is counted under the right name, over every transport.
func TestLiveFindsFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		wrong  wrong
		is     func(*LiveReport) int
		others func(*LiveReport) int
	}{
		{
			"missing",
			wrong{least: 1, change: func(page []chat.Message) []chat.Message { return page[:len(page)-1] }},
			func(l *LiveReport) int { return l.Missing }, func(l *LiveReport) int { return l.Doubled + l.OutOfOrder },
		},
		{
			"doubled",
			wrong{least: 1, change: func(page []chat.Message) []chat.Message { return append(page, page[0]) }},
			func(l *LiveReport) int { return l.Doubled }, func(l *LiveReport) int { return l.Missing + l.OutOfOrder },
		},
		{
			"out of order",
			wrong{least: 2, change: func(page []chat.Message) []chat.Message {
				slices.Reverse(page)
				return page
			}},
			func(l *LiveReport) int { return l.OutOfOrder }, func(l *LiveReport) int { return l.Missing + l.Doubled },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startStack(t, func(below chat.Service) chat.Service {
				c.wrong.Service = below
				return c.wrong
			})
			for _, over := range transports {
				o := watched(s.url, over)
				o.NoReadBack = true
				switch c.name { // a run waits for all that comes in order
				case "missing":
					o.deliverWithin = 300 * time.Millisecond
				case "out of order":
					o.deliverWithin = 2 * time.Second // in which the rest arrives
				}
				o.Chats, o.Rate, o.Connections, o.Duration = 1, 0, 16, 800*time.Millisecond // pages of several messages
				report, err := Run(t.Context(), o, io.Discard)
				if err != nil {
					t.Fatalf("Run(%s) = %v", over, err)
				}
				if l := report.Live; c.is(l) == 0 || c.others(l) > 0 || l.Faults() != c.is(l) || l.Delivered+l.Missing != l.Expected {
					t.Errorf("Run(%s) = %+v, want what is %s counted, and nothing else", over, l, c.name)
				}
			}
		})
	}
}

// written is called for every write.
type written func()

func (w written) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

// TestLiveCountsWatchers: the report counts watchers that lose their connections. A run fails where watchers cannot
// connect.
func TestLiveCountsWatchers(t *testing.T) {
	for _, over := range transports {
		s := startStack(t, nil)
		o := watched(s.url, over)
		o.Connections, o.Duration, o.NoReadBack = 0, 3*time.Second, true
		o.Processes = nil
		report, err := Run(t.Context(), o, written(s.stop)) // all watch when there is progress
		if err != nil || report.Live.Failed != o.Watchers || report.Live.Faults() != o.Watchers {
			t.Errorf("Run(%s) of a server that stops = %+v, %v; want %d lost", over, report, err, o.Watchers)
		}
		if over == LongPoll {
			continue // which connects later
		}
		if report, err := Run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "connect a watcher") {
			t.Errorf("Run(%s) of no server = %+v, %v; want an error", over, report, err)
		}
	}
	o := watched("http://127.0.0.1:1", LongPoll)
	o.Processes = []Process{{Name: "missing", PID: -1}}
	if _, err := Run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "memory of missing") {
		t.Errorf("Run() with a process that is not there = %v, want an error", err)
	}
}
