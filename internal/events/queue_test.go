package events

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func id(t *testing.T, name string) chat.ID {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func next(t *testing.T, q *Queue) []chat.Event {
	t.Helper()
	events, err := q.Next(t.Context())
	if err != nil {
		t.Fatalf("Next() = %v", err)
	}
	return events
}

func hint(id chat.ID, position int64) chat.Event { return chat.Event{Chat: id, Position: position} }

// TestHintsOfAChatAreOne: the furthest, however many come and in whichever order.
func TestHintsOfAChatAreOne(t *testing.T) {
	q, room := New(), id(t, "room")
	q.Put(hint(room, 0), hint(room, 7))
	q.Put(hint(room, 5))
	if events := next(t, q); len(events) != 1 || events[0].Position != 7 {
		t.Errorf("Next() = %+v, want one hint at 7", events)
	}
	q.Put(hint(room, 3)) // a confirmation after the position went back
	if events := next(t, q); len(events) != 1 || events[0].Position != 3 {
		t.Errorf("Next() = %+v, want what came after", events)
	}
}

// TestAnEmptyChatIsConfirmed with a hint at 0.
func TestAnEmptyChatIsConfirmed(t *testing.T) {
	q := New()
	q.Put(hint(id(t, "room"), 0))
	if events := next(t, q); len(events) != 1 {
		t.Errorf("Next() = %+v, want the hint", events)
	}
}

// TestNews are kept in order, each movement and change of presence once, and up to a number.
func TestNews(t *testing.T) {
	q, room := New(), id(t, "room")
	moved := func(reader string, cursor int64) chat.Event {
		return chat.Event{Chat: room, Kind: chat.Moved, Reading: &chat.Reading{Reader: reader, Cursor: cursor}}
	}
	q.Put(moved("alice", 1), moved("bob", 1), moved("alice", 2), chat.Event{Chat: room, Kind: chat.PresenceChanged}, chat.Event{Chat: room, Kind: chat.PresenceChanged})
	events := next(t, q)
	if len(events) != 3 || events[0].Reading.Cursor != 2 || events[1].Reading.Reader != "bob" {
		t.Errorf("Next() = %+v, want alice at 2, bob at 1, and one change of presence", events)
	}
	for i := range MaxNews + 10 {
		q.Put(chat.Event{Chat: room, Kind: chat.Signalled, Signal: &chat.Signal{Type: fmt.Sprint(i)}})
	}
	events = next(t, q)
	if len(events) != MaxNews || events[0].Signal.Type != "10" {
		t.Errorf("Next() = %d events from %q on, want %d, without the oldest ten", len(events), events[0].Signal.Type, MaxNews)
	}
}

func TestNextWaits(t *testing.T) {
	q, room := New(), id(t, "room")
	got := make(chan []chat.Event, 1)
	go func() {
		events, _ := q.Next(context.Background())
		got <- events
	}()
	q.Put(hint(room, 1))
	if events := <-got; len(events) != 1 {
		t.Errorf("Next() = %+v, want the hint that came later", events)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next() = %v, want that its context has ended", err)
	}
	q.Close()
	q.Put(hint(room, 2))
	if _, err := q.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Next() = %v after Close, want ErrClosed", err)
	}
}
