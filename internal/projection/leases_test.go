package projection_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// dying is a source of a worker that has been killed.
type dying struct {
	projection.Source
	mutex sync.Mutex
	dead  bool
}

var errDead = errors.New("killed")

func (d *dying) kill() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.dead = true
}

func (d *dying) err() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.dead {
		return errDead
	}
	return nil
}

func (d *dying) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	if err := d.err(); err != nil {
		return nil, err
	}
	return d.Source.Commit(ctx, name, commits)
}

func (d *dying) Claim(ctx context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	if err := d.err(); err != nil {
		return chat.Claimed{}, err
	}
	return d.Source.Claim(ctx, r)
}

func (d *dying) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	if err := d.err(); err != nil {
		return nil, err
	}
	return d.Source.PartitionStates(ctx, partitions)
}

// TestTakeOver: two workers share the partitions. When one is killed the other takes over, and nothing is skipped.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	p := projection.Projection{Name: "p", Handler: s}
	killed := &dying{Source: b}
	stopKilled := b.worker(killed, p)
	stop := b.worker(b, p)
	await(t, "both have partitions", func() bool {
		owners := b.state("p").Owners
		some := 0
		for _, n := range owners {
			some += n
		}
		return len(owners) == 2 && some == 256
	})
	sent := 0
	send := func(n int) {
		for range n {
			b.send(fmt.Sprint("room", sent%50), fmt.Sprint(sent))
			sent++
		}
	}
	send(500)
	killed.kill()
	send(500)
	began := time.Now()
	await(t, "all is handled", func() bool { _, n := s.count(); return n == sent })
	await(t, "one has all partitions", func() bool {
		owners := b.state("p").Owners
		return len(owners) == 1 && slices.Contains(slices.Collect(maps.Values(owners)), 256)
	})
	t.Logf("taken over after %v", time.Since(began))
	stopKilled()
	stop()
	if len(s.faults) > 0 {
		t.Error(s.faults)
	}
	for c := range 50 {
		var want []string
		for i := c; i < sent; i += 50 {
			want = append(want, fmt.Sprint(i))
		}
		if room := fmt.Sprint("room", c); s.got(room) != strings.Join(want, " ") {
			t.Errorf("%s has %s", room, s.got(room))
		}
	}
}

// TestTokensRise: also above those of a removed projection of the same name, whose owner may still be there.
func TestTokensRise(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	claim := func(worker string) int64 {
		t.Helper()
		claimed, err := b.Claim(t.Context(), chat.ClaimRequest{Projection: "p", Worker: worker, Claims: []chat.Claim{{Partition: 97}}})
		if err != nil {
			t.Fatal(err)
		}
		return claimed.Leases[0].Token
	}
	first := claim("first")
	b.change(chat.ProjectionChange{Name: "p", Action: chat.RemoveProjection})
	if second := claim("second"); first == 0 || second <= first {
		t.Errorf("the token is %d after %d", second, first)
	}
	stored, err := b.Commit(t.Context(), "p", []chat.Commit{{Partition: 97, Token: first}})
	if err != nil || stored[0] {
		t.Errorf("the commit of the first owner is stored: %v, %v", stored, err)
	}
}
