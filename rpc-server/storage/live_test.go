package storage

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

func kind(k chat.EventKind) func(chat.Event) bool {
	return func(e chat.Event) bool { return e.Kind == k }
}

// TestSignals reach those who watch, as they were told.
func TestSignals(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store, other := openAt(t, url, Options{}), openAt(t, url, Options{})
		pair, room := chattest.ID(t, "alice:bob"), chattest.ID(t, "room")
		w := hintstest.WatchOf(t, store, pair, room)
		w.Confirmed(pair, room)
		for _, told := range []chat.Event{
			{Chat: pair, Kind: chat.Signalled, Signal: &chat.Signal{Chat: "bob:alice", Sender: "bob", Type: "typing", Data: "\x00ü"}},
			{Chat: room, Kind: chat.Signalled, Signal: &chat.Signal{Chat: "room", Sender: "carol", Type: "typing"}},
		} {
			if err := other.Tell(context.Background(), told); err != nil {
				t.Errorf("Tell(%+v) = %v", told, err)
			}
			if got := w.Until("the signal", kind(chat.Signalled)); !reflect.DeepEqual(got, told) {
				t.Errorf("Next() = %+v, want %+v", got, told)
			}
		}
	})
}

// TestDatabasesDoNotHearEachOther, although channels know of no databases.
func TestDatabasesDoNotHearEachOther(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	zero, three := openAt(t, redis.URL(), Options{}), openAt(t, redis.URL()+"/3", Options{})
	room := chattest.ID(t, "room")
	signal := func(from string) chat.Event {
		return chat.Event{Chat: room, Kind: chat.Signalled, Signal: &chat.Signal{Chat: "room", Sender: from, Type: "typing"}}
	}
	w, w3 := hintstest.WatchOf(t, zero, room), hintstest.WatchOf(t, three, room)
	w.Confirmed(room)
	w3.Confirmed(room)
	for _, told := range []struct {
		to   *Store
		from string
	}{{zero, "zero"}, {three, "three"}, {zero, "zero"}} {
		if err := told.to.Tell(context.Background(), signal(told.from)); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if got := w.Until("a signal", kind(chat.Signalled)); got.Signal.Sender != "zero" {
			t.Errorf("a Watch in database 0 was told of %+v", got.Signal)
		}
	}
	if got := w3.Until("a signal", kind(chat.Signalled)); got.Signal.Sender != "three" {
		t.Errorf("a Watch in database 3 was told of %+v", got.Signal)
	}
}

// TestReaders: a cursor moves forward only, and is told of where it has moved.
func TestReaders(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{})
		pair := chattest.ID(t, "alice:bob")
		var end int64
		for range 2 {
			appended, err := appendOne(store, pair, chat.Message{Sender: "bob", Text: "x"})
			if err != nil {
				t.Fatal(err)
			}
			end = appended.SendTime + 1
		}
		w := hintstest.WatchOf(t, store, pair)
		w.Confirmed(pair)
		const none = -1
		for _, c := range []struct {
			reader     string
			cursor     int64
			force      bool
			want, told int64
		}{
			{"alice", 0, false, 0, none},
			{"alice", 7, false, 7, 7},
			{"alice", 7, false, 7, none},
			{"alice", 5, false, 7, none},
			{"alice/phone", 5, false, 5, 5},
			{"alice", end - 1, false, end - 1, end - 1},
			{"alice", end + 1, false, end, end},
			{"alice", chat.MaxCursor, false, end, none},
			{"alice", end - 1, false, end, none},
			{"alice", 255, true, 255, 255},
			{"alice", 255, true, 255, none},
			{"alice", chat.MaxCursor, true, end, end},
			{"alice", 0, true, 0, 0},
			{"alice", 256, false, 256, 256},
		} {
			got, err := store.Advance(context.Background(), pair, chat.Reading{Reader: c.reader, Cursor: c.cursor}, c.force)
			if err != nil || got != c.want {
				t.Errorf("Advance(%s, %d, %v) = %d, %v; want %d", c.reader, c.cursor, c.force, got, err, c.want)
			}
			if c.told == none {
				continue
			}
			moved := w.Until("the movement", kind(chat.Moved))
			if want := (chat.Reading{Reader: c.reader, Cursor: c.told}); *moved.Reading != want || moved.Chat != pair {
				t.Errorf("Next() = %+v, want %+v", moved.Reading, want)
			}
		}
	})
}

// attending is a chat with the attendance of gateways.
type attending struct {
	t     *testing.T
	store *Store
	room  chat.ID
}

func (a attending) says(gateway string, readers ...string) {
	a.t.Helper()
	if err := a.store.ReportPresence(context.Background(), gateway, map[chat.ID][]string{a.room: readers}); err != nil {
		a.t.Errorf("ReportPresence(%s, %v) = %v", gateway, readers, err)
	}
}

func (a attending) want(readers ...string) {
	a.t.Helper()
	got, err := a.store.Present(context.Background(), a.room)
	if err != nil || !slices.Equal(got, readers) {
		a.t.Errorf("Present() = %v, %v; want %v", got, err, readers)
	}
}

