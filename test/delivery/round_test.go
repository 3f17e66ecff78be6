package delivery

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

// fault happens while messages are written and watched. The test's goroutine calls strike and heal.
type fault struct {
	name   string
	times  int           // how often it happens in the short form
	hold   time.Duration // between strike and heal
	strike func(number int)
	heal   func(number int) // returns when everything runs again
	// hangs: a server hangs for longer than a short token lasts. Then no watcher renews tokens: a refresh that reaches
	// the server two tokens late looks stolen and ends the session.
	hangs bool
	// bears: messages must arrive during the fault. Otherwise they have until it is over.
	bears bool
}

const (
	chatsOfAll  = 50
	chatsOfSome = 10 // of a slow or stopped watcher
	// catchUpWithin is the time for watchers to receive messages that were written before. It is below the 25 s after
	// which the Go client repeats a long-poll, so that live delivery itself must bring them.
	catchUpWithin = 22 * time.Second
)

// rooms are the chats of one test: rooms and conversations. With AUTH=on the rooms are private.
func (s *stack) rooms(t *testing.T) []string {
	t.Helper()
	name := strings.NewReplacer("/", ".", ",", "", "'", "", "AUTH=", "").Replace(t.Name())
	s.chats = nil
	for i := range chatsOfAll {
		one := fmt.Sprint(name, ".", i)
		switch {
		case i%2 == 1 && s.auth.On():
			one = watching + ":" + one
		case i%2 == 1:
			one = fmt.Sprintf("a.%d:%s", i, one)
		}
		s.chats = append(s.chats, one)
	}
	if s.auth.On() {
		s.closeRooms(t, s.chats)
	}
	return s.chats
}

// outcome is the outcome of a fault for each transport.
type outcome struct {
	auth       string
	fault      string
	times      int
	messages   int
	transports map[client.Transport]*verdict
}

// watch starts watchers of all kinds over all transports.
func (a *audience) watch(chats []string) {
	a.t.Helper()
	for i, over := range ofClients {
		a.steady(i, over, chats, false)
		a.steady(i+1, over, chats, true)
		a.comesAndGoes(over, chats[10:35])
		a.trusts("trusts", over, chats, &http.Transport{MaxIdleConnsPerHost: len(chats)})
		a.trusts("reads slowly", over, chats[:chatsOfSome], slow(2*time.Millisecond))
		a.tail(over, chats[chatsOfSome:2*chatsOfSome], false)
		a.tail(over, chats[2*chatsOfSome+i:2*chatsOfSome+i+1], true)
	}
	a.trusts("trusts", overDevice, chats, &http.Transport{}).steady = true
	a.trusts("reads slowly", overDevice, chats[:chatsOfSome], slow(2*time.Millisecond))
	a.trusts("trusts and begins elsewhere", overDevice, chats[:chatsOfSome], &http.Transport{})
	a.listen(chats)
	if a.stack.auth.On() {
		a.intrude(chats[:2]) // a room and a conversation
	}
}

func (a *audience) steadies() []*watcher {
	return slices.DeleteFunc(slices.Clone(a.watchers), func(w *watcher) bool { return !w.steady })
}

// endure runs a fault while chats are written and watched, and judges the watchers. Some chats get no message after the
// fault, so that only delivery of missed messages can bring them.
func endure(t *testing.T, s *stack, f fault) outcome {
	t.Helper()
	all := s.rooms(t)
	busy, quietAtStrike, quietAtHeal := all[:20], all[20:35], all[35:]
	a, w := newAudience(t, s), newWriting(t, s)
	a.renews = !f.hangs
	s.watch(a, all)

	stop := make(chan struct{})
	var working sync.WaitGroup
	burst, times := 6, f.times
	if long() {
		burst, times = 40, 5*f.times
	}
	for i := 0; i < len(all); i += 10 {
		s.adjacent(t, all[i])
	}
	w.burst(all, burst)
	working.Go(func() { w.trickle(busy, 4*time.Millisecond, stop) })
	began := time.Now()
	for number := range times {
		if t.Failed() {
			break
		}
		var quiet sync.WaitGroup
		quiet.Go(func() { w.burst(quietAtStrike, 1) })
		f.strike(number)
		<-time.After(f.hold)
		if f.bears {
			quiet.Wait()
			a.catchUp("while it lasts", w.acknowledged(quietAtStrike))
			w.burst(quietAtStrike, 1) // positions are no longer read, as right after a failure
			a.catchUp("later, while it lasts", w.acknowledged(quietAtStrike))
		}
		quiet.Go(func() { w.burst(quietAtHeal, 1) })
		f.heal(number)
		quiet.Wait()
		a.catchUp("after it", w.acknowledged(quietAtStrike, quietAtHeal))
	}
	close(stop)
	working.Wait()
	s.alive()
	if a.intruded && a.refusals.Load() == 0 {
		t.Error("no stranger was refused: the test showed less than it should")
	}
	return a.judge(f.name, times, w.logs(all), began)
}

// catchUp waits for the steady watchers. It fails the test if they do not reach positions.
func (a *audience) catchUp(when string, positions map[string]int64) {
	a.t.Helper()
	if late := catchUp(a.steadies(), positions, a.patience()); late != "" {
		a.t.Errorf("%s: %s have not got what was stored within %v", when, late, catchUpWithin)
	}
}

// patience is the time to wait: a failed test need not take long.
func (a *audience) patience() time.Duration {
	if a.t.Failed() {
		return time.Second
	}
	return catchUpWithin
}

// judge lets all watchers reach the ends of the logs, and compares. Delays are those of messages stored since a time.
func (a *audience) judge(name string, times int, logs map[string][]chat.Message, since time.Time) outcome {
	a.t.Helper()
	close(a.calm)
	if late := catchUp(a.watchers, positions(logs), a.patience()); late != "" {
		a.t.Errorf("when all is quiet: %s have not got what was stored within %v", late, catchUpWithin)
	}
	<-time.After(100 * time.Millisecond) // for messages that come twice
	a.leave()
	o := outcome{auth: a.stack.auth.String(), fault: name, times: times, transports: map[client.Transport]*verdict{}}
	for _, log := range logs {
		o.messages += len(log)
	}
	for _, w := range a.watchers {
		if o.transports[w.over] == nil {
			o.transports[w.over] = &verdict{}
		}
		o.transports[w.over].add(w.judge(logs, since))
	}
	for over, v := range o.transports {
		complain(a.t, transportNames[over], v)
	}
	return o
}

// complain fails the test for the first few faults of watchers.
func complain(t *testing.T, over string, v *verdict) {
	t.Helper()
	const shown = 5
	for _, f := range v.faults[:min(shown, len(v.faults))] {
		t.Error(f)
	}
	if len(v.faults) > 0 {
		t.Errorf("%s: of %d deliveries to %d watchers: %v", over, v.deliveries, v.watchers, v.kinds())
	}
	if v.deliveries == 0 {
		t.Errorf("%s: nothing was delivered: the test showed nothing", over)
	}
}
