package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseID(t *testing.T) {
	for name, want := range map[string]string{
		"room":          "room",
		"alice:bob":     "alice:bob",
		"bob:alice":     "alice:bob",
		"bob:bob":       "bob:bob",
		"b:B":           "B:b",
		"10:9":          "10:9", // bytes, not numbers
		"...:.a":        "...:.a",
		"é:z":           "z:é",
		"राम:กิตติ":     "राम:กิตติ",
		"e\u0301":       "e\u0301",      // nothing new may have it, as checkNew says
		"\u212a\uffa0":  "\u212a\uffa0", // earlier releases had such names
		"日本語.7@_-+:ไทย": "ไทย:日本語.7@_-+",
	} {
		if got, err := ParseID(name); err != nil || got.String() != want {
			t.Errorf("ParseID(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ":", "a:", ":a", "a:b:c", "a b", "a\x00", "a/b", "{a}", "a,b", "\xff", "a:\xff", "😀", "\u0301", "7\u0301", "a.\u0301", "a\u034f", "a\ufe0f", "a\u200d", "a\u20dd", "\u0930\u180b", strings.Repeat("a", 65), ".", "..", ".:a", "a:.."} {
		if got, err := ParseID(name); CodeOf(err) != InvalidArgument {
			t.Errorf("ParseID(%q) = %q, %v; want invalid_argument", name, got, err)
		}
	}
}

// FuzzParseID: what is accepted is valid UTF-8 of bounded length whose canonical form is canonical, whichever way
// the two users are written.
func FuzzParseID(f *testing.F) {
	for _, name := range []string{"room", "alice:bob", "bob:alice", ":", "a:b:c", "\xff", "é:z", "a b", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id, err := ParseID(name)
		if err != nil {
			if CodeOf(err) != InvalidArgument {
				t.Errorf("ParseID(%q) = %v, want invalid_argument", name, err)
			}
			return
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Errorf("ParseID(%q) is not canonical: %q, %v", id, again, err)
		}
		if first, second, pair := id.Users(); pair {
			if swapped, err := ParseID(second + ":" + first); err != nil || swapped != id {
				t.Errorf("ParseID(%q swapped) = %q, %v; want %q", name, swapped, err, id)
			}
		}
		if !utf8.ValidString(id.String()) || len(id.String()) > 2*MaxIDBytes+1 || strings.ContainsAny(id.String(), "{}/ ,\n") {
			t.Errorf("ParseID(%q) accepted %q", name, id)
		}
	})
}

// FuzzPage: every cursor and limit gives a page that continues where it says, without skipping or repeating.
func FuzzPage(f *testing.F) {
	f.Add(int64(0), int64(3), false, uint8(10))
	f.Add(int64(5), int64(1), true, uint8(10))
	f.Add(int64(MaxCursor), int64(100), true, uint8(0))
	f.Add(int64(-1), int64(-1), false, uint8(1))
	f.Fuzz(func(t *testing.T, cursor, limit int64, reverse bool, n uint8) {
		store := &memory{}
		for i := range int64(n) {
			store.messages = append(store.messages, Message{SendTime: i*3 + 1})
		}
		core := NewMessageService(store, Limits{DefaultLimit: 2, MaxLimit: 5, MaxTextBytes: 10})
		request := PullRequest{Chat: "room", Cursor: cursor, Limit: limit, Reverse: reverse}
		var seen []int64
		for {
			page, err := core.Pull(context.Background(), request)
			if cursor < 0 || cursor > MaxCursor || limit < 0 {
				if CodeOf(err) != InvalidArgument {
					t.Fatalf("Pull(%+v) = %v, want invalid_argument", request, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Pull(%+v) = %v", request, err)
			}
			for _, m := range page.Messages {
				seen = append(seen, m.SendTime)
			}
			if !page.HasMore {
				break
			}
			request.Cursor = page.NextCursor
		}
		var want []int64
		for _, m := range store.messages {
			if !reverse && m.SendTime >= cursor || reverse && (cursor == 0 || m.SendTime <= cursor) {
				want = append(want, m.SendTime)
			}
		}
		if reverse {
			slices.Reverse(want)
		}
		if !slices.Equal(seen, want) {
			t.Errorf("pages from %d (reverse %v, limit %d) of %d messages = %v, want %v", cursor, reverse, limit, n, seen, want)
		}
	})
}

// memory is a Store of one chat, as simple as it can be.
type memory struct{ messages []Message }

func (s *memory) Append(_ context.Context, appends []Append) []Appended {
	results := make([]Appended, len(appends))
	for i, a := range appends {
		a.Message.SendTime = int64(len(s.messages)) + 1
		s.messages = append(s.messages, a.Message)
		results[i].SendTime = a.Message.SendTime
	}
	return results
}

func (s *memory) Range(_ context.Context, ranges []Range) []Ranged {
	results := make([]Ranged, len(ranges))
	for i, r := range ranges {
		list := slices.Clone(s.messages)
		if r.Reverse {
			slices.Reverse(list)
		}
		list = slices.DeleteFunc(list, func(m Message) bool {
			return !r.Reverse && m.SendTime < r.From || r.Reverse && m.SendTime > r.From
		})
		results[i].Messages = list[:min(r.Limit, len(list))]
		if r.Raw {
			results[i] = raw(results[i].Messages)
		}
	}
	return results
}

// raw is what was read, in a stored form of its own.
func raw(messages []Message) Ranged {
	read := Ranged{Entries: make([]string, len(messages)), Head: func(entry string) (h Head) {
		_, _ = fmt.Sscan(entry, &h.Position, &h.Kind, &h.Sender)
		return h
	}}
	for i := range messages {
		read.Entries[i] = fmt.Sprint(messages[i].SendTime, " ", messages[i].Kind(), " ", messages[i].Sender)
	}
	return read
}

// TestRawPages: pages of entries and pages of messages are the same ones, also for readers who ignore others.
func TestRawPages(t *testing.T) {
	store := &memory{}
	for i := range int64(60) {
		m := Message{SendTime: i + 1, Sender: string(rune('a' + i*i%5)), Erased: i%4 == 0}
		if i%7 == 0 {
			m.Notice = &Notice{Event: RoomRenamed}
		}
		store.messages = append(store.messages, m)
	}
	for _, ignored := range [][]string{nil, {"b"}, {"a", "b"}, {"a", "b", "c", "d", "e"}} {
		core := NewMessageService(store, Limits{DefaultLimit: 2, MaxLimit: 5, MaxTextBytes: 10})
		core.ReaderStore = ignoring{ignored: ignored}
		for _, r := range []PullRequest{{}, {Limit: 1}, {Limit: 5}, {Reverse: true}, {Reverse: true, Limit: 5}, {Cursor: 55}, {Unread: true}} {
			r.Chat, r.Reader = "room", "zoe"
			for range 20 {
				want, err := core.Pull(context.Background(), r)
				if err != nil {
					t.Fatal(err)
				}
				r.Raw = true
				got, err := core.Pull(context.Background(), r)
				if err != nil {
					t.Fatal(err)
				}
				if entries := raw(want.Messages).Entries; !slices.Equal(got.Entries, entries) || got.Messages != nil || got.HasMore != want.HasMore || got.NextCursor != want.NextCursor {
					t.Fatalf("Pull(%+v) without %v = %+v, want %v of %+v", r, ignored, got, entries, want)
				}
				if !want.HasMore {
					break
				}
				r.Cursor, r.Raw, r.Unread = want.NextCursor, false, false
			}
		}
	}
}

// ignoring is a ReaderStore in which everyone stands at 3 and ignores the same users.
type ignoring struct {
	ReaderStore
	ignored []string
}

func (s ignoring) ReaderPositions(_ context.Context, places []PositionQuery) []PositionResult {
	placed := make([]PositionResult, len(places))
	for i := range placed {
		placed[i] = PositionResult{Cursor: 3, Ignored: map[string]bool{}}
		for _, user := range s.ignored {
			placed[i].Ignored[user] = true
		}
	}
	return placed
}

func (*memory) Ready(context.Context) error { return nil }

// broken is a Store whose every method fails.
type broken struct{ err error }

func (s broken) Append(_ context.Context, appends []Append) []Appended {
	return slices.Repeat([]Appended{{Err: s.err}}, len(appends))
}

func (s broken) Range(_ context.Context, ranges []Range) []Ranged {
	return slices.Repeat([]Ranged{{Err: s.err}}, len(ranges))
}

func (s broken) Ready(context.Context) error { return s.err }

func TestErrorsOfTheStore(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Code
	}{
		{Errorf(Unavailable, "away"), Unavailable},
		{fmt.Errorf("append: %w", Errorf(ResourceExhausted, "full")), ResourceExhausted},
		{context.DeadlineExceeded, DeadlineExceeded},
		{context.Canceled, Unavailable},
		{errors.New("secret cause"), Internal},
	} {
		core := NewMessageService(broken{c.err}, Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 1})
		_, sendErr := core.Send(context.Background(), Message{Chat: "room", Sender: "a", Text: "x"})
		_, pullErr := core.Pull(context.Background(), PullRequest{Chat: "room"})
		for method, err := range map[string]error{"Send": sendErr, "Pull": pullErr, "Ready": core.Ready(context.Background())} {
			want := c.want
			if method == "Ready" {
				want = Unavailable // whatever keeps it from being ready
			}
			var e *Error
			if !errors.As(err, &e) || e.Code != want || strings.Contains(e.Message, "secret") {
				t.Errorf("%s over a store that fails with %v = %v, want %s and nothing of the cause", method, c.err, err, want)
			}
		}
	}
}

func TestErrorTellsItsCauseToTheLogOnly(t *testing.T) {
	err := Wrap(errors.New("10.0.0.1: refused"), Unavailable, "redis does not answer")
	if got, want := err.Error(), "unavailable: redis does not answer: 10.0.0.1: refused"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got, want := Errorf(NotFound, "no %s", "route").Error(), "not_found: no route"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if CodeOf(nil) != "" {
		t.Errorf("CodeOf(nil) = %q, want none", CodeOf(nil))
	}
}

func TestTextMustBeUTF8(t *testing.T) {
	core := NewMessageService(&memory{}, Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 10})
	for _, m := range []Message{
		{Chat: "room", Sender: "a", Text: "\xff"},
		{Chat: "room", Sender: "a", Text: "x", ID: "\xff"},
		{Chat: "room", Sender: "\xff", Text: "x"},
	} {
		if _, err := core.Send(context.Background(), m); CodeOf(err) != InvalidArgument {
			t.Errorf("Send(%+v) = %v, want invalid_argument", m, err)
		}
	}
}

