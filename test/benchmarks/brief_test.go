package benchmarks

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
)

// TestAccountsOfTheReport runs the measurements of identities and inboxes and writes their report, too briefly for
// meaningful figures. It keeps make bench working between its runs.
func TestAccountsOfTheReport(t *testing.T) {
	programs := build(t)
	redis := redistest.Start(t, "--appendonly", "no")
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+redis.URL())
	gateway := start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr)
	r := newResults(1)
	r.brief = true
	off := newStack(gateway, rpc, server{name: "redis", pid: redis.PID()})
	r.identity(t, programs, off, startIdentified(t, programs, redis))
	r.inboxes(t, programs, off)
	r.trips(t, programs, redis)
	r.lone(t, off, off)
	for _, a := range audiences {
		for _, each := range transports[:2] { // Pullchat's
			r.deliver(t, each, a, off, fmt.Sprint("live.", a.name[:3], each.name))
			if name := a.name + " " + each.name; r.micros[name+" p50"].median() == 0 {
				t.Errorf("%s was not measured", name)
			}
		}
	}
	var text bytes.Buffer
	r.writeIdentity(&text)
	r.writeInboxes(&text)
	r.writeFollow(&text)
	t.Log(text.String())
	if strings.Contains(text.String(), "| 0 |") || strings.Contains(text.String(), "NaN") {
		t.Errorf("something was not measured:\n%s", &text)
	}
	for _, form := range forms {
		if off, on := r.rate["send "+form.form+" off"], r.rate["send "+form.form+" on"]; len(off) != 2 || len(on) != 2 {
			t.Errorf("sends to %s were measured %d times with AUTH off and %d times with it on, want twice", form.what, len(off), len(on))
		}
	}
	// A distant Redis is waited for three times. A busy machine adds to that, and the near one may have been slow.
	if trips := r.micros["inbox trips"].median(); trips < 2 {
		t.Errorf("an inbox waits for Redis %.1f times; the delay is not there", trips)
	}
}

// TestRatiosAreOfNeighbours: each run with AUTH on is compared with the neighbouring run without.
func TestRatiosAreOfNeighbours(t *testing.T) {
	r := newResults(1)
	r.rate["send pairs off"], r.rate["send pairs on"] = series{100, 1000, 10}, series{90, 900, 9}
	r.rate["send private off"], r.rate["send private on"] = series{2000}, series{1500}
	r.micros["send pairs on p99"] = series{7000, 8000, 9000}
	r.rate["login"], r.micros["login p50"] = series{41}, series{97_000}
	var text bytes.Buffer
	r.writeIdentity(&text)
	for _, want := range []string{
		"| two-person chats | off | 100 | 0.00 | 0.00 |  |  |  | |", "| two-person chats | on | 90 | 0.00 | 8.00 |  |  |  | 0.90 |",
		"| on | 1,500 |", "| 0.75 |", "41 logins a second (argon2id), p50 97 ms",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &text)
		}
	}
}

// TestRatiosOfPeers: a ratio compares figures of one round at the same number of connections, and stands beside its
// goal.
func TestRatiosOfPeers(t *testing.T) {
	r := newResults(3)
	for name, rates := range map[string]series{
		"send 64": {1000, 100, 10}, "publish 64": {500, 50, 10}, "send 256": {30}, "publish 256": {20}, "send id 64": {900, 90, 9},
	} {
		r.rate["wrk "+name] = rates
	}
	r.micros["wrk send 64 cpu redis"], r.micros["plain zadd cpu redis"] = series{20, 24}, series{10, 10}
	r.micros["wrk send 64 cpu http-server"], r.micros["wrk send 64 cpu wrk"] = series{31}, series{12}
	var text bytes.Buffer
	r.writePeers(&text)
	for _, want := range []string{
		"| send / Centrifugo publish with history | 2.00 | 1.50 | ≥ 1.6, ≥ 1.8 |",
		"| send with an id / plain send | 0.90 |  | ≥ 0.85 |",
		"| Redis CPU of a send / of a plain pipelined ZADD | 2.20 |  | ≤ 2.5 |",
		"| Pullchat: send | 64 | 100 | 31.0 |  | 22.0 | 12.0 |",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the comparison lacks %q:\n%s", want, &text)
		}
	}
	if strings.Contains(text.String(), "cluster of three masters / ") {
		t.Errorf("the comparison has a ratio of what was not measured:\n%s", &text)
	}
}
