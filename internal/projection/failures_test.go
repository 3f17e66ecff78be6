package projection_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestFailures: an event that fails comes again, before those that follow it in its chat; other chats go on. One that is
// rejected becomes a dead letter, which may be revived.
func TestFailures(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	down := true
	s.fail = func(e projection.Event) error {
		switch {
		case e.Last().Text == "poison":
			return projection.Reject(errors.New("not this one"))
		case e.Chat == "slow" && down:
			return errors.New("away")
		}
		return nil
	}
	b.worker(b, projection.Projection{Name: "p", Handler: s, FirstRetry: time.Millisecond, LastRetry: 10 * time.Millisecond})
	for _, text := range []string{"1", "2", "3"} {
		b.send("slow", text)
	}
	for _, text := range []string{"1", "poison", "3"} {
		b.send("quick", text)
	}
	await(t, "the other chat goes on", func() bool { return s.got("quick") == "1 3" })
	await(t, "the state says so", func() bool {
		state := b.state("p")
		return state.Error == "away" && state.FailingSince > 0 && state.DeadLetters == 1 && state.Lag > 0
	})
	letters, err := b.DeadLetters(t.Context(), "p", 0)
	if err != nil || len(letters) != 1 || letters[0].Error != "not this one" || !strings.HasPrefix(letters[0].Event, "quick@") {
		t.Errorf("the dead letters are %v, %v", letters, err)
	}
	s.set(func(projection.Event) error { return errors.New("farther away") })
	await(t, "the state has the last error", func() bool { return b.state("p").Error == "farther away" })
	s.set(func(e projection.Event) error {
		if e.Last().Text == "poison" {
			return projection.Reject(errors.New("still not"))
		}
		return nil
	})
	await(t, "what failed comes again", func() bool { return s.got("slow") == "1 2 3" })
	await(t, "the state says that it works", func() bool {
		state := b.state("p")
		return state.FailingSince == 0 && state.Error == "" && state.Lag == 0
	})
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReviveProjection})
	await(t, "it is rejected again", func() bool {
		letters, _ := b.DeadLetters(t.Context(), "p", 0)
		return len(letters) == 1 && letters[0].Error == "still not"
	})
	s.set(nil)
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReviveProjection})
	await(t, "it is revived", func() bool { return strings.Contains(s.got("quick"), "poison") && b.state("p").DeadLetters == 0 })
}

// TestGiveUp: after a time an event that fails becomes a dead letter.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	s.fail = func(e projection.Event) error {
		if e.Last().Text == "2" {
			return errors.New("away")
		}
		return nil
	}
	b.worker(b, projection.Projection{Name: "p", Handler: s, FirstRetry: time.Millisecond, LastRetry: time.Millisecond, GiveUp: 50 * time.Millisecond})
	for _, text := range []string{"1", "2", "3"} {
		b.send("room", text)
	}
	await(t, "the third is handled", func() bool { return s.got("room") == "1 3" && b.state("p").DeadLetters == 1 })
}

// TestPauseReplaySkip: a paused projection waits; a replay begins again; a skip leaves out the present events.
func TestPauseReplaySkip(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	stop := b.worker(b, projection.Projection{Name: "p", Handler: s})
	first := b.send("room", "1")
	second := b.send("room", "2")
	await(t, "both are handled", func() bool { return s.got("room") == "1 2" })
	events := func(n int) func() bool { return func() bool { got, _ := s.count(); return got == n } }
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection})
	await(t, "both are handled again", events(4))
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection, Start: second})
	await(t, "the second is handled again", events(5))
	b.change(chat.ProjectionChange{Name: "p", Action: chat.PauseProjection})
	stop()
	b.worker(b, projection.Projection{Name: "p", Handler: s}) // knows it from the beginning
	b.send("room", "4")
	b.send("other", "5")
	await(t, "they wait", func() bool { state := b.state("p"); return state.Paused && state.Behind == 2 && len(state.Owners) == 1 })
	b.change(chat.ProjectionChange{Name: "p", Action: chat.SkipProjection, Chat: "room"})
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ResumeProjection})
	await(t, "the other chat is handled", func() bool { return s.got("other") == "5" })
	b.send("room", "6")
	await(t, "the chat goes on behind what was skipped", func() bool { return strings.HasSuffix(s.got("room"), " 6") })
	if strings.Contains(s.got("room"), "4") {
		t.Errorf("what was skipped was handled: %s", s.got("room"))
	}
	if s.ids[2] != chat.EventID("room", first) {
		t.Errorf("the replay began with %s", s.ids[2])
	}
}
