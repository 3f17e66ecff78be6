package storage

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/pullchat/pullchat/internal/chat"
)

var (
	inboxUsers   = []string{"alice", "bob", "carol"}
	inboxReaders = []string{"alice", "alice/phone", "bob", "bob/pad"}
	inboxChats   = []string{"alice:bob", "alice:carol", "bob:carol", "alice:alice", "lobby", "den"}
)

const inboxRetention = time.Hour

// inboxWorld is a Store with its rules, and the model beside it.
type inboxWorld struct {
	store       *Store
	core        *chat.MessageService
	limits      chat.Limits
	roomService *chat.RoomService
	now         time.Time

	logs    map[string][]chat.Message
	cursors map[string]map[string]int64 // by chat and reader
	ignored map[string]map[string]bool  // by user
	lists   map[string]map[string]bool  // by user
	since   map[string]int64            // when a user became a member, by "room user"
	rooms   map[string]bool             // those that were created: whether they still are there
}

func newInboxWorld(t *rapid.T, url, prefix string) *inboxWorld {
	w := &inboxWorld{
		now:  time.UnixMicro(1_780_000_000_000_000),
		logs: map[string][]chat.Message{}, cursors: map[string]map[string]int64{},
		ignored: map[string]map[string]bool{}, lists: map[string]map[string]bool{}, since: map[string]int64{}, rooms: map[string]bool{},
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
	w.store, w.core, w.limits = store, chat.NewMessageService(store, chat.Access{}, limits), limits
	w.core.ReaderStore = store
	w.roomService = chat.NewRoomService(store, chat.Access{Rooms: store}, chat.RoomOptions{DefaultLimit: 3, MaxLimit: 7, MaxMembers: 10})
	return w
}

// desk returns an InboxService that was never asked: one that was lets a user who has asked for long wait.
func (w *inboxWorld) desk() *chat.InboxService {
	return chat.NewInboxService(w.store, chat.Access{Rooms: w.store}, w.limits)
}

func inChat(name, user string) bool {
	id, _ := chat.ParseID(name)
	first, second, pair := id.Users()
	return !pair || user == first || user == second
}

// stands returns a reader's position: in a room it is not before the start of the membership.
func (w *inboxWorld) stands(name, reader string) int64 {
	return max(w.cursors[name][reader], w.since[name+" "+chat.UserOf(reader)])
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
