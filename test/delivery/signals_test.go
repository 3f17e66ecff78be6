package delivery

import (
	"context"
	"fmt"
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

// TestSignals: a signal reaches the present watchers at every gateway, once and in order. No later watcher and no watcher
// of another chat gets it.
func TestSignals(t *testing.T) { eachMode(t, []string{"on"}, signals) }

func signals(t *testing.T, auth *programtest.Auth) {
	s := startStack(t, auth, redistest.Start(t), direct, neverSwept)
	const room, count = "signals", 20
	if auth.On() {
		s.closeRooms(t, []string{room})
	}
	bases := strings.Join(s.bases, ",")
	teller := s.client(t, "", bases, &http.Transport{}, client.WithToken(auth.ServiceToken("teller")))
	tell := func(kind string, number int) {
		t.Helper()
		sender := fmt.Sprint("s", time.Now().UnixNano()) // each may send ten a second
		signal := client.Signal{Chat: room, Sender: sender, Type: kind, Data: fmt.Sprint(number)}
		if err := teller.Signal(context.Background(), signal); err != nil {
			t.Fatal(err)
		}
	}
	var listeners, staying []*listener
	for number := range s.bases {
		staying = append(staying, &listener{name: fmt.Sprint("who stays at gateway ", number+1), over: client.ServerSentEvents, base: s.base(number)})
	}
	for _, over := range []client.Transport{client.ServerSentEvents, client.WebSocket} {
		for number := range s.bases {
			name := fmt.Sprint(transportNames[over], " at gateway ", number+1)
			listeners = append(listeners, &listener{name: name, over: over, base: s.base(number)})
		}
	}
	untilAllHear := func() { // a server follows a chat a moment after it has accepted the watcher
		t.Helper()
		probe := 0
		eventually(t, "all hear a signal", func() bool {
			probe++
			tell("probe", probe)
			return !slices.ContainsFunc(listeners, func(l *listener) bool { return len(l.heard("probe")) == 0 })
		})
	}

	polled := make(chan int, 1)
	go func() {
		page, err := teller.Pull(t.Context(), client.PullRequest{Chat: room, Cursor: s.begins[room], Wait: 2 * time.Second})
		if err != nil {
			t.Errorf("a long-poll: %v", err)
		}
		polled <- len(page.Messages)
	}()
	defer s.listen(t, staying, room)()
	leave := s.listen(t, listeners, room)
	untilAllHear()
	for number := range count {
		tell("live", number)
	}
	for _, l := range listeners {
		eventually(t, l.name+" hears all signals", func() bool { return len(l.heard("live")) >= count })
	}
	leave()
	tell("away", 0)
	for _, l := range staying { // the answer says that it was published; servers receive it a moment later
		eventually(t, l.name+" hears the signal that only this room gets", func() bool { return len(l.heard("away")) > 0 })
	}
	for _, l := range listeners {
		var want []string
		for number := range count {
			want = append(want, fmt.Sprint(number))
		}
		if got := l.heard("live"); !slices.Equal(got, want) {
			t.Errorf("%s heard %q, want %q", l.name, got, want)
		}
		l.forget()
	}
	leave = s.listen(t, listeners, room)
	untilAllHear()
	leave()
	for _, l := range listeners {
		if got := append(l.heard("live"), l.heard("away")...); len(got) > 0 {
			t.Errorf("%s heard %q, which was told before it watched", l.name, got)
		}
	}
	if got := <-polled; got != 0 {
		t.Errorf("a long-poll had %d messages, want none: signals are not in the log", got)
	}
}

// listener records signals.
type listener struct {
	name string
	over client.Transport
	base string

	mutex sync.Mutex
	data  map[string][]string // by type
}

func (l *listener) heard(kind string) []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.data[kind])
}

func (l *listener) forget() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.data = nil
}

// listen makes all listeners listen to a room until leave is called.
func (s *stack) listen(t *testing.T, listeners []*listener, room string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, l := range listeners {
		c := s.client(t, watching, l.base, &http.Transport{})
		group.Go(func() {
			for e := range c.FollowEvents(ctx, client.FollowRequest{Chats: map[string]int64{room: 0}, Over: l.over}) {
				if e.Signal == nil {
					continue
				}
				l.mutex.Lock()
				if l.data == nil {
					l.data = map[string][]string{}
				}
				l.data[e.Signal.Type] = append(l.data[e.Signal.Type], e.Signal.Data)
				l.mutex.Unlock()
			}
		})
	}
	leave = func() {
		cancel()
		group.Wait()
	}
	t.Cleanup(leave)
	return leave
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(catchUpWithin); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, catchUpWithin)
		}
	}
}
