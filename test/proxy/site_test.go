// Package proxy runs real programs behind nginx, with the configuration that is in deploy/nginx.
package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// site is two http-servers behind nginx, over one rpc-server.
type site struct {
	gateways []*programtest.Process
	base     string
}

func startSite(t *testing.T, settings ...string) *site {
	t.Helper()
	redis := redistest.Start(t)
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL())
	settings = append(settings, "RPC_SERVERS="+rpc.Addr(), "TRUSTED_PROXIES=127.0.0.1/32")
	s := &site{}
	var addrs []string
	for range 2 {
		gateway := programtest.Start(t, "http-server", settings...)
		s.gateways = append(s.gateways, gateway)
		addrs = append(addrs, gateway.Addr())
	}
	s.base = programtest.StartNginx(t, addrs).URL()
	return s
}

// client returns a client whose connections end with the test.
func (s *site) client(t *testing.T, options ...client.Option) *client.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(s.base, &http.Client{Transport: transport}, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// load sends and follows over all transports until it is stopped.
type load struct {
	t         *testing.T
	sent      atomic.Int64
	writers   sync.WaitGroup
	followers sync.WaitGroup
	cancel    context.CancelFunc
	ending    chan struct{}
	heard     [len(transports)]heard
}

// heard is one follower's positions, in the order of arrival.
type heard struct {
	mutex     sync.Mutex
	positions []int64
	begun     int // connections
}

var transports = [...]client.Transport{client.ServerSentEvents, client.WebSocket, client.LongPoll}

const room = "room"

func startLoad(t *testing.T, c *client.Client) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: t, cancel: cancel, ending: make(chan struct{})}
	t.Cleanup(func() {
		cancel()
		l.followers.Wait()
	})
	for i, over := range transports {
		l.followers.Go(func() { l.heard[i].follow(ctx, t, c, over) })
	}
	for range 4 {
		l.writers.Go(func() { l.write(ctx, c) })
	}
	return l
}

func (l *load) write(ctx context.Context, c *client.Client) {
	for {
		select {
		case <-l.ending:
			return
		default:
		}
		if _, err := c.Send(ctx, client.Message{Chat: room, Sender: "alice", Text: "hello"}); err != nil {
			l.t.Errorf("Send() = %v", err)
			return
		}
		l.sent.Add(1)
	}
}

func (h *heard) follow(ctx context.Context, t *testing.T, c *client.Client, over client.Transport) {
	request := client.FollowRequest{Chats: map[string]int64{room: 0}, Over: over, Connected: func(string) {
		h.mutex.Lock()
		h.begun++
		h.mutex.Unlock()
	}}
	for m, err := range c.Follow(ctx, request) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Follow over transport %d = %v", over, err)
			}
			return
		}
		h.mutex.Lock()
		h.positions = append(h.positions, m.SendTime)
		h.mutex.Unlock()
	}
}

func (h *heard) all() (positions []int64, begun int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.Clone(h.positions), h.begun
}

// more waits until further messages were sent and all followers have received as many.
func (l *load) more(n int64) {
	l.t.Helper()
	target := l.sent.Load() + n
	await(l.t, "further sends", func() bool { return l.sent.Load() >= target })
	for i, over := range transports {
		was, _ := l.heard[i].all()
		await(l.t, "further messages over transport "+names[over], func() bool {
			positions, _ := l.heard[i].all()
			return len(positions) >= len(was)+int(n) || int64(len(positions)) >= target
		})
	}
}

var names = map[client.Transport]string{client.ServerSentEvents: "SSE", client.WebSocket: "WebSocket", client.LongPoll: "long-poll"}

// end stops the load. Every follower must have the stored messages, each once and in order, and the number stored must
// equal the number sent.
func (l *load) end(c *client.Client) {
	l.t.Helper()
	close(l.ending)
	l.writers.Wait()
	var stored []int64
	for m, err := range c.All(context.Background(), client.PullRequest{Chat: room, Limit: 100}) {
		if err != nil {
			l.t.Fatal(err)
		}
		stored = append(stored, m.SendTime)
	}
	if len(stored) != int(l.sent.Load()) {
		l.t.Errorf("%d messages are stored, want the %d that were sent", len(stored), l.sent.Load())
	}
	for i, over := range transports {
		await(l.t, "the last message over "+names[over], func() bool {
			positions, _ := l.heard[i].all()
			return len(positions) >= len(stored)
		})
		positions, begun := l.heard[i].all()
		l.t.Logf("%s: %d messages over %d connections", names[over], len(positions), begun)
		if !slices.Equal(positions, stored) {
			l.t.Errorf("%s brought %d messages, want exactly the %d stored ones in order", names[over], len(positions), len(stored))
		}
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// refusal is the error's JSON form.
type refusal struct{ Code, Message string }

func readRefusal(t *testing.T, response *http.Response) (r refusal) {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil || r.Code == "" {
		t.Errorf("%s is not in the one error shape: %v", response.Status, err)
	}
	return r
}
