package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
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

// TestHintsOfAChatAreOne: the furthest hint is kept, in any number and order of hints.
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

// TestAnEmptyChatIsConfirmed: an empty chat gets a hint at 0.
func TestAnEmptyChatIsConfirmed(t *testing.T) {
	q := New()
	q.Put(hint(id(t, "room"), 0))
	if events := next(t, q); len(events) != 1 {
		t.Errorf("Next() = %+v, want the hint", events)
	}
}

// TestNews: news are kept in order and up to a number. Each cursor move and change of presence is kept once.
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

// brings is a hint with entries at the positions that follow before.
func brings(id chat.ID, before int64, entries ...string) chat.Event {
	e := chat.Event{Chat: id, Position: before + int64(len(entries)), Before: before}
	for _, entry := range entries {
		e.Entries = append(e.Entries, []byte(entry))
	}
	return e
}

// TestEntriesOfHints: entries of consecutive hints are joined up to a limit. Otherwise the hint has no entries.
func TestEntriesOfHints(t *testing.T) {
	room, other := id(t, "room"), id(t, "other")
	long := strings.Repeat("x", MaxChatBytes/2)
	many := make([]string, MaxEntries)
	for name, c := range map[string]struct {
		put  []chat.Event
		want chat.Event
	}{
		"one":                         {[]chat.Event{brings(room, 1, "a")}, brings(room, 1, "a")},
		"three":                       {[]chat.Event{brings(room, 1, "a"), brings(room, 2, "b"), brings(room, 3, "c")}, brings(room, 1, "a", "b", "c")},
		"gathered before":             {[]chat.Event{brings(room, 1, "a", "b"), brings(room, 3, "c", "d")}, brings(room, 1, "a", "b", "c", "d")},
		"doubled":                     {[]chat.Event{brings(room, 1, "a"), brings(room, 1, "a"), brings(room, 2, "b"), brings(room, 1, "a")}, brings(room, 1, "a", "b")},
		"one is missing":              {[]chat.Event{brings(room, 1, "a"), brings(room, 3, "c")}, hint(room, 4)},
		"after one that was missing":  {[]chat.Event{brings(room, 1, "a"), brings(room, 3, "c"), brings(room, 4, "d")}, hint(room, 5)},
		"reordered":                   {[]chat.Event{brings(room, 2, "b"), brings(room, 1, "a")}, brings(room, 2, "b")},
		"before is too far back":      {[]chat.Event{brings(room, 3, "c"), {Chat: room, Position: 5, Before: 1, Entries: [][]byte{[]byte("d")}}}, hint(room, 5)},
		"a further hint without them": {[]chat.Event{brings(room, 1, "a"), hint(room, 5)}, hint(room, 5)},
		"the same without them":       {[]chat.Event{brings(room, 1, "a"), hint(room, 2)}, brings(room, 1, "a")},
		"after a hint without them":   {[]chat.Event{hint(room, 1), brings(room, 1, "a")}, hint(room, 2)},
		"as many as may be":           {[]chat.Event{brings(room, 1, many...)}, brings(room, 1, many...)},
		"too many":                    {[]chat.Event{brings(room, 1, many...), brings(room, 1+MaxEntries, "a")}, hint(room, 2+MaxEntries)},
		"as long as may be":           {[]chat.Event{brings(room, 1, long), brings(room, 2, long)}, brings(room, 1, long, long)},
		"too long":                    {[]chat.Event{brings(room, 1, long, long), brings(room, 3, "a")}, hint(room, 4)},
		"too long at once":            {[]chat.Event{brings(room, 1, long, long, "a")}, hint(room, 4)},
	} {
		q := New()
		q.Put(c.put...)
		if got := next(t, q); len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
			t.Errorf("%s: Next() = %+v, want %+v", name, got, c.want)
		}
		q.Put(brings(other, 1, "a"))
		if got := next(t, q); len(got) != 1 || !reflect.DeepEqual(got[0], brings(other, 1, "a")) {
			t.Errorf("%s: later Next() = %+v, want what was put since", name, got)
		}
	}
}

// TestEntriesOfAllHintsAreBounded: the limit holds over all chats, and again after the entries were taken.
func TestEntriesOfAllHintsAreBounded(t *testing.T) {
	q, long := New(), strings.Repeat("x", 1<<10)
	for range 2 {
		for i := range 3 << 10 {
			q.Put(brings(id(t, fmt.Sprint("room", i)), 1, long))
			q.Put(brings(id(t, fmt.Sprint("room", i)), 2, long))
		}
		held, events := 0, next(t, q)
		for _, e := range events {
			for _, entry := range e.Entries {
				held += len(entry)
			}
		}
		if len(events) != 3<<10 || held != MaxQueueBytes {
			t.Errorf("%d hints bring %d bytes, want %d and %d", len(events), held, 3<<10, MaxQueueBytes)
		}
	}
}

// TestEntriesAreNotChanged: entries are shared by many queues, so no queue may change them.
func TestEntriesAreNotChanged(t *testing.T) {
	room := id(t, "room")
	shared := make([][]byte, 1, 8)
	shared[0] = []byte("a")
	one, two := New(), New()
	for i, q := range []*Queue{one, two} {
		q.Put(chat.Event{Chat: room, Position: 2, Before: 1, Entries: shared})
		q.Put(brings(room, 2, fmt.Sprint("b", i)))
	}
	if got := string(next(t, one)[0].Entries[1]); got != "b0" {
		t.Errorf("the second entry of the first queue is %q, want its own", got)
	}
	_ = next(t, two)
}
