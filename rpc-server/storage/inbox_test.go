package storage

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
)

// TestInboxIsTheModels: whatever is sent, read, ignored, joined, left and forgotten, inboxes, counts and pages are those
// of a model that is a few lines of Go over slices.
func TestInboxIsTheModels(t *testing.T) {
	t.Parallel()
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		checkInbox(t, redistest.Start(t, "--appendonly", "no").URL(), longtest.Pick(15, 100))
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		checkInbox(t, "redis://"+miniredis.RunT(t).Addr(), longtest.Pick(3, 100)) // which is slow under the race detector
	})
}

// checkInbox makes at most this many runs, each of about 30 steps.
func checkInbox(t *testing.T, url string, most int) {
	checkFew(t, most, func(rt *rapid.T, run int) {
		w := newInboxWorld(rt, url, fmt.Sprintf("run%d", run))
		defer func() { _ = w.store.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"send": w.send, "burst": w.burst, "read": w.read, "ignore": w.ignore, "wait": w.wait,
			"create": w.create, "member": w.member, "drop": w.drop,
			"": w.check,
		})
	})
}

func (w *inboxWorld) check(t *rapid.T) {
	w.now = w.now.Add(time.Millisecond) // some of its notices may be ahead of the clock
	for _, reader := range inboxReaders {
		want := w.inbox(reader)
		w.checkPages(t, reader, want)
		w.checkUnread(t, reader, want)
	}
	w.checkPull(t)
	w.checkReadings(t)
}

// checkReadings compares the read cursors with those before, or with none if the room is another one.
func (w *inboxWorld) checkReadings(t *rapid.T) {
	for _, name := range inboxChats {
		id, _ := chat.ParseID(name)
		got, err := w.store.Readings(context.Background(), id, 100)
		read := map[string]int64{}
		for _, r := range got.Readings {
			read[r.Reader] = r.Cursor
		}
		if err != nil || !maps.Equal(read, w.cursors[name]) || got.Count != len(read) {
			t.Fatalf("the readers of %s are %v, %v; want %v", name, got, err, w.cursors[name])
		}
	}
}

func (w *inboxWorld) checkPages(t *rapid.T, reader string, want []chat.InboxEntry) {
	var got []chat.InboxEntry
	for r := (chat.InboxRequest{Reader: reader, Limit: rapid.Int64Range(1, 4).Draw(t, "limit")}); ; {
		page, err := w.desk().Inbox(context.Background(), r)
		if err != nil {
			t.Fatalf("Inbox(%+v) = %v", r, err)
		}
		got = append(got, page.Entries...)
		if !page.HasMore {
			break
		}
		r.Cursor = page.NextCursor
	}
	if show(got) != show(want) {
		t.Fatalf("the inbox of %s is\n%s, want\n%s", reader, show(got), show(want))
	}
}

func show(entries []chat.InboxEntry) (text string) {
	for _, e := range entries {
		last := "nothing"
		if e.Last != nil {
			last = fmt.Sprintf("%s's at %d in %s", e.Last.Sender, e.Last.SendTime, e.Last.Chat)
		}
		text += fmt.Sprintf("%s: %d from %d on, last %s\n", e.Chat, e.Unread, e.Cursor, last)
	}
	return text
}

func (w *inboxWorld) checkUnread(t *rapid.T, reader string, inbox []chat.InboxEntry) {
	var want []chat.Unread
	for _, e := range inbox {
		if e.Unread > 0 {
			want = append(want, chat.Unread{Chat: e.Chat, Count: e.Unread})
		}
	}
	var got []chat.Unread
	for r := (chat.UnreadRequest{Reader: reader, Limit: rapid.Int64Range(0, 4).Draw(t, "limit of counts")}); ; {
		page, err := w.desk().Unread(context.Background(), r)
		if err != nil {
			t.Fatalf("Unread(%+v) = %v", r, err)
		}
		got = append(got, page.Chats...)
		if r.Cursor = page.NextCursor; !page.HasMore {
			break
		}
	}
	slices.SortFunc(got, func(a, b chat.Unread) int { return strings.Compare(a.Chat, b.Chat) })
	slices.SortFunc(want, func(a, b chat.Unread) int { return strings.Compare(a.Chat, b.Chat) })
	if !slices.Equal(got, want) {
		t.Fatalf("Unread(%s) = %v, want %v", reader, got, want)
	}
}

// checkPull reads a chat from the reader's cursor: every message that the reader may see, once, in order, and no more.
func (w *inboxWorld) checkPull(t *rapid.T) {
	name, reader := w.draw(t, inboxReaders)
	want := w.visible(name, chat.UserOf(reader), w.stands(name, reader))
	r := chat.PullRequest{Chat: name, Reader: reader, Unread: true, Limit: rapid.Int64Range(1, 7).Draw(t, "limit")}
	if rapid.Bool().Draw(t, "reverse") {
		r.Unread, r.Reverse = false, true
		want = w.visible(name, chat.UserOf(reader), 0)
		slices.Reverse(want)
	}
	var got []chat.Message
	for {
		page, err := w.core.Pull(context.Background(), r)
		if err != nil {
			t.Fatalf("Pull(%+v) = %v", r, err)
		}
		got = append(got, page.Messages...)
		if !page.HasMore {
			break
		}
		r.Cursor, r.Unread = page.NextCursor, false
	}
	if !slices.EqualFunc(got, want, func(a, b chat.Message) bool { return reflect.DeepEqual(a, b) }) {
		t.Fatalf("%s reads %v of %s, want %v", reader, got, name, want)
	}
}

