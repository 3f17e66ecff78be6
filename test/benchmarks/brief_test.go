package benchmarks

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
)

// TestPeopleOfTheReport measures what identities and inboxes cost, so briefly that the figures mean nothing, and writes
// it: what make bench does must not break between its runs.
func TestPeopleOfTheReport(t *testing.T) {
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
	var text bytes.Buffer
	r.writeIdentity(&text)
	r.writeInboxes(&text)
	t.Log(text.String())
	if strings.Contains(text.String(), "| 0 |") || strings.Contains(text.String(), "NaN") {
		t.Errorf("something was not measured:\n%s", &text)
	}
	for _, form := range forms {
		if off, on := r.rate["send "+form.form+" off"], r.rate["send "+form.form+" on"]; len(off) != 2 || len(on) != 2 {
			t.Errorf("sends to %s were measured %d times with AUTH off and %d times with it on, want twice", form.what, len(off), len(on))
		}
	}
	// What is far away is waited for three times; a machine that is busy adds to it, and the near one may have been slow.
	if trips := r.micros["inbox trips"].median(); trips < 2 {
		t.Errorf("an inbox waits for Redis %.1f times; the delay is not there", trips)
	}
}

// TestRatiosAreOfNeighbours: each run with AUTH on is compared with the one without that was next to it.
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
