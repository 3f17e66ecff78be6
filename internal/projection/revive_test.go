package projection_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestRevivedBursts: a burst that is a dead letter is handled again with all of its messages and the same id, also where others
// of its sender are before and behind it, and messages of another sender between.
func TestRevivedBursts(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	var mutex sync.Mutex
	bursts := map[string][]string{} // ids by texts
	s.fail = func(e projection.Event) error {
		mutex.Lock()
		defer mutex.Unlock()
		text := e.Messages[0].Sender
		for _, m := range e.Messages {
			text += " " + m.Text
		}
		bursts[text] = append(bursts[text], e.ID)
		if len(bursts[text]) == 1 {
			return projection.Reject(errors.New("not now"))
		}
		return nil
	}
	for i := 1; i <= 8; i++ {
		b.send("room", fmt.Sprint(i))
		if _, err := b.Send(t.Context(), chat.Message{Chat: "room", Sender: "ben", Text: fmt.Sprint("b", i)}); err != nil {
			t.Fatal(err)
		}
	}
	rule := projection.Bursts{Messages: 3, Quiet: 30 * time.Second, Longest: 40 * time.Second} // only the count ends them
	b.worker(b, projection.Projection{Name: "p", Handler: s, Bursts: &rule})
	await(t, "four bursts are dead letters", func() bool { return b.state("p").DeadLetters == 4 })
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReviveProjection})
	await(t, "they are revived", func() bool { return b.state("p").DeadLetters == 0 })
	mutex.Lock()
	defer mutex.Unlock()
	for _, text := range []string{"ann 1 2 3", "ann 4 5 6", "ben b1 b2 b3", "ben b4 b5 b6"} {
		if ids := bursts[text]; len(ids) != 2 || ids[0] != ids[1] {
			t.Errorf("the burst %q came as %v", text, ids)
		}
	}
	if len(bursts) != 4 {
		t.Errorf("the bursts are %v", bursts)
	}
}
