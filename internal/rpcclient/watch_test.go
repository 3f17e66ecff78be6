package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

func mustID(t testing.TB, name string) chat.ID {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func rooms(t testing.TB, n int) []chat.ID {
	t.Helper()
	ids := make([]chat.ID, n)
	for i := range ids {
		ids[i] = mustID(t, fmt.Sprintf("room%d", i))
	}
	return ids
}

// watching returns a watch of the servers at addrs.
func watching(t *testing.T, addrs ...string) chat.Watch {
	t.Helper()
	w := connectAll(t, addrs...).Watch()
	t.Cleanup(w.Close)
	return w
}

// TestEventsComeThrough as they are, of every kind, and of the chats that are followed only.
func TestEventsComeThrough(t *testing.T) {
	t.Parallel()
	h := newHub()
	w := watching(t, serveHub(t, h))
	heard := listenTo(t, w)
	id, other := mustID(t, "bob:alice"), mustID(t, "room")
	w.Add(id, other)
	eventually(t, "both are confirmed", func() bool { return heard.chats(1) == 2 })
	w.Remove(other)
	eventually(t, "one is followed", func() bool { return h.following() == 1 })
	for _, e := range []chat.Event{
		{Chat: id, Kind: chat.Hint, Position: chat.MaxSendTime - 1},
		{Chat: id, Kind: chat.Hint, Position: chat.MaxSendTime, Before: 7, Entries: [][]byte{[]byte("\xff one"), []byte("two")}},
		{Chat: id, Kind: chat.Signalled, Signal: &chat.Signal{Chat: "bob:alice", Sender: "bob", Type: "typing", Data: "é"}},
		{Chat: id, Kind: chat.Moved, Reading: &chat.Reading{Reader: "alice/phone", Cursor: chat.MaxCursor}},
		{Chat: id, Kind: chat.Received, Reading: &chat.Reading{Reader: "alice", Cursor: chat.MaxCursor}},
		{Chat: id, Kind: chat.PresenceChanged},
	} {
		h.tell(chat.Event{Chat: other, Kind: chat.PresenceChanged})
		h.tell(e)
		eventually(t, fmt.Sprintf("%+v is told", e), func() bool {
			return heard.has(func(got chat.Event) bool { return reflect.DeepEqual(got, e) })
		})
	}
	if heard.has(func(e chat.Event) bool { return e.Chat == other && e.Kind == chat.PresenceChanged }) {
		t.Errorf("there was news of a chat that had been removed")
	}
}

// TestAddedAgain is confirmed again.
func TestAddedAgain(t *testing.T) {
	t.Parallel()
	h := newHub()
	w := watching(t, serveHub(t, h))
	heard := listenTo(t, w)
	for position := range int64(3) {
		h.set(func(h *hub) { h.position = position + 1 })
		w.Add(rooms(t, 5)...)
		eventually(t, "all are confirmed", func() bool { return heard.chats(position+1) == 5 })
	}
}

// TestManyChats go up in requests of a bounded size, and each once.
func TestManyChats(t *testing.T) {
	t.Parallel()
	h := newHub()
	w := watching(t, serveHub(t, h))
	heard := listenTo(t, w)
	const n = 10_000
	w.Add(rooms(t, n)...)
	eventually(t, "all are confirmed", func() bool { return heard.chats(1) == n })
	h.set(func(h *hub) {
		if h.largest > maxChatsInRequest || h.adds != n {
			t.Errorf("%d chats were added, %d at once; want %d, and %d at most", h.adds, h.largest, n, maxChatsInRequest)
		}
	})
	w.Remove(rooms(t, n)...)
	eventually(t, "none is followed", func() bool { return h.following() == 0 })
}

// TestChangesAreCoalesced: chats added and removed while a server does not answer are sent once.
func TestChangesAreCoalesced(t *testing.T) {
	t.Parallel()
	h := newHub()
	net := networkTo(t, serveHub(t, h))
	w := watching(t, net.addr).(*watch)
	heard := listenTo(t, w)
	ids := rooms(t, 100)
	w.Add(ids...)
	eventually(t, "all are confirmed", func() bool { return heard.chats(1) == 100 })
	net.freeze()
	for range 1000 {
		w.Remove(ids...)
		w.Add(ids...)
	}
	w.Remove(ids[0])
	w.mutex.Lock()
	for _, s := range w.streams { // none, where it was found to hang meanwhile
		if pending := len(s.pending); pending > 100 {
			t.Errorf("%d changes are pending, want one for each of 100 chats", pending)
		}
	}
	w.mutex.Unlock()
	net.thaw()
	eventually(t, "one is removed", func() bool { return !h.follows(ids[0]) && h.following() == 99 })
	h.set(func(h *hub) {
		if h.adds > 300 { // one request may have been on its way
			t.Errorf("%d chats were added, want the 100 once, and once more", h.adds)
		}
	})
}

// TestASlowWatcher hears the last hint of each chat.
func TestASlowWatcher(t *testing.T) {
	t.Parallel()
	h := newHub()
	w := watching(t, serveHub(t, h))
	id, last := mustID(t, "room"), mustID(t, "last")
	w.Add(id, last)
	eventually(t, "both are followed", func() bool { return h.following() == 2 })
	for position := range int64(10_000) {
		h.tell(chat.Event{Chat: id, Position: position + 2})
	}
	eventually(t, "all has arrived", func() bool { return hinted(w.(*watch).queue, id) == 10_001 })
	if got, err := w.Next(t.Context()); err != nil || len(got) != 2 {
		t.Errorf("Next() = %v, %v; want one hint for each of two chats", got, err)
	}
}

// hinted looks for the hint of a chat in a queue, and puts the other events back.
func hinted(q *events.Queue, id chat.ID) (position int64) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	waiting, _ := q.Next(ctx)
	q.Put(waiting...)
	for _, e := range waiting {
		if e.Chat == id {
			position = e.Position
		}
	}
	return position
}

