package storage

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// onEveryForm runs a test on each kind of Redis that Pullchat runs on.
func onEveryForm(t *testing.T, test func(t *testing.T, url string)) {
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

// watching is a Watch with what it has told a test so far.
type watching struct {
	chat.Watch
	t    *testing.T
	seen []chat.Event
}

func watchOf(t *testing.T, s *Store, chats ...chat.ID) *watching {
	t.Helper()
	w := &watching{Watch: s.Watch(), t: t}
	t.Cleanup(w.Close)
	w.Add(chats...)
	return w
}

// until waits for an event, and drops it and those before it.
func (w *watching) until(what string, wanted func(chat.Event) bool) chat.Event {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		if i := slices.IndexFunc(w.seen, wanted); i >= 0 {
			found := w.seen[i]
			w.seen = w.seen[i+1:]
			return found
		}
		more, err := w.Next(ctx)
		if err != nil {
			w.t.Fatalf("%s: %v; after %v", what, err, w.seen)
		}
		w.seen = append(w.seen, more...)
	}
}

// hinted waits for a hint at a position.
func (w *watching) hinted(id chat.ID, position int64) {
	w.t.Helper()
	w.until(fmt.Sprintf("a hint of %s at %d", id, position), func(e chat.Event) bool {
		return e.Kind == chat.Hint && e.Chat == id && e.Position >= position
	})
}

// confirmed waits for any hint of chats.
func (w *watching) confirmed(ids ...chat.ID) {
	w.t.Helper()
	for left := slices.Clone(ids); len(left) > 0; {
		e := w.until(fmt.Sprintf("a hint of %v", left), func(e chat.Event) bool {
			return e.Kind == chat.Hint && slices.Contains(left, e.Chat)
		})
		left = slices.DeleteFunc(left, func(id chat.ID) bool { return id == e.Chat })
	}
}

func sendTo(t *testing.T, s *Store, id chat.ID) int64 {
	t.Helper()
	a, err := appendOne(s, id, chat.Message{Text: "x", Sender: "alice"})
	if err != nil {
		t.Fatalf("Append(%s) = %v", id, err)
	}
	return a.SendTime
}

// sendToAll returns the positions.
func sendToAll(t *testing.T, s *Store, ids []chat.ID) map[chat.ID]int64 {
	t.Helper()
	sent := map[chat.ID]int64{}
	for _, id := range ids {
		sent[id] = sendTo(t, s, id)
	}
	return sent
}

// allHinted waits for hints at all positions, in any order.
func (w *watching) allHinted(left map[chat.ID]int64) {
	w.t.Helper()
	for len(left) > 0 {
		e := w.until(fmt.Sprintf("hints of %v", left), func(e chat.Event) bool {
			return e.Kind == chat.Hint && left[e.Chat] != 0 && e.Position >= left[e.Chat]
		})
		delete(left, e.Chat)
	}
}

func roomsOf(t *testing.T, n int) []chat.ID {
	t.Helper()
	rooms := make([]chat.ID, n)
	for i := range rooms {
		rooms[i] = id(t, fmt.Sprintf("room-%d", i))
	}
	return rooms
}

// noSweep is for tests of what comes without it.
const noSweep = time.Hour

// TestWatch: what is followed is confirmed at its position, and what is stored afterwards is hinted at.
func TestWatch(t *testing.T) {
	t.Parallel()
	onEveryForm(t, func(t *testing.T, url string) {
		store, other := openAt(t, url, Options{Sweep: noSweep}), openAt(t, url, Options{})
		rooms := roomsOf(t, 40)
		before := sendTo(t, other, rooms[0])
		w := watchOf(t, store, rooms...)
		confirmed := w.until("the confirmation", func(e chat.Event) bool { return e.Chat == rooms[0] })
		if confirmed.Position != before {
			t.Errorf("%s was confirmed at %d, want %d", rooms[0], confirmed.Position, before)
		}
		late := id(t, "late")
		w.Add(late)
		if empty := w.until("the confirmation", func(e chat.Event) bool { return e.Chat == late }); empty.Position != 0 {
			t.Errorf("an empty chat was confirmed at %d, want 0", empty.Position)
		}
		for _, room := range append(rooms, late) {
			w.hinted(room, sendTo(t, other, room))
		}
	})
}

