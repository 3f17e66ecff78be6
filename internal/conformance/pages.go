package conformance

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
)

func testRoundTrip(t *testing.T, s *subject) {
	s.open(t, Options{})
	for _, m := range []chat.Message{
		{Chat: "alice:bob", Sender: "alice", Text: "hello"},
		{Chat: "alice:bob", Sender: "bob", Text: "with an id", ID: "bob-1/ü"},
		{Chat: "room-1", Sender: "anyone", Text: "a room is open to all"},
		{Chat: "Ωμέγα.2@x+y_z:东京", Sender: "东京", Text: "zażółć 👩‍👩‍👧 <b>&amp;</b> \"q\" \\ \u2028 \x00 \t\n"},
		{Chat: "alice:alice", Sender: "alice", Text: "a note to self"},
	} {
		m.SendTime = s.send(t, m).SendTime
		page := s.pull(t, chat.PullRequest{Chat: m.Chat, Cursor: m.SendTime})
		want := chat.Page{Messages: []chat.Message{m}, NextCursor: m.SendTime + 1}
		if fmt.Sprint(page) != fmt.Sprint(want) {
			t.Errorf("Pull after Send(%+v) = %+v, want %+v", m, page, want)
		}
	}
}

func testCanonicalChat(t *testing.T, s *subject) {
	s.open(t, Options{})
	s.send(t, chat.Message{Chat: "bob:alice", Sender: "alice", Text: "1"})
	s.send(t, chat.Message{Chat: "alice:bob", Sender: "bob", Text: "2"})
	for _, name := range []string{"alice:bob", "bob:alice"} {
		page := s.pull(t, chat.PullRequest{Chat: name})
		if got := texts(page); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("Pull(%s) = %v, want both messages", name, got)
		}
		for _, m := range page.Messages {
			if m.Chat != name {
				t.Errorf("Pull(%s) names the chat %q", name, m.Chat)
			}
		}
	}
	for _, other := range []string{"alice", "bob", "Alice:bob", "alice:bobb"} {
		if got := texts(s.pull(t, chat.PullRequest{Chat: other})); len(got) != 0 {
			t.Errorf("Pull(%s) = %v, want nothing: it is another chat", other, got)
		}
	}
}

// testStoredForm: a page of entries equals the page of messages. A service may answer both requests with messages.
func testStoredForm(t *testing.T, s *subject) {
	s.open(t, Options{})
	s.fill(t, "room", 12)
	s.send(t, chat.Message{Chat: "room", Sender: "alice", Text: "a \"quoted\" line\n\u2028😀", ID: "an id"})
	for _, r := range []chat.PullRequest{{}, {Limit: 3}, {Limit: 100}, {Reverse: true}, {Limit: 5, Reverse: true}, {Cursor: chat.MaxCursor}} {
		r.Chat = "room"
		want := s.pull(t, r)
		r.Raw = true
		got := s.pull(t, r)
		for _, stored := range got.Entries {
			m, err := entry.Decode(stored)
			if err != nil {
				t.Fatalf("Pull(%+v) has the entry %q: %v", r, stored, err)
			}
			m.Chat = r.Chat
			got.Messages = append(got.Messages, m)
		}
		got.Entries = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Pull(%+v) = %+v, want %+v", r, got, want)
		}
	}
}

func testCursors(t *testing.T, s *subject) {
	s.open(t, Options{})
	at := s.fill(t, "room", 5)
	first, last := at[0], at[4]
	for _, c := range []struct {
		name    string
		request chat.PullRequest
		texts   []string
		more    bool
		next    int64
	}{
		{"from the oldest", chat.PullRequest{Limit: 2}, []string{"1", "2"}, true, at[2]},
		{"inclusive", chat.PullRequest{Cursor: at[2], Limit: 2}, []string{"3", "4"}, true, last},
		{"to the end", chat.PullRequest{Cursor: at[3], Limit: 2}, []string{"4", "5"}, false, last + 1},
		{"all", chat.PullRequest{}, []string{"1", "2", "3", "4", "5"}, false, last + 1},
		{"past the end", chat.PullRequest{Cursor: last + 1}, []string{}, false, last + 1},
		{"far past the end", chat.PullRequest{Cursor: chat.MaxCursor}, []string{}, false, chat.MaxCursor},
		{"between", chat.PullRequest{Cursor: first - 1, Limit: 1}, []string{"1"}, true, at[1]},
		{"newest first", chat.PullRequest{Reverse: true, Limit: 2}, []string{"5", "4"}, true, at[2]},
		{"reversed, inclusive", chat.PullRequest{Reverse: true, Cursor: at[2], Limit: 2}, []string{"3", "2"}, true, first},
		{"reversed, to the end", chat.PullRequest{Reverse: true, Cursor: at[1], Limit: 2}, []string{"2", "1"}, false, 0},
		{"reversed, before the oldest", chat.PullRequest{Reverse: true, Cursor: first - 1}, []string{}, false, 0},
		{"reversed, from the largest cursor", chat.PullRequest{Reverse: true, Cursor: chat.MaxCursor, Limit: 1}, []string{"5"}, true, at[3]},
	} {
		c.request.Chat = "room"
		page := s.pull(t, c.request)
		if got := texts(page); !slices.Equal(got, c.texts) || page.HasMore != c.more || page.NextCursor != c.next {
			t.Errorf("%s: Pull(%+v) = %v more %v next %d, want %v more %v next %d",
				c.name, c.request, got, page.HasMore, page.NextCursor, c.texts, c.more, c.next)
		}
	}
	if page := s.pull(t, chat.PullRequest{Chat: "unknown", Cursor: 7}); len(page.Messages) != 0 || page.HasMore || page.NextCursor != 7 {
		t.Errorf("Pull(unknown chat, cursor 7) = %+v, want an empty page that continues at 7", page)
	}
	if page := s.pull(t, chat.PullRequest{Chat: "unknown", Reverse: true}); len(page.Messages) != 0 || page.NextCursor != 0 {
		t.Errorf("Pull(unknown chat, reverse) = %+v, want an empty page", page)
	}
}

func testLimits(t *testing.T, s *subject) {
	s.open(t, Options{})
	s.fill(t, "room", Limits.MaxLimit+5)
	for _, c := range []struct {
		limit int64
		want  int
	}{
		{0, Limits.DefaultLimit},
		{1, 1},
		{int64(Limits.MaxLimit), Limits.MaxLimit},
		{int64(Limits.MaxLimit) + 1, Limits.MaxLimit},
		{math.MaxInt64, Limits.MaxLimit},
	} {
		page := s.pull(t, chat.PullRequest{Chat: "room", Limit: c.limit})
		if len(page.Messages) != c.want || !page.HasMore {
			t.Errorf("Pull(limit %d) = %d messages, more %v; want %d and more", c.limit, len(page.Messages), page.HasMore, c.want)
		}
	}
}
