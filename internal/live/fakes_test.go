package live

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a log in memory, whose appends are hinted at.
type world struct{ *chattest.World }

func newWorld() *world { return &world{chattest.NewWorld()} }

// start returns a Hub of the world, which ends with the test.
func (w *world) start(t *testing.T) *Hub {
	t.Helper()
	return run(t, w, w, Config{})
}

// run returns a Hub without a log, which ends with the test.
func run(t *testing.T, service chat.Service, calls chat.Live, config Config) *Hub {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	hub := New(service, calls, config)
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

func (w *world) send(t *testing.T, name string, n int) {
	t.Helper()
	sender, _, pair := strings.Cut(name, ":")
	if !pair {
		sender = "alice"
	}
	for i := range n {
		if _, err := w.Send(t.Context(), chat.Message{Chat: name, Text: fmt.Sprint(i), Sender: sender}); err != nil {
			t.Fatal(err)
		}
	}
}

// told is a sink that records. If blocked is not nil, it holds up writes until it is closed.
type told struct {
	pages    chan *Page
	titles   chan chat.Title // of the pages
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
		pages: make(chan *Page, 100_000), titles: make(chan chat.Title, 100_000), events: make(chan chat.Event, 1000), present: make(chan *Present, 1000),
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

func (s *told) Page(p *Page, title chat.Title, positions func() []Position) error {
	s.pages <- p
	if s.titles != nil {
		s.titles <- title
	}
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
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came within 30 s")
		panic("unreachable")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}