// TestOnlyReadersMoveTheirCursors: a send does not move its sender's cursor, with or without earlier messages.
func TestOnlyReadersMoveTheirCursors(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	room := chattest.ID(t, "room")
	send := func(senders ...string) int64 {
		var last int64
		for _, sender := range senders {
			appended, err := appendOne(store, room, chat.Message{Sender: sender, Text: "x"})
			if err != nil {
				t.Fatal(err)
			}
			last = appended.SendTime
		}
		return last
	}
	end := send("alice", "bob") + 1
	for _, reader := range []string{"alice", "alice/phone"} {
		if got, err := store.Advance(t.Context(), room, chat.Reading{Reader: reader, Cursor: chat.MaxCursor}, false); err != nil || got != end {
			t.Fatalf("Advance(%s) to the end = %d, %v; want %d", reader, got, err, end)
		}
	}
	send("alice", "bob", "bob")
	want := []chat.Reading{{Reader: "alice", Cursor: end}, {Reader: "alice/phone", Cursor: end}}
	if got, err := store.Readings(t.Context(), room, 10); err != nil || !slices.Equal(got.Readings, want) || got.Count != 2 {
		t.Errorf("Readings() = %+v, %v; want %+v", got, err, want)
	}
	if got, err := store.Readings(t.Context(), room, 1); err != nil || len(got.Readings) != 1 || got.Count != 2 {
		t.Errorf("Readings() of one = %+v, %v; want one and the count of both", got, err)
	}
}

// TestCursorsPastTheEnd: those that an earlier release let stand there come back to the end when their reader reads.
func TestCursorsPastTheEnd(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	pair, reading := chattest.ID(t, "alice:bob"), chat.Reading{Reader: "alice", Cursor: 1}
	if err := store.redis.HSet(t.Context(), store.keys.Read(pair), "alice", chat.MaxCursor).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Advance(t.Context(), pair, reading, false); err != nil || got != chat.MaxCursor {
		t.Errorf("Advance() where nothing was said = %d, %v; want %d, where it was", got, err, int64(chat.MaxCursor))
	}
	appended, err := appendOne(store, pair, chat.Message{Sender: "bob", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	w := hintstest.WatchOf(t, store, pair)
	w.Confirmed(pair)
	if got, err := store.Advance(t.Context(), pair, reading, false); err != nil || got != appended.SendTime+1 {
		t.Errorf("Advance() = %d, %v; want the end, %d", got, err, appended.SendTime+1)
	}
	if moved := w.Until("the movement", kind(chat.Moved)); moved.Reading.Cursor != appended.SendTime+1 {
		t.Errorf("Next() = %+v, want a cursor of %d", moved.Reading, appended.SendTime+1)
	}
}

// TestIgnoringEnds at a number, which waiting does not change.
func TestIgnoringEnds(t *testing.T) {
	store, ctx := openAt(t, redistest.Start(t).URL(), Options{}), t.Context()
	for i := range maxIgnored {
		if err := store.redis.SAdd(ctx, store.keys.Ignored("ann"), fmt.Sprint(i)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for other, want := range map[string]chat.Code{"0": "", "one more": chat.Conflict} {
		if err := store.SetIgnored(ctx, chat.IgnoreRequest{User: "ann", Other: other, Ignore: true}); chat.CodeOf(err) != want {
			t.Errorf("SetIgnored(%s) = %v, want %q", other, err, want)
		}
	}
}

// TestInboxNames: a page has the names of rooms, of both users of a conversation, and of who spoke last in a room.
func TestInboxNames(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		for user, name := range map[string]string{"ann": "Ann A.", "bob": "Bob B.", "cid": ""} {
			account := chat.StoredAccount{Account: chat.Account{User: user, Name: name}, PasswordHash: "h"}
			if _, err := h.store.AddAccount(t.Context(), account); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.roomService.CreateRoom(as("cid"), chat.NewRoom{ID: "club", Name: "The Club", Users: []string{"ann", "bob"}}); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{h.send("bob", "club", "hi"), h.send("ann", "ann:bob", "hi"), h.send("cid", "ann:cid", "hi"), h.send("ann", "ann:ann", "hi")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		desk := chat.NewInboxService(h.store, chat.Access{Required: true, Rooms: h.store}, chat.Limits{DefaultLimit: 10, MaxLimit: 10})
		ann, bob := chat.UserName{User: "ann", Name: "Ann A."}, chat.UserName{User: "bob", Name: "Bob B."}
		for _, names := range []bool{false, true} {
			inbox, err := desk.Inbox(as("ann"), chat.InboxRequest{Names: names})
			if err != nil || len(inbox.Entries) != 4 {
				t.Fatalf("Inbox() = %+v, %v", inbox, err)
			}
			for _, e := range inbox.Entries {
				want := map[string][]chat.UserName{"club": {bob}, "ann:bob": {ann, bob}, "ann:cid": {ann}, "ann:ann": {ann}}[e.Chat]
				name := map[string]string{"club": "The Club"}[e.Chat]
				if !names {
					want, name = nil, ""
				}
				if !slices.Equal(e.Users, want) || e.Name != name {
					t.Errorf("%s has the name %q and the users %v, want %q and %v", e.Chat, e.Name, e.Users, name, want)
				}
			}
		}
	})
}