// TestWhatIsPublished pins the form of a hint, with the entry where it is short, and that a repeated id is none.
func TestWhatIsPublished(t *testing.T) {
	t.Parallel()
	onEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{IdempotencyWindow: time.Hour})
		ctx, cancel := contextFor(20 * time.Second)
		defer cancel()
		one, err := store.nodes.ForKey(ctx, "im:{45}:hints")
		if err != nil {
			t.Fatal(err)
		}
		subscription := one.Client.Subscribe(ctx, "im:{45}:hints")
		if store.nodes.Cluster != nil {
			_ = subscription.Close()
			subscription = one.Client.SSubscribe(ctx, "im:{45}:hints")
		}
		defer func() { _ = subscription.Close() }()
		if _, err := subscription.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		store.keys.Of(id(t, "alice:bob")).Followed.Store(true) // as after a first hint that somebody received
		before := int64(0)
		for i, text := range []string{"0", strings.Repeat("long ", 200), "2 3\n", "3"} {
			m := chat.Message{Text: text, Sender: "alice", ID: fmt.Sprint(i)}
			sent := appendUntilStored(t, store, id(t, "bob:alice"), m)
			appendUntilStored(t, store, id(t, "bob:alice"), m)
			got, err := subscription.ReceiveMessage(ctx)
			want := fmt.Sprintf("alice:bob %d", sent.SendTime)
			if len(text) < 100 {
				want += fmt.Sprintf(" %d %d%s", before, sent.SendTime, layout.Encode(m))
			}
			if err != nil || got.Payload != want {
				t.Fatalf("published: %v, %v; want %q", got, err, want)
			}
			before = sent.SendTime
		}
	})
}

// TestHintsOfOtherForms: what a later release may publish is a hint as far as it is understood, or nothing.
func TestHintsOfOtherForms(t *testing.T) {
	for payload, want := range map[string]chat.Event{
		"7":         {Position: 7},
		"7 3 e f g": {Position: 7, Before: 3, Entries: [][]byte{[]byte("e f g")}},
		"7 0 ":      {Position: 7, Entries: [][]byte{{}}},
		"7 ":        {Position: 7},
		"7 3":       {Position: 7},
		"7 x e":     {Position: 7},
		"7  e":      {Position: 7},
		"":          {Position: -1},
		"x 3 e":     {Position: -1},
		" 7 3 e":    {Position: -1},
	} {
		got, ok := parseHint(payload)
		if !ok {
			got.Position = -1
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("parseHint(%q) = %+v, %v; want %+v", payload, got, ok, want)
		}
	}
}

// TestHintsBringWhatTheLogHas: entries, in order, after the position that the one before them has ended with.
func TestHintsBringWhatTheLogHas(t *testing.T) {
	t.Parallel()
	onEveryForm(t, func(t *testing.T, url string) {
		store, other := openAt(t, url, Options{Sweep: noSweep}), openAt(t, url, Options{})
		room := id(t, "room")
		at := sendTo(t, other, room)
		w := watchOf(t, store, room)
		w.hinted(room, at)
		at = sendTo(t, other, room) // by this hint the other one learns that somebody follows
		w.hinted(room, at)
		var brought []chat.Message
		for range 20 {
			last := sendTo(t, other, room)
			for before := at; at < last; before = at {
				e := w.until("a hint", func(e chat.Event) bool { return e.Chat == room && e.Position > before })
				if e.Before != at || len(e.Entries) == 0 {
					t.Fatalf("after %d came a hint at %d with %d entries after %d", at, e.Position, len(e.Entries), e.Before)
				}
				for _, entry := range e.Entries {
					m, err := layout.DecodeMember(string(entry))
					if err != nil {
						t.Fatal(err)
					}
					brought = append(brought, m)
				}
				at = e.Position
			}
		}
		ranged := store.Range(context.Background(), []chat.Range{{Chat: room, From: brought[0].SendTime, Limit: 100}})[0]
		if ranged.Err != nil || !reflect.DeepEqual(ranged.Messages, brought) {
			t.Errorf("hints brought %+v, the log has %+v, %v", brought, ranged.Messages, ranged.Err)
		}
	})
}

