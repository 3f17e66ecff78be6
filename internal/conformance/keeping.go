package conformance

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func testRepeatedID(t *testing.T, s *subject) {
	s.open(t, Options{})
	m := chat.Message{Chat: "alice:bob", Sender: "alice", Text: "hello", ID: "1"}
	first := s.send(t, m)
	if first.Duplicate {
		t.Errorf("the first Send() = %+v, want no duplicate", first)
	}
	m.Chat = "bob:alice"
	if again := s.send(t, m); again != (chat.Receipt{SendTime: first.SendTime, Duplicate: true}) {
		t.Errorf("the second Send() = %+v, want a duplicate at %d", again, first.SendTime)
	}
	different := m
	different.Text = "good bye"
	if _, err := s.Send(context.Background(), different); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("Send(same id, different text) = %v, want conflict", err)
	}
	for _, other := range []chat.Message{
		{Chat: "alice:bob", Sender: "bob", Text: "hello", ID: "1"},
		{Chat: "alice:carol", Sender: "alice", Text: "hello", ID: "1"},
		{Chat: "alice:bob", Sender: "alice", Text: "hello", ID: "2"},
		{Chat: "alice:bob", Sender: "alice", Text: "hello"},
	} {
		if receipt := s.send(t, other); receipt.Duplicate {
			t.Errorf("Send(%+v) = %+v, want it stored: it is another message", other, receipt)
		}
	}
	if page := s.pull(t, chat.PullRequest{Chat: "alice:bob"}); len(page.Messages) != 4 {
		t.Errorf("Pull() = %v, want four messages", texts(page))
	}
}

func testConcurrentID(t *testing.T, s *subject) {
	s.open(t, Options{})
	const tries = 16 // fewer than a store has connections
	receipts := make(chan chat.Receipt, tries)
	var group sync.WaitGroup
	for range tries {
		group.Go(func() {
			receipt, err := s.Send(context.Background(), chat.Message{Chat: "room", Sender: "alice", Text: "x", ID: "once"})
			if err != nil {
				t.Error(err)
			}
			receipts <- receipt
		})
	}
	group.Wait()
	close(receipts)
	stored := 0
	positions := map[int64]bool{}
	for receipt := range receipts {
		positions[receipt.SendTime] = true
		if !receipt.Duplicate {
			stored++
		}
	}
	if page := s.pull(t, chat.PullRequest{Chat: "room"}); stored != 1 || len(positions) != 1 || len(page.Messages) != 1 {
		t.Errorf("%d sends with one id: %d stored, %d positions, %d in the log; want one of each", tries, stored, len(positions), len(page.Messages))
	}
}

func testIDWindow(t *testing.T, s *subject) {
	s.open(t, Options{IdempotencyWindow: time.Hour})
	m := chat.Message{Chat: "room", Sender: "alice", Text: "x", ID: "1"}
	first := s.send(t, m)
	s.clock.Add(time.Hour)
	if again := s.send(t, m); !again.Duplicate || again.SendTime != first.SendTime {
		t.Errorf("Send() at the end of the window = %+v, want a duplicate of %d", again, first.SendTime)
	}
	s.clock.Add(time.Microsecond)
	if again := s.send(t, m); again.Duplicate {
		t.Errorf("Send() after the window = %+v, want it stored", again)
	}
}

func testIDOfTrimmedMessage(t *testing.T, s *subject) {
	s.open(t, Options{MaxChatMessages: 1})
	m := chat.Message{Chat: "room", Sender: "alice", Text: "x", ID: "1"}
	first := s.send(t, m)
	s.fill(t, "room", 1)
	if again := s.send(t, m); again != (chat.Receipt{SendTime: first.SendTime, Duplicate: true}) {
		t.Errorf("Send() of a trimmed message's id = %+v, want a duplicate of %d", again, first.SendTime)
	}
	m.Text = "different"
	if _, err := s.Send(context.Background(), m); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("Send() of a trimmed message's id with a different text = %v, want conflict", err)
	}
}

func testRetention(t *testing.T, s *subject) {
	s.open(t, Options{Retention: time.Hour})
	at := s.fill(t, "room", 2)
	s.clock.Set(at[0] + time.Hour.Microseconds())
	if got := texts(s.pull(t, chat.PullRequest{Chat: "room"})); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("Pull() at the end of retention = %v, want both", got)
	}
	s.clock.Add(time.Microsecond)
	for _, reverse := range []bool{false, true} {
		page := s.pull(t, chat.PullRequest{Chat: "room", Reverse: reverse})
		if got := texts(page); !slices.Equal(got, []string{"2"}) || page.HasMore {
			t.Errorf("Pull(reverse %v) a microsecond later = %v more %v, want the second", reverse, got, page.HasMore)
		}
	}
	s.send(t, chat.Message{Chat: "room", Sender: "alice", Text: "3"})
	if got := texts(s.pull(t, chat.PullRequest{Chat: "room"})); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("Pull() after an append = %v, want the second and third", got)
	}
	s.clock.Add(2 * time.Hour)
	if got := texts(s.pull(t, chat.PullRequest{Chat: "room"})); len(got) != 0 {
		t.Errorf("Pull() of a chat that fell silent = %v, want nothing", got)
	}
	s.clock.Add(-3 * time.Hour) // positions increase all the same
	if next := s.fill(t, "room", 1)[0]; next <= at[1] {
		t.Errorf("position after retention is %d, want more than %d", next, at[1])
	}
}

func testMaxChatMessages(t *testing.T, s *subject) {
	s.open(t, Options{MaxChatMessages: 3})
	s.fill(t, "room", 10)
	s.fill(t, "other", 2)
	if got := texts(s.pull(t, chat.PullRequest{Chat: "room"})); !slices.Equal(got, []string{"8", "9", "10"}) {
		t.Errorf("Pull(room) = %v, want the newest three", got)
	}
	if got := texts(s.pull(t, chat.PullRequest{Chat: "other"})); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("Pull(other) = %v, want both", got)
	}
}
