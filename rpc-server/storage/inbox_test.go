package storage

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestInboxIsTheModels: whatever is sent, read, ignored, joined, left and forgotten, inboxes, counts and pages are those
// of a model that is a few lines of Go over slices.
func TestInboxIsTheModels(t *testing.T) {
	t.Parallel()
	t.Run("Redis", func(t *testing.T) { checkInbox(t, redistest.Start(t, "--appendonly", "no").URL()) })
	t.Run("embedded", func(t *testing.T) { checkInbox(t, "redis://"+miniredis.RunT(t).Addr()) })
}

func checkInbox(t *testing.T, url string) {
	var runs atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		w := newInboxWorld(rt, url, fmt.Sprintf("run%d", runs.Add(1)))
		defer func() { _ = w.store.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"send": w.send, "burst": w.burst, "read": w.read, "ignore": w.ignore, "join": w.join, "wait": w.wait,
			"": w.check,
		})
	})
}

var (
	inboxUsers   = []string{"alice", "bob", "carol"}
	inboxReaders = []string{"alice", "alice/phone", "bob"}
	inboxChats   = []string{"alice:bob", "alice:carol", "bob:carol", "alice:alice", "lobby", "den"}
)

const inboxRetention = time.Hour

// inboxWorld is a Store with its rules, and the model beside it.
type inboxWorld struct {
	store *Store
	core  *chat.Core
	desk  *chat.Readership
	now   time.Time

	logs    map[string][]chat.Message
	cursors map[string]map[string]int64 // by chat and reader
	ignored map[string]map[string]bool  // by user
	lists   map[string]map[string]bool  // by user
	since   map[string]int64            // when somebody became a member, by "room user"
}

func newInboxWorld(t *rapid.T, url, prefix string) *inboxWorld {
	w := &inboxWorld{
		now:  time.UnixMicro(1_780_000_000_000_000),
		logs: map[string][]chat.Message{}, cursors: map[string]map[string]int64{},
		ignored: map[string]map[string]bool{}, lists: map[string]map[string]bool{}, since: map[string]int64{},
	}
	for _, name := range inboxChats {
		w.cursors[name] = map[string]int64{}
	}
	for _, user := range inboxUsers {
		w.ignored[user], w.lists[user] = map[string]bool{}, map[string]bool{}
	}
	store, err := Open(url, Options{Prefix: prefix, Retention: inboxRetention, Clock: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	limits := chat.Limits{DefaultLimit: 3, MaxLimit: 7, MaxTextBytes: 100}
	w.store, w.core, w.desk = store, chat.New(store, limits).WithReaders(store), chat.NewReadership(store, limits)
	return w
}

func inChat(name, user string) bool {
	id, _ := chat.ParseID(name)
	first, second, pair := id.Users()
	return !pair || user == first || user == second
}

func (w *inboxWorld) draw(t *rapid.T, users []string) (name, user string) {
	name = rapid.SampledFrom(inboxChats).Draw(t, "chat")
	in := slices.DeleteFunc(slices.Clone(users), func(u string) bool { return !inChat(name, chat.UserOf(u)) })
	if len(in) == 0 {
		t.Skip("nobody")
	}
	return name, rapid.SampledFrom(in).Draw(t, "user")
}

func (w *inboxWorld) sends(t *rapid.T, name, sender string) {
	w.now = w.now.Add(time.Microsecond)
	m := chat.Message{Chat: name, Sender: sender, Text: "x"}
	receipt, err := w.core.Send(context.Background(), m)
	if err != nil {
		t.Fatalf("Send() = %v", err)
	}
	m.SendTime = receipt.SendTime
	w.logs[name] = append(w.logs[name], m)
	w.cursors[name][sender] = max(w.cursors[name][sender], m.SendTime+1)
	id, _ := chat.ParseID(name)
	if first, second, pair := id.Users(); pair {
		w.lists[first][name], w.lists[second][name] = true, true
	}
}

func (w *inboxWorld) send(t *rapid.T) {
	name, sender := w.draw(t, inboxUsers)
	w.sends(t, name, sender)
}

func (w *inboxWorld) burst(t *rapid.T) {
	name, sender := w.draw(t, inboxUsers)
	for range rapid.IntRange(20, 60).Draw(t, "times") {
		w.sends(t, name, sender)
	}
}

func (w *inboxWorld) read(t *rapid.T) {
	name, reader := w.draw(t, inboxReaders)
	cursor := int64(0)
	if log := w.logs[name]; len(log) > 0 {
		cursor = log[rapid.IntRange(0, len(log)-1).Draw(t, "message")].SendTime + rapid.Int64Range(0, 60).Draw(t, "past")
	}
	want := max(w.cursors[name][reader], cursor)
	id, _ := chat.ParseID(name)
	got, err := w.store.Advance(context.Background(), id, chat.Reading{Reader: reader, Cursor: cursor})
	if err != nil || got != want {
		t.Fatalf("Advance(%s, %s, %d) = %d, %v; want %d", name, reader, cursor, got, err, want)
	}
	if want > 0 { // else nothing was written
		w.cursors[name][reader] = want
	}
}

func (w *inboxWorld) ignore(t *rapid.T) {
	user, other := rapid.SampledFrom(inboxUsers).Draw(t, "user"), rapid.SampledFrom(inboxUsers).Draw(t, "other")
	if user == other {
		t.Skip("herself")
	}
	r := chat.IgnoreRequest{User: user, Other: other, Ignore: rapid.Bool().Draw(t, "ignore")}
	if err := w.desk.Ignore(context.Background(), r); err != nil {
		t.Fatalf("Ignore(%+v) = %v", r, err)
	}
	if w.ignored[user][other] = true; !r.Ignore {
		delete(w.ignored[user], other)
	}
}

func (w *inboxWorld) join(t *rapid.T) {
	user, room := rapid.SampledFrom(inboxUsers).Draw(t, "user"), rapid.SampledFrom([]string{"lobby", "den"}).Draw(t, "room")
	id, _ := chat.ParseID(room)
	w.now = w.now.Add(time.Microsecond)
	m := chat.Message{Sender: user, Text: "x", Notice: &chat.Notice{Event: chat.MemberJoined, Users: []string{user}}}
	edit := chat.RoomEdit{Room: id, IfAdmins: -1, MaxMembers: 10, Notices: []chat.Message{m}}
	leaves := rapid.Bool().Draw(t, "leaves")
	if leaves {
		edit.Remove = []string{user}
	} else {
		edit.Set = []chat.Member{{User: user, Role: chat.PlainMember}}
	}
	outcome, at, err := w.store.EditRoom(context.Background(), edit)
	if err != nil || outcome != chat.Edited {
		t.Fatalf("change the list of %s: %v, %v", user, outcome, err)
	}
	m.Chat, m.SendTime = room, at
	w.logs[room] = append(w.logs[room], m)
	if w.lists[user][room], w.since[room+" "+user] = true, at; leaves {
		delete(w.lists[user], room)
		delete(w.since, room+" "+user)
	}
}

// stands is where a reader stands: in a room it is not before she became a member.
func (w *inboxWorld) stands(name, reader string) int64 {
	return max(w.cursors[name][reader], w.since[name+" "+chat.UserOf(reader)])
}

// wait lets the oldest messages go.
func (w *inboxWorld) wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "minutes")) * time.Minute)
}

