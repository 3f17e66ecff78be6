package benchmarks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/pullchat/bench"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// The parameters of the measurements.
var (
	connectionCounts = []int{1, 4, 16, 64, 256}
	loadFractions    = []float64{0.1, 0.25, 0.5, 0.75, 0.9, 1.0}
	chatLengths      = []int{100, 10_000, 1_000_000}
	textSizes        = []int{10, 40, 200, 1000, 4000}
	wrkConnections   = []int{64, 256}
	saturating       = 256 // connections: more do not raise the rate of sends
)

// results are the figures of all rounds.
type results struct {
	rounds int
	brief  bool
	// By name, per second: "send 64", "pull 64", "floor send", "hertz send", "redis append", "webdis zadd 64", …
	rate map[string]series
	// By name: latencies in microseconds, CPU microseconds per request.
	micros map[string]series
	bytes  map[int]float64 // Redis bytes per message by text size
	failed map[string]int  // rejected requests by status, of the overload
}

// TestReport makes all measurements BENCHMARK_ROUNDS times, and writes the report to BENCHMARK_REPORT.
func TestReport(t *testing.T) {
	folder := os.Getenv("BENCHMARK_REPORT")
	if folder == "" {
		t.Skip("BENCHMARK_REPORT is not set; make bench sets it")
	}
	rounds := roundsAsked()
	programs := build(t)
	redis := redistest.Start(t, "--appendonly", "no")
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+redis.URL())
	gateway := start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr)
	real := newStack(gateway, rpc, server{name: "redis", pid: redis.PID()})

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	nullRPC := start(t, "rpc-server", self, roleVariable+"=rpc")
	twoHops := newStack(start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+nullRPC.addr), nullRPC)
	// Once more with an append-only file, as in docker-compose.yml.
	logged := redistest.Start(t)
	loggedRPC := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+logged.URL())
	durable := newStack(start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+loggedRPC.addr), loggedRPC, server{name: "redis", pid: logged.PID()})

	identified := startIdentified(t, programs, redis)
	p := startPeers(t, redis, real, identified)
	p.startCluster(t, programs)

	r := newResults(rounds)
	prepare(t, redis.URL(), r)
	p.warm(t)
	for round := range rounds {
		t.Logf("round %d of %d", round+1, rounds)
		r.main(t, programs, real, twoHops, p.hertz)
		r.note("send durable", load(t, programs, durable, true, "send", 64, 0, 3*time.Second))
		r.peers(t, p, round)
		r.halfLoad(t, p)
		r.lone(t, twoHops, real)
		r.follow(t, p)
		r.curves(t, programs, real)
		r.pages(t, real.url)
		r.live(t, programs, real, redis)
		r.identity(t, programs, real, identified)
		r.inboxes(t, programs, real)
	}
	r.trips(t, programs, redis)
	r.idle(t, programs, rpc.addr)
	r.write(t, folder)
}

// roundsAsked is BENCHMARK_ROUNDS, or 5.
func roundsAsked() int {
	rounds, err := strconv.Atoi(os.Getenv("BENCHMARK_ROUNDS"))
	if err != nil {
		return 5
	}
	return rounds
}

func newResults(rounds int) *results {
	return &results{rounds: rounds, rate: map[string]series{}, micros: map[string]series{}, bytes: map[int]float64{}, failed: map[string]int{}}
}

// note records one run of pullchat bench.
func (r *results) note(name string, report bench.Report) {
	r.rate[name] = append(r.rate[name], report.PerSecond)
	r.micros[name+" p50"] = append(r.micros[name+" p50"], float64(report.Latency.P50))
	r.micros[name+" p99"] = append(r.micros[name+" p99"], float64(report.Latency.P99))
	for _, cpu := range report.CPU {
		key := name + " cpu " + cpu.Process
		r.micros[key] = append(r.micros[key], cpu.PerRequest)
	}
}

