package live

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestSlowReader: it costs one flag for the chat, and no other reader waits.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	slow, quick := newTold(), newTold()
	slow.blocked = make(chan struct{})
	open(t, hub, slow, Follow{Chat: "room"})
	open(t, hub, quick, Follow{Chat: "room"})
	w.send(t, "room", 1)
	receive(t, slow.pages)
	w.send(t, "room", 999)
	quick.messages(t, 1000)
	if waiting := len(slow.pages); waiting > 0 {
		t.Errorf("%d pages wait for one who does not read, want none", waiting)
	}
	close(slow.blocked)
	if pages := slow.messages(t, 999); pages > 11 {
		t.Errorf("the slow one got 999 messages in %d pages, want them gathered", pages)
	}
}

// TestBatch: one page in a while, whatever happens, and nothing is lost.
func TestBatch(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	open(t, hub, sink, Follow{Chat: "room", Batch: 200 * time.Millisecond})
	w.send(t, "room", 1)
	receive(t, sink.pages)
	start := time.Now()
	for range 50 {
		w.send(t, "room", 1)
	}
	if pages := sink.messages(t, 50); pages != 1 {
		t.Errorf("50 messages came in %d pages, want one", pages)
	}
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("the second page came after %v, want it held back", took)
	}
}

func TestBrokenClient(t *testing.T) {
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	sink.fails.Store(true)
	open(t, hub, sink, Follow{Chat: "room"})
	w.send(t, "room", 1)
	if err := receive(t, sink.ended); err == nil {
		t.Error("the session ended without a reason")
	}
}

// panicking is a chat.Service that panics when a page is read.
type panicking struct{ chat.Service }

func (panicking) Pull(context.Context, chat.PullRequest) (chat.Page, error) { panic("a bug") }

// TestAPanicEndsItsSession: other sessions continue.
func TestAPanicEndsItsSession(t *testing.T) {
	w := newWorld()
	hub := run(t, panicking{w}, w, Config{})
	for range 2 {
		sink := newTold()
		open(t, hub, sink, Follow{Chat: "room"})
		if err := receive(t, sink.ended); !errors.Is(err, ErrPanicked) {
			t.Errorf("the session ended with %v, want ErrPanicked", err)
		}
	}
}

// TestHeartbeats: every session has one, whatever else happens.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := newWorld().start(t)
		sink := newTold()
		open(t, hub, sink)
		<-time.After(beats*tick + tick/2) // not at a tick, whose heartbeat may come before or after
		if n := sink.beats.Load(); n != 1 {
			t.Errorf("%d heartbeats in %v, want 1", n, beats*tick)
		}
	})
}

// TestSignalsKeepNothingBack: messages and heartbeats take turns with however many signals.
func TestSignalsKeepNothingBack(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	sink.blocked = make(chan struct{})
	s := open(t, hub, sink, Follow{Chat: "room"})
	id, _ := chat.ParseID("room")
	signal := func() {
		s.mutex.Lock()
		follows := s.follows
		s.mutex.Unlock()
		for range 2 * maxNews {
			follows[0].tell(chat.Event{Chat: id, Kind: chat.Signalled, Signal: &chat.Signal{Type: "typing", Sender: "bob"}})
		}
	}
	signal()
	receive(t, sink.events) // is being written
	w.send(t, "room", 1)
	eventually(t, "the hint has come", func() bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return len(s.ready) > 0
	})
	s.beat()
	for !paged(sink) { // each signal that is written brings two more
		sink.blocked <- struct{}{}
		signal()
		if len(sink.events) > 4 {
			close(sink.blocked)
			t.Fatal("signals are written, and no message")
		}
	}
	close(sink.blocked)
	eventually(t, "a heartbeat is written", func() bool { return sink.beats.Load() > 0 })
}

func paged(sink *told) bool { return len(sink.pages) > 0 }
