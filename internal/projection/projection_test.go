package projection_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestEveryEventOnce: without a failure each message of each chat is handled once and in order, also earlier ones.
func TestEveryEventOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	want := map[string]string{}
	send := func(round int) {
		for c := range 30 {
			room := fmt.Sprint("room", c)
			text := fmt.Sprint(round)
			b.send(room, text)
			want[room] = strings.TrimSpace(want[room] + " " + text)
		}
	}
	for round := range 150 { // more than a page
		send(round)
	}
	all, fresh := newSink(), newSink()
	stop := b.worker(b, projection.Projection{Name: "all", Handler: all}, projection.Projection{Name: "new", Start: chat.StartNow, Handler: fresh})
	await(t, "all old messages are handled", func() bool { _, n := all.count(); return n == 30*150 })
	await(t, "the other one has begun", func() bool {
		return len(b.state("new").Owners) == 1 && b.state("new").Owners[slices.Collect(maps.Keys(b.state("new").Owners))[0]] == 256
	})
	for round := range 5 {
		send(1000 + round)
	}
	await(t, "all new messages are handled", func() bool {
		_, n := all.count()
		_, m := fresh.count()
		return n == 30*155 && m == 30*5
	})
	stop()
	stop = b.worker(b, projection.Projection{Name: "all", Handler: all})
	b.send("room0", "last")
	want["room0"] += " last"
	await(t, "it goes on", func() bool { return all.got("room0") == want["room0"] })
	stop()
	if events, unique := all.count(); events != unique {
		t.Errorf("%d events came for %d", events, unique)
	}
	for room, texts := range want {
		if got := all.got(room); got != texts {
			t.Errorf("%s has %s, want %s", room, got, texts)
		}
	}
	if len(all.faults) > 0 {
		t.Error(all.faults)
	}
	if state := b.state("all"); state.Lag != 0 || state.Behind != 0 || state.Handled != 30*155+1 || len(state.Owners) != 0 {
		t.Errorf("at the end it is %+v", state)
	}
}

// TestBurstEvents: bursts of a chat are events, and a restart loses none.
func TestBurstEvents(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	rule := projection.Bursts{Messages: 10, Quiet: 300 * time.Millisecond, Longest: time.Second}
	p := projection.Projection{Name: "p", Handler: s, Bursts: &rule}
	stop := b.worker(b, p)
	var want []string
	for i := range 25 {
		b.send("room", fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
	}
	stop()
	b.worker(b, p)
	await(t, "all come", func() bool { return s.got("room") == strings.Join(want, " ") })
	if events, unique := s.count(); events != unique || events < 3 {
		t.Errorf("%d events came, %d of them once", events, unique)
	}
}

// TestManyChatsAtOnce: of 2,000 chats that move at once, or 10,000, each is pulled once, and its cursor is stored once.
func TestManyChatsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	chats := longtest.Pick(2000, 10_000)
	var batch []chat.Sending
	for i := range chats {
		batch = append(batch, chat.Sending{Message: chat.Message{Chat: fmt.Sprint("room", i), Sender: "ann", Text: "hello"}})
	}
	for part := range slices.Chunk(batch, 500) {
		for _, r := range b.SendAll(t.Context(), part) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	s, source := newSink(), &counted{Source: b}
	b.worker(source, projection.Projection{Name: "p", Handler: s})
	await(t, "all are handled and stored", func() bool { _, n := s.count(); return n == chats && b.state("p").Behind == 0 })
	if pulls, cursors := source.pulls.Load(), source.cursors.Load(); pulls != int64(chats) || cursors != int64(chats) {
		t.Errorf("%d chats cost %d pulls and %d stored cursors, want one each", chats, pulls, cursors)
	}
}
