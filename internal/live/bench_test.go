package live

import (
	"runtime"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// discard is a sink that says when it was written to.
type discard struct {
	*told

	wrote chan struct{}
}

func (d *discard) Page(*Page, chat.Title, func() []Position) error {
	d.wrote <- struct{}{}
	return nil
}

// BenchmarkBroughtPage is from a hint that brings a message to the sink of the one follower.
func BenchmarkBroughtPage(b *testing.B) {
	w := newWorld()
	hub := New(w, w, Config{PageLasts: time.Hour})
	defer hub.watch.Close()
	sink := &discard{newTold(), make(chan struct{}, 1)}
	s := hub.Open(sink, func(error) {})
	defer s.Close()
	if err := s.Follow(Follow{Chat: "room", Cursor: 1}); err != nil {
		b.Fatal(err)
	}
	id, _ := chat.ParseID("room")
	room := hub.chats[id]
	for s.busy() {
		runtime.Gosched()
	}
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		room.hear(brings(i, i+1))
		<-sink.wrote
	}
}