// visible are the messages of a chat from a cursor on that a user sees.
func (w *inboxWorld) visible(name, user string, from int64) (seen []chat.Message) {
	oldest := w.now.Add(-inboxRetention).UnixMicro()
	for _, m := range w.logs[name] {
		if m.SendTime >= max(from, oldest) && (m.Notice != nil || !w.ignored[user][m.Sender]) {
			seen = append(seen, m)
		}
	}
	return seen
}

func (w *inboxWorld) inbox(reader string) (entries []chat.InboxEntry) {
	user := chat.UserOf(reader)
	newest := map[string]int64{}
	for name := range w.lists[user] {
		if log := w.logs[name]; len(log) > 0 {
			newest[name] = log[len(log)-1].SendTime
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(newest), func(a, b string) int { return int(newest[b] - newest[a]) }) {
		e := chat.InboxEntry{Chat: name, Cursor: w.stands(name, reader)}
		if all := w.visible(name, user, 0); len(all) > 0 {
			e.Last = &all[len(all)-1]
		}
		for _, m := range w.visible(name, user, e.Cursor) {
			if m.Sender != user && m.Notice == nil {
				e.Unread = min(e.Unread+1, chat.ManyUnread)
			}
		}
		entries = append(entries, e)
	}
	return entries
}

func (w *inboxWorld) check(t *rapid.T) {
	for _, reader := range inboxReaders {
		want := w.inbox(reader)
		w.checkPages(t, reader, want)
		w.checkUnread(t, reader, want)
	}
	w.checkPull(t)
}

func (w *inboxWorld) checkPages(t *rapid.T, reader string, want []chat.InboxEntry) {
	var got []chat.InboxEntry
	for r := (chat.InboxRequest{Reader: reader, Limit: rapid.Int64Range(1, 4).Draw(t, "limit")}); ; {
		page, err := w.desk.Inbox(context.Background(), r)
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
	got, err := w.desk.Unread(context.Background(), reader)
	slices.SortFunc(want, func(a, b chat.Unread) int {
		if a.Chat < b.Chat {
			return -1
		}
		return 1
	})
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("Unread(%s) = %v, %v; want %v", reader, got, err, want)
	}
}

// checkPull reads a chat as a reader from where she stands: every message that she sees, once, in order, and no more.
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

// TestSendingNeverMovesBack: who said that she has read further than there are messages stays there.
func TestSendingNeverMovesBack(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	room := id(t, "room")
	ahead, err := store.Advance(t.Context(), room, chat.Reading{Reader: "alice", Cursor: chat.MaxCursor})
	if err != nil || ahead != chat.MaxCursor {
		t.Fatalf("Advance() = %d, %v", ahead, err)
	}
	for _, sender := range []string{"alice", "bob", "bob"} {
		if _, err := appendOne(store, room, chat.Message{Sender: sender, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	last, err := rangeOne(store, room, chat.MaxCursor, true, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := chat.Receipts{Count: 2, Readings: []chat.Reading{{Reader: "alice", Cursor: ahead}, {Reader: "bob", Cursor: last[0].SendTime + 1}}}
	if got, err := store.Readings(t.Context(), room, 10); err != nil || !slices.Equal(got.Readings, want.Readings) || got.Count != want.Count {
		t.Errorf("Readings() = %+v, %v; want %+v", got, err, want)
	}
	if got, err := store.Readings(t.Context(), room, 1); err != nil || len(got.Readings) != 1 || got.Count != 2 {
		t.Errorf("Readings() of one = %+v, %v; want one and the count of both", got, err)
	}
}
