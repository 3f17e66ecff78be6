package delivery

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// audience is a set of watchers. They come and go, stop and move until it is calm. Then they stay until the audience
// ends.
type audience struct {
	t        *testing.T
	stack    *stack
	watchers []*watcher
	group    sync.WaitGroup
	refusals atomic.Int64 // of non-members
	intruded bool         // strangers try to watch
	renews   bool         // some have sessions with AUTH=on and renew their tokens
	calm     chan struct{}
	ctx      context.Context
	end      context.CancelFunc
}

func newAudience(t *testing.T, s *stack) *audience {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	a := &audience{t: t, stack: s, calm: make(chan struct{}), ctx: ctx, end: end}
	t.Cleanup(a.leave)
	return a
}

// leave ends all watchers.
func (a *audience) leave() {
	a.end()
	a.group.Wait()
}

func (a *audience) add(name string, over client.Transport, chats []string) *watcher {
	w := newWatcher(name, over, chats)
	a.watchers = append(a.watchers, w)
	return w
}

// steady watches with the Go client, which knows all gateways and starts with the one of this number. It waits until
// the client is connected. With AUTH=on it has a token, or renews a session with short tokens.
func (a *audience) steady(number int, over client.Transport, chats []string, renews bool) {
	a.t.Helper()
	name, option := "stays", client.WithToken(a.stack.auth.Token(watching))
	if renews && a.renews {
		name, option = "stays and renews its token", client.WithSession(a.stack.session(a.t), nil)
	}
	w := a.add(name, over, chats)
	w.steady = true
	var bases []string
	for i := range a.stack.bases {
		bases = append(bases, a.stack.base(number+i))
	}
	transport := &http.Transport{MaxIdleConnsPerHost: len(chats)}
	eager := client.WithPolicy(client.Policy{MaxWait: 200 * time.Millisecond})
	c := a.stack.client(a.t, "", strings.Join(bases, ","), transport, eager, option)
	connected := make(chan struct{}, 1)
	request := client.FollowRequest{Chats: w.next(), Over: over, Connected: func(string) {
		select {
		case connected <- struct{}{}:
		default:
		}
	}}
	a.group.Go(func() { a.follow(a.ctx, c, request, w) })
	select {
	case <-connected:
	case <-time.After(catchUpWithin):
		a.t.Fatalf("the %s is not connected after %v", w.name, catchUpWithin)
	}
}

// follow watches until ctx ends.
func (a *audience) follow(ctx context.Context, c *client.Client, r client.FollowRequest, w *watcher) {
	for m, err := range c.Follow(ctx, r) {
		if err != nil {
			if ctx.Err() == nil {
				a.t.Errorf("the %s: %v", w.name, err)
			}
			return
		}
		w.take(m)
	}
}

// comesAndGoes watches with the Go client, leaves after a while, and comes back from its cursors at another gateway.
// With AUTH=on it keeps the same session.
func (a *audience) comesAndGoes(over client.Transport, chats []string) {
	a.t.Helper()
	w := a.add("comes and goes", over, chats)
	var session client.Session
	if a.renews {
		session = a.stack.session(a.t)
	}
	keep := func(next client.Session) { session = next } // for the next client
	a.group.Go(func() {
		for number := 0; a.ctx.Err() == nil; number++ {
			bases := a.stack.base(number)
			select {
			case <-a.calm: // the chosen one may be down for long
				bases = strings.Join(a.stack.bases, ",")
			default:
			}
			transport := &http.Transport{MaxIdleConnsPerHost: len(chats)}
			ctx, leave := context.WithCancel(a.ctx)
			stays := time.AfterFunc(50*time.Millisecond+rand.N(400*time.Millisecond), a.unlessCalm(leave))
			c := a.stack.client(a.t, "", bases, transport, client.WithSession(session, keep), client.WithToken(a.stack.auth.Token(watching)))
			a.follow(ctx, c, client.FollowRequest{Chats: w.next(), Over: over}, w)
			stays.Stop()
			leave()
			transport.CloseIdleConnections()
		}
	})
}

// unlessCalm returns f, which does nothing once it is calm.
func (a *audience) unlessCalm(f func()) func() {
	return func() {
		select {
		case <-a.calm:
		default:
			f()
		}
	}
}

