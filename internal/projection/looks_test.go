package projection_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

// uncalled are the methods that no worker calls.
type uncalled = chat.Projections

// lively is a source of 256 partitions, in which some chats move from one look to the next.
type lively struct {
	uncalled
	chats        int // that move
	looks, calls int
}

func (l *lively) PartitionStates(_ context.Context, partitions []int) ([]chat.PartitionState, error) {
	n := len(partitions)
	if partitions == nil {
		n = 256
	} else {
		l.looks++
	}
	states := make([]chat.PartitionState, n)
	now := time.Now().UnixMicro()
	for i := range states {
		states[i] = chat.PartitionState{Newest: now - 1, Clock: now}
	}
	return states, nil
}

func (l *lively) Moved(_ context.Context, queries []chat.MovedSince) ([][]chat.MovedChat, error) {
	if queries[0].Since > 0 { // otherwise it is a sweep
		l.calls++
	}
	moved := make([][]chat.MovedChat, len(queries))
	for i, q := range queries {
		for n := q.Partition; n < l.chats; n += 256 {
			moved[i] = append(moved[i], chat.MovedChat{Chat: fmt.Sprint("room", n), Position: time.Now().UnixMicro() - 1})
		}
	}
	return moved, nil
}

func (l *lively) Claim(_ context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	claimed := chat.Claimed{Leases: make([]chat.Lease, len(r.Claims)), Workers: []string{r.Worker}}
	for i := range claimed.Leases {
		claimed.Leases[i] = chat.Lease{Token: 1, Start: 1, Floor: 1}
	}
	return claimed, nil
}

func (l *lively) Cursors(_ context.Context, _ string, chats []string) ([]chat.Cursor, error) {
	return make([]chat.Cursor, len(chats)), nil
}

func (l *lively) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	return chat.Page{Messages: []chat.Message{{Chat: r.Chat, Sender: "ann", Text: "hello", SendTime: time.Now().UnixMicro()}}}, nil
}

func (l *lively) Commit(_ context.Context, _ string, commits []chat.Commit) ([]bool, error) {
	stored := make([]bool, len(commits))
	for i := range stored {
		stored[i] = true
	}
	return stored, nil
}

// TestLooksAreRarerUnderLoad: where many chats move, a worker looks at them less often, so that a page has more messages. A look is two
// calls, however many partitions have moved.
func TestLooksAreRarerUnderLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ chats, looks int }{{0, 50}, {100, 50}, {300, 25}, {3000, 10}} {
		t.Run(fmt.Sprint(c.chats), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &lively{chats: c.chats}
				w, err := projection.New(projection.Config{Source: source, Log: quiet(), Name: "w"})
				if err == nil {
					err = w.Set([]projection.Projection{{Name: "p", Handler: newSink(), Start: chat.StartNow}})
				}
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
				defer stop()
				if err := w.Run(ctx); err != nil {
					t.Fatal(err)
				}
				if source.looks < c.looks-3 || source.looks > c.looks+1 || source.calls > source.looks {
					t.Errorf("%d looks with %d further calls in 5 s, want %d of each", source.looks, source.calls, c.looks)
				}
			})
		})
	}
}
