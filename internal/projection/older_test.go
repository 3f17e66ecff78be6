package projection_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestOvertaken: an event that retention removes before it is handled becomes a dead letter, and the rest is handled.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{MaxChatMessages: 2})
	s := newSink()
	stop := b.worker(b, projection.Projection{Name: "p", Handler: s})
	b.send("room", "1")
	await(t, "the first is handled", func() bool { return s.got("room") == "1" })
	stop()
	stopped := b.state("p")
	for stopped.Created > 0 && time.Since(time.UnixMicro(s.last["room"])) < 2500*time.Millisecond { // longer than an append may go unseen
		b.send("room", "lost")
	}
	b.send("room", "2")
	b.send("room", "3")
	b.worker(b, projection.Projection{Name: "p", Handler: s})
	await(t, "the rest is handled", func() bool { return s.got("room") == "1 2 3" })
	await(t, "it is said", func() bool { return b.state("p").DeadLetters == 1 })
	if letters, err := b.DeadLetters(t.Context(), "p", 1); err != nil || !strings.Contains(letters[0].Error, "retention may have removed") {
		t.Errorf("the dead letter is %v, %v", letters, err)
	}
}

// TestDeletedRoom: a room that is deleted with events before the cursor holds nothing up, and its cursor goes.
func TestDeletedRoom(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	ctx := chat.WithCaller(t.Context(), chat.Caller{User: "ann"})
	if _, err := b.rooms.CreateRoom(ctx, chat.NewRoom{ID: "doomed", As: "ann"}); err != nil {
		t.Fatal(err)
	}
	s := newSink()
	s.fail = func(e projection.Event) error {
		if e.Chat == "doomed" {
			return errors.New("not yet")
		}
		return nil
	}
	b.worker(service{b}, projection.Projection{Name: "p", Handler: s, FirstRetry: time.Millisecond, LastRetry: time.Millisecond})
	await(t, "it fails", func() bool { return b.state("p").FailingSince > 0 })
	if _, err := b.rooms.ChangeRoom(ctx, chat.RoomChange{Room: "doomed", Kind: chat.DeleteRoom, As: "ann"}); err != nil {
		t.Fatal(err)
	}
	await(t, "nothing waits any more", func() bool { state := b.state("p"); return state.Lag == 0 && state.FailingSince == 0 })
	b.send("room", "1")
	await(t, "others are handled", func() bool { return s.got("room") == "1" })
}

// service makes its calls as a service.
type service struct{ *bed }

func (s service) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	return s.bed.Pull(chat.WithCaller(ctx, chat.Caller{User: "worker", Service: true}), r)
}

// shifted is a storage whose clock may go back.
type shifted struct {
	*bed
	mutex sync.Mutex
	by    time.Duration
}

func (s *shifted) back(by time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.by = by
}

func (s *shifted) now() time.Time {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return time.Now().Add(-s.by)
}

func (s *shifted) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	states, err := s.bed.PartitionStates(ctx, partitions)
	now := s.now().UnixMicro()
	for i := range states {
		states[i].Clock = now
	}
	return states, err
}

func newShifted(t *testing.T) *shifted {
	t.Helper()
	s := &shifted{}
	s.bed = newBed(t, storage.Options{Clock: s.now})
	return s
}

// TestClockGoesBack: messages that get positions of the past are found.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	b := newShifted(t)
	s := newSink()
	b.worker(b, projection.Projection{Name: "p", Handler: s})
	for i := range 20 {
		b.send(fmt.Sprint("room", i), "before")
	}
	await(t, "all are handled", func() bool { _, n := s.count(); return n == 20 })
	b.back(5 * time.Minute)
	for i := range 20 {
		b.send(fmt.Sprint("new", i), "after") // in all likelihood in partitions of the others, too
	}
	b.send("room0", "after")
	await(t, "all are handled", func() bool { _, n := s.count(); return n == 41 })
}

// TestOlderData: Redis comes back without the last messages, which were handled, and with an earlier clock. Later
// messages are handled, though their positions may be before the cursor.
func TestOlderData(t *testing.T) {
	t.Parallel()
	b := newShifted(t)
	s := newSink()
	b.worker(b, projection.Projection{Name: "p", Handler: s})
	kept := b.send("room", "1")
	lost := b.send("room", "2")
	b.send("room", "3")
	await(t, "all are handled", func() bool { return s.got("room") == "1 2 3" })
	b.back(time.Since(time.UnixMicro(lost)) + 10*time.Second) // so that the next message follows the first one at once
	for _, command := range []string{
		fmt.Sprintf("ZREMRANGEBYSCORE im:{97}:log:room %d +inf", lost), fmt.Sprintf("ZADD im:{97}:activity %d room", kept),
	} {
		if _, err := b.redis.Do(command); err != nil {
			t.Fatal(err)
		}
	}
	if again := b.send("room", "4"); again > lost {
		t.Fatalf("the message has position %d, want at most %d", again, lost)
	}
	await(t, "what was said after the loss is handled", func() bool { return strings.HasSuffix(s.got("room"), "4") })
}
