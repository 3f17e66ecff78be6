package hints_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/hints"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// keys are those of an untouched Redis.
var keys = layout.NewKeys("im", layout.DefaultPartitions, 0)

func openAt(t testing.TB, url string, options storage.Options) *storage.Store {
	t.Helper()
	store, err := storage.Open(url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func message(i int) chat.Message {
	return chat.Message{Sender: "a", Text: fmt.Sprint(i), ID: fmt.Sprint(i)}
}

func appendOne(s *storage.Store, chatID chat.ID, m chat.Message) (chat.Appended, error) {
	a := s.Append(context.Background(), []chat.Append{{Chat: chatID, Message: m}})[0]
	return a, a.Err
}

// appendUntilStored repeats a message with its id until it is acknowledged, as a client does.
func appendUntilStored(t *testing.T, store *storage.Store, chatID chat.ID, m chat.Message) chat.Appended {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		a, err := appendOne(store, chatID, m)
		if err == nil {
			return a
		}
		if code := chat.CodeOf(err); code != chat.Unavailable && code != chat.DeadlineExceeded {
			t.Fatalf("Append() = %v, want unavailable or deadline_exceeded until it works", err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("Append() = %v after 20 s", err)
		}
	}
}

func sendTo(t *testing.T, s *storage.Store, id chat.ID) int64 {
	t.Helper()
	a, err := appendOne(s, id, chat.Message{Text: "x", Sender: "alice"})
	if err != nil {
		t.Fatalf("Append(%s) = %v", id, err)
	}
	return a.SendTime
}

// sendToAll returns the positions.
func sendToAll(t *testing.T, s *storage.Store, ids []chat.ID) map[chat.ID]int64 {
	t.Helper()
	sent := map[chat.ID]int64{}
	for _, id := range ids {
		sent[id] = sendTo(t, s, id)
	}
	return sent
}

// TestWatch: a followed chat is confirmed at its position, and later messages are hinted at.
func TestWatch(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store, other := openAt(t, url, storage.Options{Sweep: hintstest.NoSweep}), openAt(t, url, storage.Options{})
		rooms := hintstest.RoomsOf(t, 40)
		before := sendTo(t, other, rooms[0])
		w := hintstest.WatchOf(t, store, rooms...)
		confirmed := w.Until("the confirmation", func(e chat.Event) bool { return e.Chat == rooms[0] })
		if confirmed.Position != before {
			t.Errorf("%s was confirmed at %d, want %d", rooms[0], confirmed.Position, before)
		}
		late := chattest.ID(t, "late")
		w.Add(late)
		if empty := w.Until("the confirmation", func(e chat.Event) bool { return e.Chat == late }); empty.Position != 0 {
			t.Errorf("an empty chat was confirmed at %d, want 0", empty.Position)
		}
		for _, room := range append(rooms, late) {
			w.Hinted(room, sendTo(t, other, room))
		}
	})
}

// TestFanOut: every Watch that follows a chat is told, and none that does not, or no longer.
func TestFanOut(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), storage.Options{Sweep: hintstest.NoSweep})
	one, two := chattest.ID(t, "one"), chattest.ID(t, "two")
	both, first, gone := hintstest.WatchOf(t, store, one, two), hintstest.WatchOf(t, store, one), hintstest.WatchOf(t, store, one, two)
	both.Confirmed(one, two)
	first.Confirmed(one)
	gone.Confirmed(one, two)
	gone.Remove(one)
	for range 3 {
		at := sendTo(t, store, one)
		both.Hinted(one, at)
		first.Hinted(one, at)
	}
	at := sendTo(t, store, two)
	both.Hinted(two, at)
	gone.Until("only the hint of two", func(e chat.Event) bool {
		if e.Chat == one && e.Position > 0 {
			t.Errorf("a Watch that had removed %s was told %+v", one, e)
		}
		return e.Chat == two && e.Position == at
	})
	gone.Close()
	if _, err := gone.Next(context.Background()); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next() after Close() = %v, want ErrClosed", err)
	}
	both.Hinted(one, sendTo(t, store, one))
}

// TestASlowNext costs one hint for each chat.
func TestASlowNext(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), storage.Options{Sweep: hintstest.NoSweep})
	room, other := chattest.ID(t, "room"), chattest.ID(t, "other")
	w, fast := hintstest.WatchOf(t, store, room, other), hintstest.WatchOf(t, store, room)
	w.Confirmed(room, other)
	fast.Confirmed(room)
	var last int64
	for range 50 {
		last = sendTo(t, store, room)
	}
	fast.Hinted(room, last) // so it was told to all
	w.Until("the hint of the last of them", func(e chat.Event) bool {
		if e.Position != last && e.Position != 0 {
			t.Errorf("Next() told %+v, want only the furthest at %d", e, last)
		}
		return e.Position == last
	})
	if len(w.Seen) > 0 {
		t.Errorf("Next() told %v as well, want one hint", w.Seen)
	}
}

// TestManyAtOnce add, remove and close Watches while messages are stored; those that follow at the end are told.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), storage.Options{Sweep: 100 * time.Millisecond})
	hints.SetIdle(store.Watch(), time.Millisecond)
	rooms := hintstest.RoomsOf(t, 20)
	var busy sync.WaitGroup
	for range 8 {
		busy.Go(func() {
			for i := range 50 {
				w := store.Watch()
				w.Add(rooms...)
				if _, err := appendOne(store, rooms[i%len(rooms)], message(i)); err != nil {
					t.Error(err)
				}
				w.Remove(rooms[:i%len(rooms)]...)
				w.Close()
			}
		})
	}
	w := hintstest.WatchOf(t, store, rooms...)
	busy.Wait()
	w.AllHinted(sendToAll(t, store, rooms))
}

// TestCloseEndsWatches: goleak finds goroutines that are left.
func TestCloseEndsWatches(t *testing.T) {
	t.Parallel()
	store, err := storage.Open(redistest.Start(t).URL(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextFor(20 * time.Second)
	defer cancel()
	w := hintstest.WatchOf(t, store, hintstest.RoomsOf(t, 10)...)
	w.Confirmed(hintstest.RoomsOf(t, 10)...)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.Next(ctx); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next() after the Store's Close() = %v, want ErrClosed", err)
	}
	if _, err := store.Watch().Next(ctx); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next() of a Watch after the Store's Close() = %v, want ErrClosed", err)
	}
}

func contextFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
