package chat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
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
		if got, err := chat.ParseID(name); err != nil || got.String() != want {
			t.Errorf("ParseID(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ":", "a:", ":a", "a:b:c", "a b", "a\x00", "a/b", "{a}", "a,b", "\xff", "a:\xff", "😀", "\u0301", "7\u0301", "a.\u0301", "a\u034f", "a\ufe0f", "a\u200d", "a\u20dd", "\u0930\u180b", strings.Repeat("a", 65), ".", "..", ".:a", "a:.."} {
		if got, err := chat.ParseID(name); chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("ParseID(%q) = %q, %v; want invalid_argument", name, got, err)
		}
	}
}

// FuzzParseID: an accepted id is valid UTF-8 of bounded length. Its canonical form is canonical, whichever way the two
// users are written.
func FuzzParseID(f *testing.F) {
	for _, name := range []string{"room", "alice:bob", "bob:alice", ":", "a:b:c", "\xff", "é:z", "a b", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id, err := chat.ParseID(name)
		if err != nil {
			if chat.CodeOf(err) != chat.InvalidArgument {
				t.Errorf("ParseID(%q) = %v, want invalid_argument", name, err)
			}
			return
		}
		if again, err := chat.ParseID(id.String()); err != nil || again != id {
			t.Errorf("ParseID(%q) is not canonical: %q, %v", id, again, err)
		}
		if first, second, pair := id.Users(); pair {
			if swapped, err := chat.ParseID(second + ":" + first); err != nil || swapped != id {
				t.Errorf("ParseID(%q swapped) = %q, %v; want %q", name, swapped, err, id)
			}
		}
		if !utf8.ValidString(id.String()) || len(id.String()) > 2*chat.MaxIDBytes+1 || strings.ContainsAny(id.String(), "{}/ ,\n") {
			t.Errorf("ParseID(%q) accepted %q", name, id)
		}
	})
}