// TestBeforeIsThePositionInTheLog, also where the log has lost its message; 0 where the chat is a new one.
func TestBeforeIsThePositionInTheLog(t *testing.T) {
	t.Parallel()
	onEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{Sweep: noSweep, MaxChatMessages: 2, Retention: time.Hour})
		room := id(t, "room")
		w := watchOf(t, store, room)
		w.confirmed(room)
		before := int64(0)
		for i := range 4 {
			if i == 3 { // as when it is deleted
				log, _, activity := store.keys.Append(room)
				one, err := store.nodes.ForKey(t.Context(), log)
				if err == nil {
					err = one.Client.Del(t.Context(), log, activity).Err()
				}
				if err != nil {
					t.Fatal(err)
				}
				before = 0
			}
			at := sendTo(t, store, room)
			e := w.until("its hint", func(e chat.Event) bool { return e.Chat == room && e.Position == at })
			if e.Before != before || len(e.Entries) != 1 {
				t.Errorf("the hint at %d brings %d entries after %d, want one after %d", at, len(e.Entries), e.Before, before)
			}
			before = at
		}
	})
}

// TestFanOut: every Watch that follows a chat is told, and none that does not, or no longer.
func TestFanOut(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{Sweep: noSweep})
	one, two := id(t, "one"), id(t, "two")
	both, first, gone := watchOf(t, store, one, two), watchOf(t, store, one), watchOf(t, store, one, two)
	both.confirmed(one, two)
	first.confirmed(one)
	gone.confirmed(one, two)
	gone.Remove(one)
	for range 3 {
		at := sendTo(t, store, one)
		both.hinted(one, at)
		first.hinted(one, at)
	}
	at := sendTo(t, store, two)
	both.hinted(two, at)
	gone.until("only the hint of two", func(e chat.Event) bool {
		if e.Chat == one && e.Position > 0 {
			t.Errorf("a Watch that had removed %s was told %+v", one, e)
		}
		return e.Chat == two && e.Position == at
	})
	gone.Close()
	if _, err := gone.Next(context.Background()); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next() after Close() = %v, want ErrClosed", err)
	}
	both.hinted(one, sendTo(t, store, one))
}

// TestASlowNext costs one hint for each chat.
func TestASlowNext(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{Sweep: noSweep})
	room, other := id(t, "room"), id(t, "other")
	w, fast := watchOf(t, store, room, other), watchOf(t, store, room)
	w.confirmed(room, other)
	fast.confirmed(room)
	var last int64
	for range 50 {
		last = sendTo(t, store, room)
	}
	fast.hinted(room, last) // so it was told to all
	w.until("the hint of the last of them", func(e chat.Event) bool {
		if e.Position != last && e.Position != 0 {
			t.Errorf("Next() told %+v, want only the furthest at %d", e, last)
		}
		return e.Position == last
	})
	if len(w.seen) > 0 {
		t.Errorf("Next() told %v as well, want one hint", w.seen)
	}
}

// TestManyAtOnce add, remove and close Watches while messages are stored; whoever follows at the end is told.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{Sweep: 100 * time.Millisecond})
	store.hub.idle = time.Millisecond
	rooms := roomsOf(t, 20)
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
	w := watchOf(t, store, rooms...)
	busy.Wait()
	w.allHinted(sendToAll(t, store, rooms))
}

// TestCloseEndsWatches: goleak sees what is left.
func TestCloseEndsWatches(t *testing.T) {
	t.Parallel()
	store, err := Open(redistest.Start(t).URL(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextFor(20 * time.Second)
	defer cancel()
	w := watchOf(t, store, roomsOf(t, 10)...)
	w.confirmed(roomsOf(t, 10)...)
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
