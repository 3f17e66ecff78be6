package live

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a log in memory, whose appends are hinted at.
type world struct {
	chattest.Silent
	queue *events.Queue

	mutex    sync.Mutex
	logs     map[string][]chat.Message // by canonical id
	watched  map[chat.ID]bool
	attended map[string][]string
	deaf     bool  // hints are lost
	fails    error // of pulls
	onPull   func()

	pulls atomic.Int64
	asked atomic.Int64
}

func newWorld() *world {
	return &world{queue: events.New(), logs: map[string][]chat.Message{}, watched: map[chat.ID]bool{}, attended: map[string][]string{}}
}

// start returns a Hub of the world, which ends with the test.
func (w *world) start(t *testing.T) *Hub {
	t.Helper()
	hub := New(w, w)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hub.Run(ctx)
	}()
	t.Cleanup(func() {
		hub.Drain()
		stop()
		<-ended
	})
	return hub
}

func (w *world) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	id, err := chat.ParseID(m.Chat)
	if err != nil {
		return chat.Receipt{}, err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	log := w.logs[id.String()]
	m.SendTime = 1000 + int64(len(log))
	w.logs[id.String()] = append(log, m)
	if w.watched[id] && !w.deaf {
		w.queue.Put(chat.Event{Chat: id, Position: m.SendTime})
	}
	return chat.Receipt{SendTime: m.SendTime}, nil
}

func (w *world) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	w.pulls.Add(1)
	id, err := chat.ParseID(r.Chat)
	if err != nil {
		return chat.Page{}, err
	}
	w.mutex.Lock()
	if w.fails != nil {
		defer w.mutex.Unlock()
		return chat.Page{}, w.fails
	}
	page := chat.Page{NextCursor: r.Cursor}
	for _, m := range w.logs[id.String()] {
		switch {
		case m.SendTime < r.Cursor:
		case len(page.Messages) == int(r.Limit):
			page.HasMore, page.NextCursor = true, m.SendTime
		case !page.HasMore:
			m.Chat = r.Chat
			page.Messages, page.NextCursor = append(page.Messages, m), m.SendTime+1
		}
		if page.HasMore {
			break
		}
	}
	then := w.onPull
	w.onPull = nil
	w.mutex.Unlock()
	if then != nil {
		then()
	}
	return page, nil
}

func (*world) Ready(context.Context) error { return nil }

func (w *world) Watch() chat.Watch { return watching{w.queue, w} }

type watching struct {
	*events.Queue
	world *world
}

func (w watching) Add(ids ...chat.ID) {
	w.world.mutex.Lock()
	defer w.world.mutex.Unlock()
	for _, id := range ids {
		w.world.watched[id] = true
		log := w.world.logs[id.String()]
		position := int64(0)
		if len(log) > 0 {
			position = log[len(log)-1].SendTime
		}
		w.world.queue.Put(chat.Event{Chat: id, Position: position})
	}
}

func (w watching) Remove(ids ...chat.ID) {
	w.world.mutex.Lock()
	defer w.world.mutex.Unlock()
	for _, id := range ids {
		delete(w.world.watched, id)
	}
}

func (w *world) Attend(_ context.Context, _ string, present []chat.Attendance) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, p := range present {
		id, _ := chat.ParseID(p.Chat)
		w.attended[p.Chat] = p.Readers
		w.queue.Put(chat.Event{Chat: id, Kind: chat.PresenceChanged})
	}
	return nil
}

func (w *world) Present(_ context.Context, name string) ([]string, error) {
	w.asked.Add(1)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.attended[name], nil
}

func (w *world) send(t *testing.T, room string, n int) {
	t.Helper()
	for i := range n {
		if _, err := w.Send(t.Context(), chat.Message{Chat: room, Text: fmt.Sprint(i), Sender: "alice"}); err != nil {
			t.Fatal(err)
		}
	}
}

// told is a sink that remembers. blocked, where it is not nil, holds up what is written until it is closed.
type told struct {
	pages    chan *Page
	events   chan chat.Event
	present  chan *Present
	refused  chan error
	beats    atomic.Int64
	blocked  chan struct{}
	ended    chan error
	fails    atomic.Bool
	stands   chan []Position
	overlaps atomic.Int32
}

func newTold() *told {
	return &told{
		pages: make(chan *Page, 100_000), events: make(chan chat.Event, 1000), present: make(chan *Present, 1000),
		refused: make(chan error, 10), stands: make(chan []Position, 100_000), ended: make(chan error, 10),
	}
}

func (s *told) write() error {
	if s.overlaps.Add(1) != 1 {
		panic("two write at once")
	}
	defer s.overlaps.Add(-1)
	if s.blocked != nil {
		<-s.blocked
	}
	if s.fails.Load() {
		return fmt.Errorf("broken pipe")
	}
	return nil
}

func (s *told) Page(p *Page, positions func() []Position) error {
	s.pages <- p
	s.stands <- positions()
	return s.write()
}

func (s *told) Tell(_ string, e chat.Event) error {
	s.events <- e
	return s.write()
}

func (s *told) Presence(_ string, p *Present) error {
	s.present <- p
	return s.write()
}

func (s *told) Refuse(_ string, err error) error {
	s.refused <- err
	return s.write()
}

func (s *told) Beat() error {
	s.beats.Add(1)
	return s.write()
}

// messages takes n messages of one chat from the sink and checks that they are in order, each once.
func (s *told) messages(t *testing.T, n int) (pages int) {
	t.Helper()
	next := int64(-1)
	for n > 0 {
		page := receive(t, s.pages)
		pages++
		for _, m := range page.Messages {
			if next >= 0 && m.SendTime != next {
				t.Fatalf("message at %d after %d", m.SendTime, next-1)
			}
			next = m.SendTime + 1
			n--
		}
	}
	if n < 0 {
		t.Fatalf("%d messages too many", -n)
	}
	return pages
}

func receive[V any](t *testing.T, c <-chan V) V {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came within 10 s")
		panic("unreachable")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); !ok(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}