// TestTwoWatches on one client have their own chats.
func TestTwoWatches(t *testing.T) {
	t.Parallel()
	h := newHub()
	client := connect(t, serveHub(t, h))
	first, second := client.Watch(), client.Watch()
	t.Cleanup(first.Close)
	heardFirst, heardSecond := listenTo(t, first), listenTo(t, second)
	both := mustID(t, "both")
	first.Add(append(rooms(t, 3), both)...)
	second.Add(both)
	eventually(t, "all are confirmed", func() bool { return heardFirst.chats(1) == 4 && heardSecond.chats(1) == 1 })
	second.Close()
	eventually(t, "the server forgets one", func() bool { return h.following() == 4 })
	h.tell(chat.Event{Chat: both, Position: 7})
	eventually(t, "the other hears", func() bool { return heardFirst.chats(7) == 1 })
}

// TestNoServerAtFirst: added chats wait for a server.
func TestNoServerAtFirst(t *testing.T) {
	t.Parallel()
	first := listenOver(t, newHub(), "127.0.0.1:0")
	addr := first.Addr().String()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	w := watching(t, addr)
	heard := listenTo(t, w)
	w.Add(rooms(t, 10)...)
	w.Remove(rooms(t, 1)...)
	h := newHub()
	run(t, listenOver(t, h, addr))
	eventually(t, "nine are confirmed", func() bool { return heard.chats(1) == 9 })
	if got := h.following(); got != 9 {
		t.Errorf("%d chats are followed, want 9", got)
	}
}

// TestAnIdleStream lives longer than a call may take.
func TestAnIdleStream(t *testing.T) {
	t.Parallel()
	h := newHub()
	w := watching(t, serveHub(t, h))
	heard := listenTo(t, w)
	w.Add(rooms(t, 1)...)
	eventually(t, "it is confirmed", func() bool { return heard.chats(1) == 1 })
	<-time.After(callTimeout + 500*time.Millisecond)
	h.set(func(h *hub) {
		if len(h.watches) != 1 || h.adds != 1 {
			t.Errorf("there are %d streams, and %d chats were added; want one: the stream was opened again", len(h.watches), h.adds)
		}
	})
	h.tell(chat.Event{Chat: rooms(t, 1)[0], Position: 2})
	eventually(t, "the hint is told", func() bool { return heard.chats(2) == 1 })
}

// TestNextEnds with its context, and with the watch, which ends with the client.
func TestNextEnds(t *testing.T) {
	t.Parallel()
	client := connect(t, serveHub(t, newHub()))
	w := client.Watch()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Next(cancelled) = %v, want that", err)
	}
	client.Close()
	if _, err := w.Next(t.Context()); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next() = %v after the client was closed, want %v", err, events.ErrClosed)
	}
	w.Add(rooms(t, 1)...)
	w.Close()
	late := client.Watch()
	if _, err := late.Next(t.Context()); !errors.Is(err, events.ErrClosed) {
		t.Errorf("Next() of a closed client's watch = %v, want %v", err, events.ErrClosed)
	}
	late.Close()
}

// TestChoice: chats are spread evenly, and where a server goes, only its chats move.
func TestChoice(t *testing.T) {
	var all []*stream
	for i := range 3 {
		all = append(all, newStream(&server{addr: fmt.Sprintf("10.0.0.%d:8888", i)}, nil))
	}
	three, two := choice{streams: all}, choice{streams: all[:2]}
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	shares := map[*stream]int{}
	for _, id := range rooms(t, 3000) {
		at := three.of(id)
		shares[at]++
		if other := (choice{streams: reversed}).of(id); other != at {
			t.Fatalf("%v is at %s, and at %s where servers are in another order", id, at.server.addr, other.server.addr)
		}
		if left := two.of(id); at != all[2] && left != at {
			t.Fatalf("%v moves from %s to %s when another server goes", id, at.server.addr, left.server.addr)
		}
	}
	for s, share := range shares {
		if share < 800 || share > 1200 {
			t.Errorf("%s has %d of 3000 chats, want about a third", s.server.addr, share)
		}
	}
}
