package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
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
				if err := j.join(t.Context(), name, each); err != nil {
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
func (j *joining) join(ctx context.Context, name string, times int) error {
	came := make(chan int64, 100)
	r := &trusting{
		over: j.over, http: j.http, chats: []string{name}, limit: 10,
		cursors: map[string]int64{name: j.stack.begins[name]}, lastID: fmt.Sprintf("%s=%d", name, j.stack.begins[name]),
		took: func(m client.Message) { came <- m.SendTime },
	}
	for number := range times {
		if err := j.once(ctx, r, name, number, came); err != nil {
			return fmt.Errorf("when it joins for time %d: %w", number+1, err)
		}
	}
	return nil
}

func (j *joining) once(ctx context.Context, r *trusting, name string, number int, came <-chan int64) error {
	ctx, leave := context.WithCancel(ctx)
	began := time.Now()
	var group sync.WaitGroup
	defer group.Wait()
	defer leave()
	group.Go(func() { _ = r.read(ctx, j.stack.base(number)) })
	<-time.After(rand.N(j.took + time.Millisecond))
	j.writing.send(name)
	want := j.writing.acknowledged([]string{name})[name]
	select {
	case got := <-came:
		j.took = min(time.Since(began), 10*time.Millisecond)
		if got != want {
			return fmt.Errorf("%d came, want %d", got, want)
		}
	case <-time.After(catchUpWithin):
		return fmt.Errorf("what was stored meanwhile has not come within %v", catchUpWithin)
	}
	return nil
}