// main measures the three kinds of load at 64 connections, and the minima of send and pull.
func (r *results) main(t *testing.T, programs string, real, twoHops, oneHop stack) {
	const seconds = 3 * time.Second
	r.note("send", load(t, programs, real, true, "send", 64, 0, seconds))
	r.note("send floor", load(t, programs, twoHops, false, "send", 64, 0, seconds))
	r.note("send hertz", load(t, programs, oneHop, false, "send", 64, 0, seconds))
	r.note("pull", load(t, programs, real, true, "pull", 64, 0, seconds))
	r.note("mixed", load(t, programs, real, true, "mixed", 64, 0, seconds))
	half := r.rate["send"][len(r.rate["send"])-1] / 2
	r.note("send half", load(t, programs, real, true, "send", 64, half, seconds))
	r.note("send saturated", load(t, programs, real, true, "send", saturating, 0, seconds))
	overload := load(t, programs, real, true, "send", 10*saturating, 0, seconds)
	r.note("send overload", overload)
	for status, n := range overload.Failed {
		r.failed[status] += n
	}
}

// curves measures throughput by connections, and latency by offered load.
func (r *results) curves(t *testing.T, programs string, real stack) {
	const seconds = 1500 * time.Millisecond
	for _, c := range connectionCounts {
		for _, kind := range []string{"send", "pull"} {
			r.note(fmt.Sprint(kind, " by ", c), load(t, programs, real, true, kind, c, 0, seconds))
		}
	}
	full := r.rate["send"][len(r.rate["send"])-1]
	for _, fraction := range loadFractions {
		r.note(fmt.Sprint("send at ", fraction), load(t, programs, real, true, "send", 64, full*fraction, seconds))
	}
}

// prepare fills the chats for the measurements by length and by text size.
func prepare(t *testing.T, redisURL string, r *results) {
	t.Helper()
	store, err := storage.Open(redisURL, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	for _, n := range chatLengths {
		fill(t, store, fmt.Sprint("length.", n), n, 40)
	}
	for _, size := range textSizes {
		name := fmt.Sprint("size.", size)
		fill(t, store, name, 10_000, size)
		key := keysLike(t, client, "im:*:log:"+name)[0]
		used, err := client.MemoryUsage(context.Background(), key, 0).Result()
		if err != nil {
			t.Fatal(err)
		}
		r.bytes[size] = float64(used) / 10_000
	}
}

func keysLike(t *testing.T, client *redis.Client, pattern string) []string {
	t.Helper()
	keys, err := client.Keys(context.Background(), pattern).Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("KEYS %s = %d keys, %v", pattern, len(keys), err)
	}
	return keys
}

func fill(t *testing.T, store *storage.Store, name string, n, size int) {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	appends := make([]chat.Append, 0, 200)
	for n > 0 {
		appends = appends[:0]
		for ; n > 0 && len(appends) < cap(appends); n-- {
			appends = append(appends, chat.Append{Chat: id, Message: chat.Message{Sender: "alice", Text: strings.Repeat("x", size)}})
		}
		for _, a := range store.Append(context.Background(), appends) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
	}
}

// pages measures the time of a page of 20 over one connection, from anywhere in chats of different lengths, in turn.
func (r *results) pages(t *testing.T, server string) {
	t.Helper()
	c, err := client.New(server, &http.Client{Transport: &http.Transport{}})
	if err != nil {
		t.Fatal(err)
	}
	times := map[int]series{}
	for range 500 {
		for _, n := range chatLengths {
			request := client.PullRequest{Chat: fmt.Sprint("length.", n), Limit: 20, Cursor: r.somewhere(t, c, n)}
			start := time.Now()
			page, err := c.Pull(context.Background(), request)
			if err != nil || len(page.Messages) != 20 {
				t.Fatalf("page of %d: %d messages, %v", n, len(page.Messages), err)
			}
			times[n] = append(times[n], float64(time.Since(start).Microseconds()))
		}
	}
	for n, each := range times {
		key := fmt.Sprint("page ", n)
		r.micros[key] = append(r.micros[key], each.median())
	}
}

// ends are the first and last positions of the chats of chatLengths.
var ends = map[int][2]int64{}

// somewhere returns a position with a page after it. Positions are about evenly spaced.
func (r *results) somewhere(t *testing.T, c *client.Client, n int) int64 {
	t.Helper()
	if _, known := ends[n]; !known {
		name := fmt.Sprint("length.", n)
		first, err := c.Pull(context.Background(), client.PullRequest{Chat: name, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		last, err := c.Pull(context.Background(), client.PullRequest{Chat: name, Limit: 50, Reverse: true})
		if err != nil {
			t.Fatal(err)
		}
		ends[n] = [2]int64{first.Messages[0].SendTime, last.Messages[len(last.Messages)-1].SendTime}
	}
	e := ends[n]
	return e[0] + rand.Int64N(e[1]-e[0]+1)
}
