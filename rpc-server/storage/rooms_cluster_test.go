package storage

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// inbox is a user's inbox as "chat:unread" each, the newest first.
func (h house) inbox(user string) (entries []string) {
	h.t.Helper()
	desk := chat.NewInboxService(h.store, chat.Access{Required: true, Rooms: h.store}, chat.Limits{DefaultLimit: 100, MaxLimit: 100, MaxTextBytes: 100})
	inbox, err := desk.Inbox(as(user), chat.InboxRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range inbox.Entries {
		entries = append(entries, fmt.Sprint(e.Chat, ":", e.Unread))
	}
	return entries
}

// TestRoomsOnACluster: rooms lie at all masters, and the lists of their members at others.
func TestRoomsOnACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, "--appendonly", "no")
	h := newHouse(t, cluster.URL(), 10)
	var rooms, want []string
	masters := map[string]bool{}
	for i := 0; i < 6 || len(masters) < 3; i++ {
		room := fmt.Sprint("club", i)
		rooms = append(rooms, room)
		masters[cluster.MasterOf(h.store.keys.Room(chattest.ID(t, room))).Addr()] = true
	}
	for _, room := range rooms {
		h.create("ann", room, chat.Public, "bob")
		h.change("cid", room, chat.JoinRoom, "")
		h.change("ann", room, chat.CloseRoom, "")
		h.change("dan", room, chat.JoinRoom, chat.PermissionDenied)
		for _, user := range []string{"ann", "cid"} {
			if err := h.send(user, room, "hi"); err != nil {
				t.Fatal(err)
			}
		}
		want = append([]string{room + ":2"}, want...)
	}
	equal(t, "bob's inbox", h.inbox("bob"), want)
	equal(t, "bob's rooms", h.mine("bob"), sortedNames(rooms))
	equal(t, "dan's inbox", h.inbox("dan"), []string(nil))
	for i, room := range rooms {
		switch i % 3 {
		case 0:
			h.change("ann", room, chat.RemoveMembers, "", "bob")
		case 1:
			h.change("bob", room, chat.LeaveRoom, "")
		default:
			h.change("ann", room, chat.DeleteRoom, "")
		}
		code := chat.CodeOf(h.send("bob", room, "still here"))
		if want := map[int]chat.Code{0: chat.PermissionDenied, 1: chat.PermissionDenied, 2: chat.NotFound}[i%3]; code != want {
			t.Errorf("bob's send to %s = %q, want %q", room, code, want)
		}
	}
	equal(t, "bob's inbox", h.inbox("bob"), []string(nil))
	equal(t, "bob's rooms", h.mine("bob"), []string(nil))
	var anns, cids []string
	for i, room := range rooms {
		if i%3 == 2 { // deleted
			continue
		}
		equal(t, "members of "+room, h.members(room), []string{"ann*", "cid"})
		anns, cids = append(anns, room+":1"), append(cids, room+":1") // their own messages do not count
	}
	equal(t, "ann's inbox", sortedNames(h.inbox("ann")), sortedNames(anns))
	equal(t, "cid's inbox", sortedNames(h.inbox("cid")), sortedNames(cids))
}

func sortedNames(names []string) []string { return slices.Sorted(slices.Values(names)) }

// between calls what once, when an entry was put into a list and the change has not been made yet.
func between(t *testing.T, store *Store, what func()) {
	t.Helper()
	var called atomic.Bool // by pipelines of several nodes at once
	for _, tr := range countTrips(t, store) {
		tr.setCrash(func(commands string, done bool) bool {
			if done && strings.Contains(commands, "zadd") && called.CompareAndSwap(false, true) {
				what()
			}
			return false
		})
	}
	t.Cleanup(func() {
		if !called.Load() {
			t.Error("nothing was put into a list: nothing has been tried")
		}
	})
}

// TestARoomMovesBetweenListAndScript: its slot goes to another master after it has entered its new member's list. The user
// becomes a member all the same, or is told to try again and is none; the user's inbox is right in between.
func TestARoomMovesBetweenListAndScript(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, "--appendonly", "no")
	away := func(h house, room string) (slot int, to *redistest.Server) {
		key := h.store.keys.Room(chattest.ID(t, room))
		masters := cluster.Masters()
		return cluster.Slot(key), masters[(slices.Index(masters, cluster.MasterOf(key))+1)%len(masters)]
	}
	newClub := func(t *testing.T) house {
		h := newHouse(t, cluster.URL(), 10)
		h.create("ann", "club", chat.Public)
		if err := h.send("ann", "club", "hi"); err != nil {
			t.Fatal(err)
		}
		return h
	}
	t.Run("moved", func(t *testing.T) {
		h := newClub(t)
		between(t, h.store, func() { cluster.Migrate(away(h, "club")).Finish() })
		h.change("eve", "club", chat.JoinRoom, "")
		equal(t, "members", h.members("club"), []string{"ann*", "eve"})
		if err := h.send("ann", "club", "welcome"); err != nil {
			t.Error(err)
		}
		equal(t, "eve's inbox", h.inbox("eve"), []string{"club:1"})
		equal(t, "texts", h.texts("club"), []string{"ann made this room", "hi", "eve joined", "welcome"})
	})
	t.Run("moving", func(t *testing.T) {
		h := newClub(t)
		var migration *redistest.Migration
		between(t, h.store, func() {
			migration = cluster.Migrate(away(h, "club"))
			migration.MoveKey(h.store.keys.Log(chattest.ID(t, "club"))) // the room's script finds some of its keys here, some there
		})
		h.change("eve", "club", chat.JoinRoom, chat.Unavailable)
		migration.Finish()
		equal(t, "members", h.members("club"), []string{"ann*"})
		listed, err := h.store.redis.ZRange(t.Context(), h.store.keys.Chats("eve"), 0, -1).Result()
		if err != nil || !slices.Equal(listed, []string{"club"}) {
			t.Errorf("eve's list is %q, %v; want the room, which has entered it first", listed, err)
		}
		equal(t, "eve's inbox", h.inbox("eve"), []string(nil))
		equal(t, "texts", h.texts("club"), []string{"ann made this room", "hi"})
		h.change("eve", "club", chat.JoinRoom, "")
		equal(t, "eve's inbox", h.inbox("eve"), []string{"club:0"})
	})
	t.Run("removed", func(t *testing.T) {
		h := newClub(t)
		h.change("eve", "club", chat.JoinRoom, "")
		migration := cluster.Migrate(away(h, "club"))
		migration.MoveKey(h.store.keys.Members(chattest.ID(t, "club")))
		h.change("ann", "club", chat.RemoveMembers, chat.Unavailable, "eve")
		migration.Finish()
		equal(t, "eve's inbox", h.inbox("eve"), []string{"club:0"})
		h.change("ann", "club", chat.RemoveMembers, "", "eve")
		equal(t, "eve's inbox", h.inbox("eve"), []string(nil))
		h.change("ann", "club", chat.DeleteRoom, "")
		equal(t, "public rooms", h.public(), []string(nil))
	})
}
