// Package projections tests that no failure loses an event of a projection or turns the events of a chat around.
// Workers, servers, Redis, a receiver and a broker are killed in turn under load; the received events are compared with
// the logs.
package projections

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// TestFaults: every acknowledged message reaches each receiver in its chat's order, repeats have the same id, and words are
// counted exactly once, whatever is killed.
func TestFaults(t *testing.T) {
	redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	rpc := programtest.StartServers(t, redis.URL(), "WEBHOOK_ALLOW_PRIVATE=127.0.0.0/8")
	servers := programtest.Addresses(rpc)
	gateway := programtest.StartGateways(t, servers)[0]
	kafka := startBroker(t)
	settings := []string{"KAFKA_BROKERS=" + kafka.addr, "KAFKA_TOPIC=" + topic}
	workers := []*programtest.Process{programtest.StartWorker(t, servers, settings...), programtest.StartWorker(t, servers, settings...)}
	kafka.read()
	c, err := client.New("http://"+gateway.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, bursts := newReceiver(t), newReceiver(t)
	for r, gathers := range map[*receiver]bool{plain: false, bursts: true} {
		if _, err := c.CreateWebhook(t.Context(), client.NewWebhook{URL: r.URL, Bursts: gathers}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.PutWord(t.Context(), client.Word{Word: "message"}); err != nil {
		t.Fatal(err)
	}
	load := startLoad(t, c)
	const redisFault = 2
	var failed func()
	faults := []func(){
		workers[0].Kill, func() { rpc[0].Kill() }, redis.Kill, func() { plain.away.Store(true) }, workers[1].Stop, kafka.goAway, func() { failed = kafka.fail() },
	}
	mends := []func(){
		workers[0].Restart, func() { rpc[0].Restart() }, redis.Restart, func() { plain.away.Store(false) }, workers[1].Continue, kafka.comeBack, func() { failed() },
	}
	for range longtest.Pick(1, 4) {
		for i, fault := range faults {
			load.until(t, 40)
			fault()
			if i != redisFault { // without Redis no message is acknowledged
				load.until(t, 10)
			}
			mends[i]()
		}
	}
	load.until(t, 40)
	logs := load.end(t)
	total := 0
	for _, texts := range logs {
		total += len(texts)
	}
	await(t, "all events come", func() bool { return plain.got() >= total && bursts.got() >= total && kafka.got() >= total })
	await(t, "all words are counted", func() bool { return counted(t, c) >= total })
	plain.judge(t, "plain", logs)
	bursts.judge(t, "bursts", logs)
	kafka.judge(t, "kafka", logs)
	if n := counted(t, c); n != total {
		t.Errorf("the word is counted %d times in %d messages", n, total)
	}
}

func counted(t *testing.T, c *client.Client) int {
	t.Helper()
	words, err := c.Words(t.Context(), client.WordsQuery{})
	if err != nil || len(words) != 1 {
		return 0
	}
	return int(words[0].Count)
}

// load sends messages to some rooms, one writer for each.
type load struct {
	client *client.Client
	stop   context.CancelFunc
	ended  sync.WaitGroup
	sent   atomic.Int64
	rooms  map[string]bool
}

func startLoad(t *testing.T, c *client.Client) *load {
	ctx, stop := context.WithCancel(t.Context())
	l := &load{client: c, stop: stop, rooms: map[string]bool{}}
	for i := range 8 {
		room := fmt.Sprint("room", i)
		l.rooms[room] = true
		l.ended.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond)
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-pace.C:
				}
				// The client repeats it with the same id until it is acknowledged.
				if _, err := c.Send(ctx, client.Message{Chat: room, Sender: "ann", Text: fmt.Sprint("message ", n)}); err == nil {
					l.sent.Add(1)
				}
			}
		})
	}
	return l
}

// until waits until so many more messages were acknowledged.
func (l *load) until(t *testing.T, more int64) {
	t.Helper()
	target := l.sent.Load() + more
	await(t, fmt.Sprintf("%d more messages are acknowledged", more), func() bool { return l.sent.Load() >= target })
}

// end stops the writers and returns all logs.
func (l *load) end(t *testing.T) map[string][]string {
	t.Helper()
	l.stop()
	l.ended.Wait()
	logs := map[string][]string{}
	for _, room := range slices.Sorted(maps.Keys(l.rooms)) {
		for cursor, more := int64(0), true; more; {
			page, err := l.client.Pull(t.Context(), client.PullRequest{Chat: room, Cursor: cursor, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Messages {
				logs[room] = append(logs[room], m.Text)
			}
			cursor, more = page.NextCursor, page.HasMore
		}
	}
	return logs
}

// await waits for something that takes far less than its limit.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(2 * time.Minute); !holds(); {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}
