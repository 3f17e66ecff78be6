package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// joinsAtOnce is how many watchers join at a time, on two cores.
const joinsAtOnce = 12

// TestJoining stores a message at the very moment when a watcher begins, a thousand times. In the first rounds the chat
// had no watcher before; later the gateways know it. No later message can bring the first one along.
func TestJoining(t *testing.T) {
	eachMode(t, modes, func(t *testing.T, auth *programtest.Auth) {
		s := startStack(t, auth, redistest.Start(t), direct, neverSwept)
		for number, over := range transports {
			if s.inShort(number) {
				t.Run(transportNames[over], func(t *testing.T) { joinAll(t, s, over) })
			}
		}
	})
}

// joinAll joins over a transport.
func joinAll(t *testing.T, s *stack, over client.Transport) {
	each := 7
	if long() {
		each = 70
	}
	all, w := s.rooms(t), newWriting(t, s)
	if over == overTelnet && s.auth.On() { // a login is dear, and a person's connections share the cursors of conversations
		each = min(each, 7)
		all = slices.DeleteFunc(all, func(name string) bool { return strings.Contains(name, ":") })
	}
	next := make(chan string)
	var group sync.WaitGroup
	for range joinsAtOnce {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		j := &joining{stack: s, writing: w, over: over, http: &http.Client{Transport: s.auth.Transport(transport, watching)}}
		group.Go(func() {
			for name := range next {
				if t.Failed() {
					continue
				}
				if err := j.join(t, name, each); err != nil {
					t.Errorf("%s, %s: %v", transportNames[over], name, err)
				}
			}
		})
	}
	for _, name := range all {
		next <- name
	}
	close(next)
	group.Wait()
}

// joining is a watcher that watches a chat for one message at a time.
type joining struct {
	stack   *stack
	writing *writing
	over    client.Transport
	http    *http.Client
	took    time.Duration // how long the last message took after the request
}

// join begins to watch repeatedly, while a message is sent at about the moment when the server begins.
func (j *joining) join(t *testing.T, name string, times int) error {
	came := make(chan client.Message, 100)
	took := func(m client.Message) { came <- m }
	r := &trusting{
		over: j.over, http: j.http, token: j.stack.auth.Token(watching), device: j.stack.newDevice(), chats: []string{name}, limit: 10,
		cursors: map[string]int64{name: j.stack.begins[name]}, lastID: fmt.Sprintf("%s=%d", name, j.stack.begins[name]), took: took,
	}
	read := r.read
	if j.over == overTelnet {
		user, _, _ := strings.Cut(name, ":")
		if j.stack.auth.On() {
			user = "cid"
		}
		p := j.stack.personOf(t, user, []string{name})
		p.took = func(m client.Message) {
			if m.Chat == name && m.Sender != "" { // neither of another test's conversation nor a notice
				took(m)
			}
		}
		read = p.read
	}
	for number := range times {
		if err := j.once(t.Context(), read, name, number, came); err != nil {
			return fmt.Errorf("when it joins for time %d: %w", number+1, err)
		}
	}
	return nil
}

func (j *joining) once(ctx context.Context, read func(context.Context, string) error, name string, number int, came <-chan client.Message) error {
	ctx, leave := context.WithCancel(ctx)
	began := time.Now()
	var group sync.WaitGroup
	defer group.Wait()
	defer leave()
	ended := make(chan error, 1)
	group.Go(func() { ended <- read(ctx, j.stack.baseOf(j.over, number)) })
	<-time.After(rand.N(j.took + time.Millisecond))
	j.writing.send(name)
	want := j.writing.acknowledged([]string{name})[name]
	select {
	case got := <-came:
		j.took = min(time.Since(began), 10*time.Millisecond)
		at := got.SendTime
		if j.over == overTelnet {
			at = j.stack.places.of(name, got.Text)
		}
		if at != want {
			return fmt.Errorf("%q at %d came, want what is at %d", got.Text, at, want)
		}
	case err := <-ended:
		return fmt.Errorf("it ended before the message came: %w", err)
	case <-time.After(catchUpWithin):
		return fmt.Errorf("what was stored meanwhile has not come within %v", catchUpWithin)
	}
	return nil
}
