package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/test/faults/checker"
	"github.com/pullchat/pullchat/test/faults/history"
)

// TestProcesses kills and stops every part of a stack in turn.
func TestProcesses(t *testing.T) {
	eachMode(t, "on", func(t *testing.T, auth *programtest.Auth) {
		redis := startSingle(t)
		s := startStack(t, auth, redis)
		newCampaign(t, s).endure(t, append(redis.Faults(), s.faults()...), duration(t, "FAULTS_DURATION", 45*time.Second))
	})
}

// TestNetwork hurts every connection within a stack in turn.
func TestNetwork(t *testing.T) {
	eachMode(t, "off", func(t *testing.T, auth *programtest.Auth) {
		s := startLinkedStack(t, auth, startSingle(t))
		c := newCampaign(t, s)
		one := c.random.IntN(2)
		links := append(slices.Clone(s.above[one:one+1]), s.below[one])
		if long() {
			links = append(slices.Clone(s.above), s.below...)
		}
		var faults []fault
		for _, l := range links {
			for _, f := range l.Faults() {
				f.left = s.services
				faults = append(faults, f)
			}
		}
		c.endure(t, faults, duration(t, "FAULTS_DURATION", 45*time.Second))
	})
}

// TestTwoFaults: one rpc-server may have stored messages without answering, while the other one is unreachable or
// rejects.
func TestTwoFaults(t *testing.T) {
	eachMode(t, "on", func(t *testing.T, auth *programtest.Auth) {
		s := startLinkedStack(t, auth, startSingle(t))
		c := newCampaign(t, s)
		var faults []fault
		for one := range 2 {
			for _, away := range []*link{s.above[1-one], s.below[1-one]} {
				faults = append(faults, both(s.above[one].cut(), away.down()), both(s.above[one].swallow(), away.down()))
			}
		}
		c.endure(t, faults, duration(t, "FAULTS_DURATION", 45*time.Second))
	})
}

// faults are those of the programs. Of two of a kind, the other one continues.
func (s *stack) faults() []fault {
	var faults []fault
	for i := range s.rpc {
		name := fmt.Sprint("rpc-server ", i+1)
		faults = append(faults, killing(name, s.rpc[i], s.services), stopping(name, s.rpc[i], s.services))
	}
	for i := range s.http {
		name := fmt.Sprint("http-server ", i+1)
		other := s.services[1-i : 2-i]
		faults = append(faults, killing(name, s.http[i], other), stopping(name, s.http[i], other))
	}
	return faults
}

// campaign is one stack that suffers fault after fault under load.
type campaign struct {
	stack      *stack
	load       load // common to all rounds
	seed       uint64
	random     *rand.Rand
	rounds     int
	recoveries recoveries
	counts     map[history.Outcome]int
	kinds      map[string]int // of acknowledged changes
	pulls      int
	intrusions int
}

func newCampaign(t *testing.T, s *stack) *campaign {
	chosen := seed(t)
	return &campaign{
		stack: s, load: load{
			services: s.services, writers: 3, followers: 2, lookers: 1, pace: 20 * time.Millisecond, strangers: s.auth.On(),
		},
		seed: chosen, random: rand.New(rand.NewPCG(chosen, 0)), recoveries: recoveries{}, counts: map[history.Outcome]int{},
		kinds: map[string]int{},
	}
}

// endure runs all faults, each time in another order: once in the short form, and until the time is up in the long one.
func (c *campaign) endure(t *testing.T, faults []fault, until time.Duration) {
	t.Helper()
	for end := time.Now().Add(until); c.rounds == 0 || long() && time.Now().Before(end) && !t.Failed(); {
		c.random.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		c.round(t, func(p *prober) {
			for n, f := range faults {
				c.recoveries.suffer(t, p, f, c.hold(n), c.stack.services)
				<-time.After(100 * time.Millisecond) // of work
			}
		})
	}
	c.report(t)
}

// round runs clients while during runs, and judges their history. Each round has its own chats, so that histories stay
// small enough to be judged. With AUTH=on they are closed.
func (c *campaign) round(t *testing.T, during func(*prober)) {
	t.Helper()
	c.rounds++
	name := func(chat string) string {
		return fmt.Sprintf("%s.%s.%d", strings.NewReplacer("/", ".", "=", ".").Replace(t.Name()), chat, c.rounds)
	}
	recorder := history.NewRecorder()
	p := &prober{recorder: recorder, chat: name("probe")}
	l := c.load
	l.chats, l.seed = []string{name("a"), name("b")}, c.seed+uint64(c.rounds)
	if c.stack.auth.On() {
		l.chats[1] = "one:" + l.chats[1]
		c.stack.closeRoom(t, recorder, l.chats[0], l.members())
		c.stack.closeRoom(t, recorder, p.chat, []string{probing})
	}
	h := l.run(t, recorder, func() {
		during(p)
		p.wait()
	})
	for outcome, n := range h.Counts() {
		c.counts[outcome] += n
	}
	for kind, n := range h.Kinds() {
		c.kinds[kind] += n
	}
	c.pulls, c.intrusions = c.pulls+len(h.Pulls), c.intrusions+len(h.Intrusions)
	judge(t, h)
	for _, process := range append(c.stack.rpc, c.stack.http...) {
		process.Alive()
	}
}

// judge fails the test for the first few faults of each kind.
func judge(t *testing.T, h history.History) {
	t.Helper()
	const shown = 5
	folder := filepath.Join(os.TempDir(), "pullchat-faults-"+strings.ReplaceAll(t.Name(), "/", "-"))
	found := make(map[checker.Kind]int)
	for _, f := range checker.Check(h, checker.Options{Timeout: 20 * time.Second, Folder: folder}) {
		if found[f.Kind]++; found[f.Kind] <= shown {
			t.Error(f)
		}
	}
	if len(found) > 0 {
		t.Errorf("faults in all: %v", found)
	}
}

// hold is how long a fault lasts: 0.2 to 3 s in the long form. In the short form most are short. Every fourth exceeds
// the servers' timeouts for each other.
func (c *campaign) hold(n int) time.Duration {
	from, to := 200*time.Millisecond, 500*time.Millisecond
	switch {
	case long():
		to = 3 * time.Second
	case n%4 == 0:
		from, to = 1800*time.Millisecond, 2200*time.Millisecond
	}
	return from + time.Duration(c.random.Int64N(int64(to-from)))
}

// report logs the result. A load without any acknowledged message, or without any failure, shows nothing and fails.
func (c *campaign) report(t *testing.T) {
	t.Helper()
	t.Logf("AUTH=%v, %d rounds: sends %v, acknowledged %v, pulls %d, intrusions tried %d\n%s", c.stack.auth, c.rounds, c.counts, c.kinds, c.pulls, c.intrusions, c.recoveries.table())
	if c.counts[history.Acknowledged] == 0 || c.counts[history.Unknown] == 0 {
		t.Errorf("sends %v: the test showed nothing", c.counts)
	}
	if len(c.kinds) < 2 { // TestChangedVariants has all of them, whatever the machine
		t.Errorf("acknowledged %v: no change of a message was tested", c.kinds)
	}
	if c.stack.auth.On() && c.intrusions == 0 {
		t.Error("no client has tried to enter a forbidden chat: the test showed nothing")
	}
}
