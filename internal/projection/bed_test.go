package projection_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// bed is a store with the rules over it.
type bed struct {
	*chat.MessageService
	*chat.ProjectionService
	t     *testing.T
	redis *redistest.Server
	rooms *chat.RoomService
	count int // of partitions
}

func newBed(t *testing.T, options storage.Options) *bed {
	t.Helper()
	redis := redistest.Start(t)
	store, err := storage.Open(redis.URL(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &bed{
		MessageService:    chat.NewMessageService(store, chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}),
		ProjectionService: chat.NewProjectionService(store, chat.Access{}), t: t, redis: redis, count: store.Partitions(),
		rooms: chat.NewRoomService(store, chat.Access{Rooms: store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 10, MaxUserRooms: 10}),
	}
}

func (b *bed) send(room, text string) int64 {
	b.t.Helper()
	receipt, err := b.Send(b.t.Context(), chat.Message{Chat: room, Sender: "ann", Text: text})
	if err != nil {
		b.t.Fatal(err)
	}
	return receipt.SendTime
}

// worker starts one, and returns a function that ends it.
func (b *bed) worker(source projection.Source, projections ...projection.Projection) (stop func()) {
	b.t.Helper()
	w, stop := b.run(source)
	if err := w.Set(projections); err != nil {
		b.t.Fatal(err)
	}
	return stop
}

// run starts a worker without projections, and returns a function that ends it.
func (b *bed) run(source projection.Source) (w *projection.Worker, stop func()) {
	b.t.Helper()
	w, err := projection.New(projection.Config{Source: source, Log: quiet(), Poll: 10 * time.Millisecond})
	if err != nil {
		b.t.Fatal(err)
	}
	return w, b.start(w)
}

// start runs a worker, and returns a function that ends it.
func (b *bed) start(w *projection.Worker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	b.t.Cleanup(stop)
	return stop
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (b *bed) state(name string) chat.ProjectionState {
	b.t.Helper()
	states, err := b.Projections(b.t.Context(), name)
	if chat.CodeOf(err) == chat.NotFound { // no worker has begun
		return chat.ProjectionState{}
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return states[0]
}

func (b *bed) change(c chat.ProjectionChange) {
	b.t.Helper()
	if err := b.ChangeProjection(b.t.Context(), c); err != nil {
		b.t.Fatal(err)
	}
}

// sink records its events.
type sink struct {
	mutex  sync.Mutex
	ids    []string            // as they came
	texts  map[string][]string // by chat, without repeats
	seen   map[string]bool
	last   map[string]int64
	faults []string
	fail   func(e projection.Event) error // nil: never
}

func newSink() *sink {
	return &sink{texts: map[string][]string{}, seen: map[string]bool{}, last: map[string]int64{}}
}

func (s *sink) Handle(_ context.Context, events []projection.Event) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, e := range events {
		if s.fail != nil {
			if err := s.fail(e); err != nil {
				return projection.Handled(i, err)
			}
		}
		s.ids = append(s.ids, e.ID)
		if s.seen[e.ID] {
			continue
		}
		s.seen[e.ID] = true
		if at := e.Messages[0].SendTime; at <= s.last[e.Chat] {
			s.faults = append(s.faults, fmt.Sprintf("%s came after position %d", e.ID, s.last[e.Chat]))
		}
		s.last[e.Chat] = e.Last().SendTime
		for _, m := range e.Messages {
			s.texts[e.Chat] = append(s.texts[e.Chat], m.Text)
		}
	}
	return nil
}

func (s *sink) set(fail func(projection.Event) error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fail = fail
}

func (s *sink) count() (events, unique int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.ids), len(s.seen)
}

// got returns the texts of a chat, with spaces between them.
func (s *sink) got(room string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Join(s.texts[room], " ")
}

// await waits until something holds, and fails the test after a time that no working machine needs.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// counted is a source that counts its calls.
type counted struct {
	projection.Source
	pulls, cursors atomic.Int64
}

func (c *counted) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	c.pulls.Add(1)
	return c.Source.Pull(ctx, r)
}

func (c *counted) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	for _, commit := range commits {
		c.cursors.Add(int64(len(commit.Cursors)))
	}
	return c.Source.Commit(ctx, name, commits)
}
