// Package hintstest has the common parts of tests of Watches.
package hintstest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
)

// OnEveryForm runs a test on each kind of Redis that Pullchat runs on.
func OnEveryForm(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for name, start := range map[string]func(*testing.T) string{
		"embedded": func(t *testing.T) string { return "redis://" + miniredis.RunT(t).Addr() },
		"single":   func(t *testing.T) string { return redistest.Start(t).URL() },
		"sentinel": func(t *testing.T) string { return redistest.StartSentinel(t).URL() },
		"cluster":  func(t *testing.T) string { return redistest.StartCluster(t).URL() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

// Watching is a Watch with the events that a test has received and not used yet.
type Watching struct {
	chat.Watch
	t    *testing.T
	Seen []chat.Event
}

// WatchOf follows chats until the test ends.
func WatchOf(t *testing.T, s interface{ Watch() chat.Watch }, chats ...chat.ID) *Watching {
	t.Helper()
	w := &Watching{Watch: s.Watch(), t: t}
	t.Cleanup(w.Close)
	w.Add(chats...)
	return w
}

// Until waits for an event, and drops it and those before it.
func (w *Watching) Until(what string, wanted func(chat.Event) bool) chat.Event {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		if i := slices.IndexFunc(w.Seen, wanted); i >= 0 {
			found := w.Seen[i]
			w.Seen = w.Seen[i+1:]
			return found
		}
		more, err := w.Next(ctx)
		if err != nil {
			w.t.Fatalf("%s: %v; after %v", what, err, w.Seen)
		}
		w.Seen = append(w.Seen, more...)
	}
}

// Hinted waits for a hint at a position.
func (w *Watching) Hinted(id chat.ID, position int64) {
	w.t.Helper()
	w.Until(fmt.Sprintf("a hint of %s at %d", id, position), func(e chat.Event) bool {
		return e.Kind == chat.Hint && e.Chat == id && e.Position >= position
	})
}

// Confirmed waits for any hint of chats.
func (w *Watching) Confirmed(ids ...chat.ID) {
	w.t.Helper()
	for left := slices.Clone(ids); len(left) > 0; {
		e := w.Until(fmt.Sprintf("a hint of %v", left), func(e chat.Event) bool {
			return e.Kind == chat.Hint && slices.Contains(left, e.Chat)
		})
		left = slices.DeleteFunc(left, func(id chat.ID) bool { return id == e.Chat })
	}
}

// AllHinted waits for hints at all positions, in any order.
func (w *Watching) AllHinted(left map[chat.ID]int64) {
	w.t.Helper()
	for len(left) > 0 {
		e := w.Until(fmt.Sprintf("hints of %v", left), func(e chat.Event) bool {
			return e.Kind == chat.Hint && left[e.Chat] != 0 && e.Position >= left[e.Chat]
		})
		delete(left, e.Chat)
	}
}

// RoomsOf returns the ids of n rooms.
func RoomsOf(t *testing.T, n int) []chat.ID {
	t.Helper()
	rooms := make([]chat.ID, n)
	for i := range rooms {
		var err error
		if rooms[i], err = chat.ParseID(fmt.Sprintf("room-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	return rooms
}

// NoSweep is a Sweep for tests without sweeps.
const NoSweep = time.Hour

// Eventually waits for a condition.
func Eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
