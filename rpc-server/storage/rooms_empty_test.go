package storage

import (
	"context"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestEmptyPrivateRoomIsDropped with its log; a public one stays, and so does one with members.
func TestEmptyPrivateRoomIsDropped(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		h.create("ann", "den", chat.Private, "bob")
		h.create("ann", "lounge", chat.Public)
		equal(t, "a send", h.send("bob", "den", "secret"), error(nil))
		h.change("ann", "lounge", chat.LeaveRoom, "")
		h.change("ann", "den", chat.LeaveRoom, "")
		equal(t, "members", h.members("den"), []string{"bob*"})
		h.change("bob", "den", chat.LeaveRoom, "")
		_, err := h.roomService.Room(asService(), chat.RoomRequest{Room: "den"})
		equal(t, "the empty room", chat.CodeOf(err), chat.NotFound)
		for _, key := range h.store.keys.RoomKeys(chattest.ID(t, "den"))[1:] {
			if !strings.HasSuffix(key, ":activity") && h.store.redis.Exists(context.Background(), key).Val() > 0 {
				t.Errorf("%s is still there", key)
			}
		}
		equal(t, "bob's rooms", h.mine("bob"), []string(nil))
		if _, err := h.roomService.Room(asService(), chat.RoomRequest{Room: "lounge"}); err != nil {
			t.Errorf("an empty public room = %v", err)
		}
	})
}

// TestRoomThatIsNotEmptyAnyMore: one who was added meanwhile keeps the room from being dropped.
func TestRoomThatIsNotEmptyAnyMore(t *testing.T) {
	h := newHouse(t, redistest.Start(t).URL(), 10)
	h.create("ann", "den", chat.Private, "bob")
	stale := chat.RoomEdit{Room: chattest.ID(t, "den"), IfVisibility: chat.Private, IfAdmins: -1, Remove: []string{"ann"}, Emptied: true, MaxMembers: 1}
	if outcome, err := h.store.DropRoom(context.Background(), stale); err != nil || outcome != chat.EditStale {
		t.Errorf("DropRoom() of a room with another member = %v, %v; want EditStale", outcome, err)
	}
	equal(t, "members", h.members("den"), []string{"ann*", "bob"})
}

// TestErasingRemovesIDs: nothing that the sender chose stays, also where an earlier release erased and kept the id.
func TestErasingRemovesIDs(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		for _, m := range []chat.Message{{Text: "of hers", Sender: "ann", ID: "chosen-1"}, {Sender: "ann", ID: "chosen-2", Erased: true}, {Text: "of his", Sender: "bob", ID: "his"}} {
			if _, err := appendOne(h.store, chattest.ID(t, "ann:bob"), m); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.store.EraseTexts(context.Background(), chattest.ID(t, "ann:bob"), "ann", 1); err != nil {
			t.Fatal(err)
		}
		log, ids, _ := h.store.keys.Append(chattest.ID(t, "ann:bob"))
		for _, key := range []string{log, ids} {
			left := strings.Join(h.store.redis.ZRange(context.Background(), key, 0, -1).Val(), " ")
			if strings.Contains(left, "chosen") || !strings.Contains(left, "his") {
				t.Errorf("%s has %q, want bob's id and none of ann's", key, left)
			}
		}
	})
}

// TestMembersArePaged: pages have each member once, and one that leaves in between moves no other.
func TestMembersArePaged(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 100)
		h.create("ann", "club", chat.Private, "b", "c", "d")
		h.change("ann", "club", chat.AddMembers, "", "e", "a")
		var got []string
		request := chat.RoomRequest{Room: "club", Limit: 2}
		for page := range 3 {
			room, err := h.roomService.Room(as("ann"), request)
			if err != nil || room.HasMore != (page < 2) {
				t.Fatalf("page %d = %+v, %v", page, room, err)
			}
			for _, m := range room.Members {
				got = append(got, m.User)
			}
			request.Cursor = room.NextCursor
			if page == 0 {
				h.change("ann", "club", chat.RemoveMembers, "", "b", "c")
			}
		}
		equal(t, "members", strings.Join(got, " "), "ann b d a e")
		for _, bad := range []chat.RoomRequest{{Room: "club", Limit: -1}, {Room: "club", Cursor: "x"}, {Room: "club", Cursor: "7"}} {
			_, err := h.roomService.Room(as("ann"), bad)
			equal(t, "a bad page", chat.CodeOf(err), chat.InvalidArgument)
		}
	})
}