// trusts watches with a trusting client. The client moves to the next gateway when a connection breaks. name describes
// the transport.
func (a *audience) trusts(name string, over client.Transport, chats []string, transport *http.Transport) *watcher {
	w := a.add(name, over, chats)
	a.t.Cleanup(transport.CloseIdleConnections)
	r := &trusting{
		over: over, http: &http.Client{Transport: a.stack.auth.Transport(transport, watching)}, chats: chats,
		token: a.stack.auth.Token(watching), dial: transport.DialContext, device: a.stack.newDevice(),
		limit: 1 + rand.IntN(20), took: w.take, cursors: map[string]int64{},
	}
	a.group.Go(func() {
		for number := 0; a.ctx.Err() == nil; number++ {
			if err := r.read(a.ctx, a.stack.baseOf(over, number)); denied(err) {
				a.t.Errorf("the %s: %v", w.name, err)
				return
			} // after any other error it retries at the next gateway
			select {
			case <-time.After(20 * time.Millisecond):
			case <-a.ctx.Done():
			}
		}
	})
	return w
}

// tail watches with the program, which is stopped and continued repeatedly. With restarts it is killed instead, and
// started again at its cursor with one chat. With AUTH=on it has a token in the first case, and in the second a session
// in a file.
func (a *audience) tail(over client.Transport, chats []string, restarts bool) {
	name := "is stopped"
	if restarts {
		name = "is killed"
	}
	w := a.add(name, over, chats)
	environment := []string{"PULLCHAT_TOKEN=" + a.stack.auth.Token(watching)}
	if restarts && a.renews {
		environment = a.stack.login(a.t)
	}
	a.group.Go(func() {
		for a.ctx.Err() == nil {
			a.runTail(w, restarts, environment)
		}
	})
}

func (a *audience) runTail(w *watcher, restarts bool, environment []string) {
	transportFlags := map[client.Transport]string{client.LongPoll: "poll", client.ServerSentEvents: "sse", client.WebSocket: "ws"}
	cursor := slices.Max(slices.Collect(maps.Values(w.next())))
	arguments := []string{
		"tail", "--json", "--server", strings.Join(a.stack.bases, ","), "--transport", transportFlags[w.over],
		"--cursor", fmt.Sprint(cursor),
	}
	command := programtest.Command(a.t, "pullchat", append(arguments, w.chats...)...)
	command.Env = append(command.Env, environment...)
	a.runFollower(w, command, func(ended <-chan struct{}, signal func(syscall.Signal)) { a.disturb(ended, restarts, signal) })
}

// runFollower runs a program that prints a line of JSON for each message. The program is killed when disturb returns.
func (a *audience) runFollower(w *watcher, command *exec.Cmd, disturb func(ended <-chan struct{}, signal func(syscall.Signal))) {
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		a.t.Errorf("start %s: %v", command, err)
		a.end()
		return
	}
	kill := func() { _ = command.Process.Kill() }
	var disturbing sync.WaitGroup
	ended := make(chan struct{})
	disturbing.Go(func() {
		defer kill()
		disturb(ended, func(s syscall.Signal) { _ = command.Process.Signal(s) })
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var m client.Message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil { // the rest of a line was not written
			break
		}
		w.take(m)
	}
	close(ended)
	disturbing.Wait()
	if err := command.Wait(); err != nil && !killed(err) {
		a.t.Errorf("the %s: %v: %s", w.name, err, complaints.Bytes()[max(0, complaints.Len()-500):])
		a.end()
	}
}

// untilItEnds disturbs nothing.
func (a *audience) untilItEnds(ended <-chan struct{}, _ func(syscall.Signal)) {
	select {
	case <-ended:
	case <-a.ctx.Done():
	}
}

// disturb stops and continues a program until it is calm. With restarts it returns after a while, so that the program
// is killed.
func (a *audience) disturb(ended <-chan struct{}, restarts bool, signal func(syscall.Signal)) {
	calm := a.calm
	for running := true; ; running = !running {
		after := time.After(100*time.Millisecond + rand.N(300*time.Millisecond))
		if calm == nil {
			after = nil
		}
		select {
		case <-a.ctx.Done():
			return
		case <-ended:
			return
		case <-calm:
			calm = nil
			signal(syscall.SIGCONT)
			continue
		case <-after:
		}
		switch {
		case restarts && running:
			return
		case running:
			signal(syscall.SIGSTOP)
		default:
			signal(syscall.SIGCONT)
		}
	}
}

// killed reports whether a program has ended because it was killed.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL
}

// behind names a watcher that has not reached positions, or returns "".
func behind(watchers []*watcher, positions map[string]int64) string {
	late, example := 0, ""
	for _, w := range watchers {
		if name := w.behind(positions); name != "" {
			late++
			example = fmt.Sprintf("%s, in %s", w.name, name)
		}
	}
	if late == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d watchers, such as the %s", late, len(watchers), example)
}

// catchUp waits until all watchers have reached positions. On a timeout it names one that has not.
func catchUp(watchers []*watcher, positions map[string]int64, within time.Duration) (late string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); ; <-tick.C {
		late = behind(watchers, positions)
		if late == "" || time.Now().After(deadline) {
			return late
		}
	}
}