// TestOneBadRequestInABatch is refused alone, and the others keep their own results.
func TestOneBadRequestInABatch(t *testing.T) {
	core := NewMessageService(&memory{}, Limits{DefaultLimit: 1, MaxLimit: 5, MaxTextBytes: 10})
	ctx := context.Background()
	sent := core.SendAll(ctx, []Sending{
		{Message: Message{Chat: "room", Sender: "a", Text: "1"}},
		{Message: Message{Chat: "", Sender: "a", Text: "2"}},
		{Message: Message{Chat: "room", Sender: "a", Text: "3"}},
	})
	if sent[0].Err != nil || CodeOf(sent[1].Err) != InvalidArgument || sent[2].Err != nil || sent[0].Receipt.SendTime != 1 || sent[2].Receipt.SendTime != 2 {
		t.Errorf("SendAll() = %+v, want the second refused and positions 1 and 2", sent)
	}
	pulled := core.PullAll(ctx, []Pulling{
		{Request: PullRequest{Chat: "room", Limit: -1}}, {Request: PullRequest{Chat: "room"}}, {Request: PullRequest{Chat: "room", Limit: 9}},
	})
	if CodeOf(pulled[0].Err) != InvalidArgument || len(pulled[1].Page.Messages) != 1 || !pulled[1].Page.HasMore || len(pulled[2].Page.Messages) != 2 {
		t.Errorf("PullAll() = %+v, want the first refused and pages of one and two", pulled)
	}
	for _, results := range [][]SendResult{core.SendAll(ctx, nil), core.SendAll(ctx, []Sending{{}})} {
		for _, r := range results {
			if CodeOf(r.Err) != InvalidArgument {
				t.Errorf("SendAll(an empty message) = %v, want invalid_argument", r.Err)
			}
		}
	}
}