// changed counts the PresenceChanged that were published up to now.
func (a attending) changed(w *hintstest.Watching, want bool) {
	a.t.Helper()
	end := chat.Event{Chat: a.room, Kind: chat.Signalled, Signal: &chat.Signal{Chat: a.room.String(), Sender: "x", Type: "end"}}
	if err := a.store.Tell(context.Background(), end); err != nil {
		a.t.Fatal(err)
	}
	told := false
	w.Until("the end", func(e chat.Event) bool {
		told = told || e.Kind == chat.PresenceChanged
		return e.Kind == chat.Signalled
	})
	if told != want {
		a.t.Errorf("PresenceChanged was told: %v, want %v", told, want)
	}
}

// TestPresence: the present readers are those of all gateways together, and only changes of them are published.
func TestPresence(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{})
		a := attending{t, store, chattest.ID(t, "room")}
		w := hintstest.WatchOf(t, store, a.room)
		w.Confirmed(a.room)
		a.want()
		for _, c := range []struct {
			gateway string
			readers []string
			changed bool
			want    []string
		}{
			{"g1", nil, false, nil},
			{"g1", []string{"bob", "alice/phone"}, true, []string{"alice/phone", "bob"}},
			{"g1", []string{"bob", "alice/phone", "bob"}, false, []string{"alice/phone", "bob"}},
			{"g2", []string{"bob"}, false, []string{"alice/phone", "bob"}},
			{"g1", []string{"alice/phone"}, false, []string{"alice/phone", "bob"}},
			{"g", []string{"1"}, true, []string{"1", "alice/phone", "bob"}},
			{"g2", []string{"carol"}, true, []string{"1", "alice/phone", "carol"}},
			{"g1", nil, true, []string{"1", "carol"}},
			{"g2", nil, true, []string{"1"}},
			{"g", nil, true, nil},
			{"g", nil, false, nil},
			{"g1", []string{"bob"}, true, []string{"bob"}},
			{"g2", []string{"bob"}, false, []string{"bob"}},
			{"g2", nil, false, []string{"bob"}},
			{"g1", nil, true, nil},
		} {
			a.says(c.gateway, c.readers...)
			a.want(c.want...)
			a.changed(w, c.changed)
		}
	})
}

// TestPresenceOfAsManyAsThereMayBe: a script's call takes fewer arguments than that.
func TestPresenceOfAsManyAsThereMayBe(t *testing.T) {
	t.Parallel()
	a := attending{t, openAt(t, redistest.Start(t).URL(), Options{}), chattest.ID(t, "room")}
	many := make([]string, chat.MaxReadersAttending)
	for i := range many {
		many[i] = fmt.Sprintf("reader-%05d", i)
	}
	a.says("g1", many...)
	a.want(many...)
	a.says("g1")
	a.want()
}

// TestPresenceLapses: the readers of a gateway that says nothing any more are gone, and another gateway's next call
// tells it, even one without readers.
func TestPresenceLapses(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{})
		store.lapse = 2 * time.Second
		a := attending{t, store, chattest.ID(t, "room")}
		w := hintstest.WatchOf(t, store, a.room)
		w.Confirmed(a.room)
		a.says("died", "alice", "bob")
		a.changed(w, true)
		store.lapse = time.Hour
		a.says("lives", "bob")
		a.changed(w, false)
		a.want("alice", "bob")
		hintstest.Eventually(t, "the report has expired", func() bool {
			readers, err := store.Present(context.Background(), a.room)
			return err == nil && slices.Equal(readers, []string{"bob"})
		})
		a.says("another")
		a.changed(w, true)
		a.says("another")
		a.changed(w, false)
		a.want("bob")
		ttl, err := store.redis.PTTL(context.Background(), store.keys.Present(a.room)).Result()
		if err != nil || ttl <= time.Hour {
			t.Errorf("PTTL = %v, %v; want longer than the lapse", ttl, err)
		}
	})
}

// TestAttendManyChats in one call.
func TestAttendManyChats(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{})
		present := map[chat.ID][]string{}
		for _, room := range hintstest.RoomsOf(t, 120) {
			present[room] = []string{"alice", "bob"}
		}
		if err := store.ReportPresence(context.Background(), "g1", present); err != nil {
			t.Fatalf("ReportPresence() = %v", err)
		}
		for room, want := range present {
			if got, err := store.Present(context.Background(), room); err != nil || !slices.Equal(got, want) {
				t.Fatalf("Present(%s) = %v, %v; want %v", room, got, err, want)
			}
		}
	})
}

// TestLiveCallsWithoutRedis are Unavailable, and at once when it is known to be away.
func TestLiveCallsWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), Options{})
	ctx, room := context.Background(), chattest.ID(t, "room")
	calls := map[string]func() error{
		"Tell": func() error {
			return store.Tell(ctx, chat.Event{Chat: room, Kind: chat.Signalled, Signal: &chat.Signal{Sender: "a", Type: "typing"}})
		},
		"Advance": func() error {
			_, err := store.Advance(ctx, room, chat.Reading{Reader: "a", Cursor: 1}, false)
			return err
		},
		"ReportPresence": func() error { return store.ReportPresence(ctx, "g", map[chat.ID][]string{room: {"a"}}) },
		"Present":        func() error { _, err := store.Present(ctx, room); return err },
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s() = %v", name, err)
		}
	}
	redis.Stop()
	defer redis.Continue()
	_ = calls["Tell"]()
	for name, call := range calls {
		began := time.Now()
		err := call()
		if took := time.Since(began); chat.CodeOf(err) != chat.Unavailable || took >= redisnode.Timeout {
			t.Errorf("%s() while Redis hangs = %v after %v, want unavailable at once", name, err, took)
		}
	}
}
