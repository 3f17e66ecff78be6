package storage

import (
	"context"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/pullchat/pullchat/internal/chat"
)

func (w *inboxWorld) draw(t *rapid.T, users []string) (name, user string) {
	name = rapid.SampledFrom(inboxChats).Draw(t, "chat")
	if there, created := w.rooms[name]; created && !there {
		t.Skip("deleted")
	}
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
	cursor, end := rapid.SampledFrom([]int64{0, 1, chat.MaxCursor}).Draw(t, "cursor"), int64(0)
	if log := w.logs[name]; len(log) > 0 {
		end = log[len(log)-1].SendTime + 1
		if rapid.Bool().Draw(t, "at a message") {
			cursor = log[rapid.IntRange(0, len(log)-1).Draw(t, "message")].SendTime + rapid.Int64Range(0, 60).Draw(t, "past")
		}
	}
	force := rapid.Bool().Draw(t, "force")
	want := min(cursor, end)
	if known := w.cursors[name][reader]; !force {
		want = max(known, want)
	}
	id, _ := chat.ParseID(name)
	got, err := w.store.Advance(context.Background(), id, chat.Reading{Reader: reader, Cursor: cursor}, force)
	if err != nil || got != want {
		t.Fatalf("Advance(%s, %s, %d, %v) = %d, %v; want %d", name, reader, cursor, force, got, err, want)
	}
	if want != w.cursors[name][reader] { // else nothing was written
		w.cursors[name][reader] = want
	}
}

func (w *inboxWorld) ignore(t *rapid.T) {
	user, other := rapid.SampledFrom(inboxUsers).Draw(t, "user"), rapid.SampledFrom(inboxUsers).Draw(t, "other")
	if user == other {
		t.Skip("herself")
	}
	r := chat.IgnoreRequest{User: user, Other: other, Ignore: rapid.Bool().Draw(t, "ignore")}
	if err := w.desk().Ignore(context.Background(), r); err != nil {
		t.Fatalf("Ignore(%+v) = %v", r, err)
	}
	if w.ignored[user][other] = true; !r.Ignore {
		delete(w.ignored[user], other)
	}
}

// wait lets the oldest messages go.
func (w *inboxWorld) wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "minutes")) * time.Minute)
}

// inboxAdmin is the admin of every room, and reads none of it.
const inboxAdmin = "dave"

// room draws a room that is there, or that is not.
func (w *inboxWorld) room(t *rapid.T, there bool) string {
	name := rapid.SampledFrom([]string{"lobby", "den"}).Draw(t, "room")
	if w.rooms[name] != there {
		t.Skip("not so")
	}
	w.now = w.now.Add(time.Microsecond)
	return name
}

// create makes a room, of which some are members at once; messages that were there before it stay.
func (w *inboxWorld) create(t *rapid.T) {
	name := w.room(t, false)
	users := slices.DeleteFunc(slices.Clone(inboxUsers), func(string) bool { return rapid.Bool().Draw(t, "without") })
	made := chat.NewRoom{ID: name, Visibility: chat.Public, Users: users, As: inboxAdmin}
	if _, err := w.roomService.CreateRoom(context.Background(), made); err != nil {
		t.Fatalf("CreateRoom(%+v) = %v", made, err)
	}
	w.rooms[name] = true
	w.joined(name, users, w.told(t, name, inboxAdmin, chat.RoomCreated, users))
}

// member adds a user to a room, or removes the user, in each of the possible ways.
func (w *inboxWorld) member(t *rapid.T) {
	name, user := w.room(t, true), rapid.SampledFrom(inboxUsers).Draw(t, "user")
	kind := rapid.SampledFrom([]chat.ChangeKind{chat.JoinRoom, chat.LeaveRoom, chat.AddMembers, chat.RemoveMembers}).Draw(t, "kind")
	change := chat.RoomChange{Room: name, Kind: kind, As: user}
	if kind == chat.AddMembers || kind == chat.RemoveMembers {
		change.As, change.Users = inboxAdmin, []string{user}
	}
	if _, err := w.roomService.ChangeRoom(context.Background(), change); err != nil {
		t.Fatalf("ChangeRoom(%+v) = %v", change, err)
	}
	event := map[chat.ChangeKind]chat.NoticeEvent{
		chat.JoinRoom: chat.MemberJoined, chat.AddMembers: chat.MemberAdded,
		chat.LeaveRoom: chat.MemberLeft, chat.RemoveMembers: chat.MemberRemoved,
	}[kind]
	enters := kind == chat.JoinRoom || kind == chat.AddMembers
	switch {
	case enters == w.lists[user][name]: // nothing was to change
	case enters:
		w.joined(name, []string{user}, w.told(t, name, change.As, event, []string{user}))
	default:
		w.told(t, name, change.As, event, []string{user})
		w.left(name, user)
	}
}

// drop deletes a room with its messages and read cursors.
func (w *inboxWorld) drop(t *rapid.T) {
	name := w.room(t, true)
	change := chat.RoomChange{Room: name, Kind: chat.DeleteRoom, As: inboxAdmin}
	if _, err := w.roomService.ChangeRoom(context.Background(), change); err != nil {
		t.Fatalf("ChangeRoom(%+v) = %v", change, err)
	}
	w.rooms[name], w.logs[name], w.cursors[name] = false, nil, map[string]int64{}
	for _, user := range inboxUsers {
		w.left(name, user)
	}
}

// told takes the notice of a change into the model, and returns its position: the one thing that only the log knows.
func (w *inboxWorld) told(t *rapid.T, name, by string, event chat.NoticeEvent, users []string) int64 {
	id, _ := chat.ParseID(name)
	last, err := rangeOne(w.store, id, chat.MaxCursor, true, 1)
	if err != nil || len(last) != 1 || last[0].Notice == nil {
		t.Fatalf("the last message of %s = %v, %v; want a notice", name, last, err)
	}
	m := last[0]
	m.Chat = name
	if log := w.logs[name]; len(log) > 0 && m.SendTime <= log[len(log)-1].SendTime {
		t.Fatalf("the notice of %s %q is not behind the messages of %s", event, users, name)
	}
	if want := (chat.Notice{Event: event, Users: users}); m.Sender != by || !reflect.DeepEqual(*m.Notice, want) && len(users) > 0 {
		t.Fatalf("the notice in %s = %+v of %s, want %+v of %s", name, *m.Notice, m.Sender, want, by)
	}
	w.logs[name] = append(w.logs[name], m)
	return m.SendTime
}

func (w *inboxWorld) joined(name string, users []string, at int64) {
	for _, user := range users {
		w.lists[user][name], w.since[name+" "+user] = true, at
	}
}

func (w *inboxWorld) left(name, user string) {
	delete(w.lists[user], name)
	delete(w.since, name+" "+user)
}
