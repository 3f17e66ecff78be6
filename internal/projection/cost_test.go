package projection_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/placement"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// costs is a source that counts the chats that are asked for and returned.
type costs struct {
	projection.Source
	mutex                          sync.Mutex
	found, cursors, pulls, commits int
	most                           int // chats in one answer
}

func (c *costs) count(f func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	f()
}

func (c *costs) Moved(ctx context.Context, queries []chat.MovedSince) ([][]chat.MovedChat, error) {
	moved, err := c.Source.Moved(ctx, queries)
	c.count(func() {
		n := 0
		for _, page := range moved {
			n += len(page)
		}
		c.found += n
		c.most = max(c.most, n)
	})
	return moved, err
}

func (c *costs) Cursors(ctx context.Context, name string, chats []string) ([]chat.Cursor, error) {
	c.count(func() { c.cursors += len(chats) })
	return c.Source.Cursors(ctx, name, chats)
}

func (c *costs) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	c.count(func() { c.pulls++ })
	return c.Source.Pull(ctx, r)
}

func (c *costs) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	c.count(func() {
		for _, commit := range commits {
			c.commits += len(commit.Cursors)
		}
	})
	return c.Source.Commit(ctx, name, commits)
}

// fill puts chats into the index that had their last message an hour ago.
func (b *bed) fill(chats int) {
	b.t.Helper()
	options, err := redis.ParseURL(b.redis.URL())
	if err != nil {
		b.t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	keys := layout.NewKeys("im", b.count, 0)
	members := make([][]redis.Z, b.count)
	before := time.Now().Add(-time.Hour).UnixMicro()
	for i := range chats {
		name := fmt.Sprint("idle", i)
		p := placement.Partition(name, b.count)
		members[p] = append(members[p], redis.Z{Member: name, Score: float64(before + int64(i))})
	}
	for p, list := range members {
		if len(list) == 0 {
			continue
		}
		if err := client.ZAdd(b.t.Context(), keys.Partitions[p].Activity, list...).Err(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestOneOfManyChatsMoves: of 20,000 chats, or a million, one moves. Only that one is found, placed, pulled and stored.
func TestOneOfManyChatsMoves(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	b.fill(longtest.Pick(20_000, 1_000_000))
	s, source := newSink(), &costs{Source: b}
	b.worker(source, projection.Projection{Name: "p", Handler: s, Start: chat.StartNow})
	await(t, "the worker looks", func() bool { state := b.state("p"); return len(state.Owners) == 1 && state.Behind == 0 })
	b.send("room", "hello")
	await(t, "its message is handled", func() bool { return s.got("room") == "hello" && b.state("p").Lag == 0 })
	source.mutex.Lock()
	defer source.mutex.Unlock()
	if source.most != 1 || source.cursors != 1 || source.pulls != 1 || source.commits != 1 {
		t.Errorf("an answer has up to %d chats, %d cursors were read, %d pages, and %d cursors stored; want one each", source.most, source.cursors, source.pulls, source.commits)
	}
}

// TestSweepIsBounded: the comparison of all chats with their cursors reads few chats at a time, and holds up neither a message nor
// the lag.
func TestSweepIsBounded(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{Partitions: 4})
	chats := longtest.Pick(20_000, 200_000)
	b.fill(chats)
	s, source := newSink(), &costs{Source: b}
	w, err := projection.New(projection.Config{Source: source, Log: quiet(), Poll: 10 * time.Millisecond, Sweep: 100 * time.Millisecond})
	if err == nil {
		err = w.Set([]projection.Projection{{Name: "p", Handler: s, Start: chat.StartNow}})
	}
	if err != nil {
		t.Fatal(err)
	}
	b.start(w)
	sent := 0
	var lag time.Duration
	await(t, "all chats are compared", func() bool {
		if _, n := s.count(); n == sent { // one after the other
			b.send("room", "hello")
			sent++
		}
		for _, stats := range w.Stats() {
			lag = max(lag, stats.Lag)
		}
		source.mutex.Lock()
		defer source.mutex.Unlock()
		return source.cursors > chats
	})
	source.mutex.Lock()
	defer source.mutex.Unlock()
	if source.most > 501 || source.pulls > 2*sent || source.commits > sent {
		t.Errorf("an answer has up to %d chats; %d messages cost %d pages and %d cursors", source.most, sent, source.pulls, source.commits)
	}
	if lag > 30*time.Minute { // the idle chats are older, and were handled
		t.Errorf("the lag was up to %v", lag)
	}
}