// FuzzPage: every cursor and limit gives a page that continues where it says, without skipping or repeating.
func FuzzPage(f *testing.F) {
	f.Add(int64(0), int64(3), false, uint8(10))
	f.Add(int64(5), int64(1), true, uint8(10))
	f.Add(int64(chat.MaxCursor), int64(100), true, uint8(0))
	f.Add(int64(-1), int64(-1), false, uint8(1))
	f.Fuzz(func(t *testing.T, cursor, limit int64, reverse bool, n uint8) {
		var messages []chat.Message
		for i := range int64(n) {
			messages = append(messages, chat.Message{SendTime: i*3 + 1})
		}
		core := chattest.Messages(logOf(t, messages...), chat.Access{}, chat.Limits{DefaultLimit: 2, MaxLimit: 5, MaxTextBytes: 10})
		request := chat.PullRequest{Chat: "room", Cursor: cursor, Limit: limit, Reverse: reverse}
		var seen []int64
		for {
			page, err := core.Pull(context.Background(), request)
			if cursor < 0 || cursor > chat.MaxCursor || limit < 0 {
				if chat.CodeOf(err) != chat.InvalidArgument {
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
		for _, m := range messages {
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

// logOf returns a store whose chat room has these messages, at their positions.
func logOf(t testing.TB, messages ...chat.Message) *chattest.Store {
	t.Helper()
	at := int64(0)
	store := chattest.NewStore(chattest.StoreOptions{Clock: func() time.Time { return time.UnixMicro(at) }})
	id, err := chat.ParseID("room")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		at = m.SendTime
		if appended := store.Append(t.Context(), []chat.Append{{Chat: id, Message: m}})[0]; appended.Err != nil || appended.SendTime != at {
			t.Fatalf("Append() = %+v, want position %d", appended, at)
		}
	}
	return store
}

// TestRawPages: pages of entries and pages of messages are the same ones, also for readers who ignore others.
func TestRawPages(t *testing.T) {
	var messages []chat.Message
	for i := range int64(60) {
		m := chat.Message{SendTime: i + 1, Sender: string(rune('a' + i*i%5)), Erased: i%4 == 0}
		if i%7 == 0 {
			m.Notice = &chat.Notice{Event: chat.RoomRenamed}
		}
		messages = append(messages, m)
	}
	for _, ignored := range [][]string{nil, {"b"}, {"a", "b"}, {"a", "b", "c", "d", "e"}} {
		core := chattest.Messages(ignoring{logOf(t, messages...), ignored}, chat.Access{}, chat.Limits{DefaultLimit: 2, MaxLimit: 5, MaxTextBytes: 10})
		for _, r := range []chat.PullRequest{{}, {Limit: 1}, {Limit: 5}, {Reverse: true}, {Reverse: true, Limit: 5}, {Cursor: 55}, {Unread: true}} {
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
				if entries := chattest.Stored(chat.Ranged{Messages: withoutChat(want.Messages)}).Entries; !slices.Equal(got.Entries, entries) || got.Messages != nil || got.HasMore != want.HasMore || got.NextCursor != want.NextCursor {
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

// withoutChat returns messages as they are stored.
func withoutChat(messages []chat.Message) []chat.Message {
	messages = slices.Clone(messages)
	for i := range messages {
		messages[i].Chat = ""
	}
	return messages
}

// ignoring is a store in which every reader stands at 3 and ignores the same users.
type ignoring struct {
	*chattest.Store
	ignored []string
}

func (s ignoring) ReaderPositions(_ context.Context, queries []chat.PositionQuery) []chat.PositionResult {
	results := make([]chat.PositionResult, len(queries))
	for i := range results {
		results[i] = chat.PositionResult{Cursor: 3, Ignored: map[string]bool{}}
		for _, user := range s.ignored {
			results[i].Ignored[user] = true
		}
	}
	return results
}

// broken is a Store whose every method fails.
type broken struct{ err error }

func (s broken) Append(_ context.Context, appends []chat.Append) []chat.Appended {
	return slices.Repeat([]chat.Appended{{Err: s.err}}, len(appends))
}

func (s broken) Range(_ context.Context, ranges []chat.Range) []chat.Ranged {
	return slices.Repeat([]chat.Ranged{{Err: s.err}}, len(ranges))
}

func (s broken) Ready(context.Context) error { return s.err }

func TestErrorsOfTheStore(t *testing.T) {
	for _, c := range []struct {
		err  error
		want chat.Code
	}{
		{chat.Errorf(chat.Unavailable, "away"), chat.Unavailable},
		{fmt.Errorf("append: %w", chat.Errorf(chat.ResourceExhausted, "full")), chat.ResourceExhausted},
		{context.DeadlineExceeded, chat.DeadlineExceeded},
		{context.Canceled, chat.Unavailable},
		{errors.New("secret cause"), chat.Internal},
	} {
		core := chattest.Messages(broken{c.err}, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 1})
		_, sendErr := core.Send(context.Background(), chat.Message{Chat: "room", Sender: "a", Text: "x"})
		_, pullErr := core.Pull(context.Background(), chat.PullRequest{Chat: "room"})
		for method, err := range map[string]error{"Send": sendErr, "Pull": pullErr, "Ready": core.Ready(context.Background())} {
			want := c.want
			if method == "Ready" {
				want = chat.Unavailable // whatever keeps it from being ready
			}
			var e *chat.Error
			if !errors.As(err, &e) || e.Code != want || strings.Contains(e.Message, "secret") {
				t.Errorf("%s over a store that fails with %v = %v, want %s and nothing of the cause", method, c.err, err, want)
			}
		}
	}
}

func TestErrorTellsItsCauseToTheLogOnly(t *testing.T) {
	err := chat.Wrap(errors.New("10.0.0.1: refused"), chat.Unavailable, "redis does not answer")
	if got, want := err.Error(), "unavailable: redis does not answer: 10.0.0.1: refused"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got, want := chat.Errorf(chat.NotFound, "no %s", "route").Error(), "not_found: no route"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if chat.CodeOf(nil) != "" {
		t.Errorf("CodeOf(nil) = %q, want none", chat.CodeOf(nil))
	}
}

func TestTextMustBeUTF8(t *testing.T) {
	core := chattest.Messages(logOf(t), chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 10})
	for _, m := range []chat.Message{
		{Chat: "room", Sender: "a", Text: "\xff"},
		{Chat: "room", Sender: "a", Text: "x", ID: "\xff"},
		{Chat: "room", Sender: "\xff", Text: "x"},
	} {
		if _, err := core.Send(context.Background(), m); chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("Send(%+v) = %v, want invalid_argument", m, err)
		}
	}
}

// TestOneBadRequestInABatch is refused alone, and the others keep their own results.
func TestOneBadRequestInABatch(t *testing.T) {
	core := chattest.Messages(logOf(t), chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 5, MaxTextBytes: 10})
	ctx := context.Background()
	sent := core.SendAll(ctx, []chat.Sending{
		{Message: chat.Message{Chat: "room", Sender: "a", Text: "1"}},
		{Message: chat.Message{Chat: "", Sender: "a", Text: "2"}},
		{Message: chat.Message{Chat: "room", Sender: "a", Text: "3"}},
	})
	if sent[0].Err != nil || chat.CodeOf(sent[1].Err) != chat.InvalidArgument || sent[2].Err != nil || sent[0].Receipt.SendTime != 1 || sent[2].Receipt.SendTime != 2 {
		t.Errorf("SendAll() = %+v, want the second refused and positions 1 and 2", sent)
	}
	pulled := core.PullAll(ctx, []chat.Pulling{
		{Request: chat.PullRequest{Chat: "room", Limit: -1}}, {Request: chat.PullRequest{Chat: "room"}}, {Request: chat.PullRequest{Chat: "room", Limit: 9}},
	})
	if chat.CodeOf(pulled[0].Err) != chat.InvalidArgument || len(pulled[1].Page.Messages) != 1 || !pulled[1].Page.HasMore || len(pulled[2].Page.Messages) != 2 {
		t.Errorf("PullAll() = %+v, want the first refused and pages of one and two", pulled)
	}
	for _, results := range [][]chat.SendResult{core.SendAll(ctx, nil), core.SendAll(ctx, []chat.Sending{{}})} {
		for _, r := range results {
			if chat.CodeOf(r.Err) != chat.InvalidArgument {
				t.Errorf("SendAll(an empty message) = %v, want invalid_argument", r.Err)
			}
		}
	}
}
