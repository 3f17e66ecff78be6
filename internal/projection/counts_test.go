package projection_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// counter counts texts.
type counter struct{ *sink }

func (counter) Count(_ context.Context, events []projection.Event) ([]chat.Count, error) {
	var counts []chat.Count
	for _, e := range events {
		counts = append(counts, chat.Count{Group: "texts", Counter: e.Last().Text, Amount: 1})
	}
	return counts, nil
}

// forgetful makes one commit in three and loses the answer, and does not make the next one.
type forgetful struct {
	projection.Source
	mutex sync.Mutex
	n     int
}

func (f *forgetful) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.n++
	if f.n%3 == 2 {
		return nil, errDead
	}
	stored, err := f.Source.Commit(ctx, name, commits)
	if f.n%3 == 1 {
		return nil, errDead
	}
	return stored, err
}

// TestCountsOnce: counts are stored once with the cursor, also where the answer of a commit is lost, and anew by a replay.
func TestCountsOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	b.worker(&forgetful{Source: b}, projection.Projection{Name: "p", Handler: counter{newSink()}})
	total := func() (n int) {
		for p := range 256 {
			counted, _ := b.redis.Do(fmt.Sprintf("HGET im:{%d}:counts:p:texts word", p))
			var one int
			_, _ = fmt.Sscan(counted, &one)
			n += one
		}
		return n
	}
	sent := 0
	send := func(n int) {
		for i := range n {
			b.send(fmt.Sprint("room", i%20), "word")
			sent++
		}
	}
	exact := func(when string) {
		t.Helper()
		await(t, "all are counted "+when, func() bool { return total() >= sent })
		for range 3 { // each is stored after all that is unsure in its partition
			send(20)
			await(t, "all are counted "+when, func() bool { return total() >= sent })
		}
		if n := total(); n != sent {
			t.Errorf("%s %d are counted, want %d", when, n, sent)
		}
	}
	send(300)
	exact("at first")
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection})
	exact("after a replay")
}

// unsteady counts, but fails each second time after the first event.
type unsteady struct {
	counter
	n *atomic.Int64
}

func (u unsteady) Count(ctx context.Context, events []projection.Event) ([]chat.Count, error) {
	counts, err := u.counter.Count(ctx, events)
	if u.n.Add(1)%2 == 1 {
		return counts[:1], projection.Handled(1, errors.New("away"))
	}
	return counts, err
}

// TestCountsAfterAnError: counts that a counter returns with an error do not count, and all of the events come again.
func TestCountsAfterAnError(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	for range 50 {
		b.send("room", "word")
	}
	b.worker(b, projection.Projection{Name: "p", Handler: unsteady{counter{newSink()}, &atomic.Int64{}}, FirstRetry: time.Millisecond, LastRetry: time.Millisecond})
	await(t, "all are handled", func() bool { state := b.state("p"); return state.Handled == 50 && state.Behind == 0 })
	if got, _ := b.redis.Do("HGET im:{97}:counts:p:texts word"); got != "50" {
		t.Errorf("%s are counted, want 50", got)
	}
}
