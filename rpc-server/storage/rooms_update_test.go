package storage

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestUpdateIsAllOrNothing: a change of a name and a visibility is made as a whole or not at all.
func TestUpdateIsAllOrNothing(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 4)
		h.create("ann", "club", chat.Private)
		update := func(user, name string, v chat.Visibility) chat.Code {
			_, err := h.roomService.ChangeRoom(as(user), chat.RoomChange{Room: "club", Kind: chat.UpdateRoom, Name: name, Visibility: v})
			return chat.CodeOf(err)
		}
		for _, c := range []struct {
			user, name string
			v          chat.Visibility
			want       chat.Code
		}{
			{"ann", strings.Repeat("x", chat.MaxRoomNameBytes+1), chat.Public, chat.InvalidArgument},
			{"ann", "\u202e", chat.Public, chat.InvalidArgument},
			{"ann", "Club", "secret", chat.InvalidArgument},
			{"ann", "Club", chat.Deleted, chat.InvalidArgument},
			{"ann", "Club", "", chat.InvalidArgument},
			{"eve", "Club", chat.Public, chat.PermissionDenied},
		} {
			equal(t, "update by "+c.user+" to "+c.name, update(c.user, c.name, c.v), c.want)
		}
		equal(t, "texts", h.texts("club"), []string{"ann made this room"})
		equal(t, "public rooms", h.public(), []string(nil))

		equal(t, "an update of both", update("ann", "Club", chat.Public), chat.Code(""))
		equal(t, "an update of the name", update("ann", "The Club", chat.Public), chat.Code(""))
		equal(t, "an update of nothing", update("ann", "The Club", chat.Public), chat.Code(""))
		equal(t, "texts", h.texts("club"), []string{
			"ann made this room", "ann made this room public", "ann named this room Club", "ann named this room The Club",
		})
		equal(t, "public rooms", h.public(), []string{"club"})
	})
}

// failingEdits is a RoomStore whose edits fail after some.
type failingEdits struct {
	chat.RoomStore
	left int
}

func (f *failingEdits) EditRoom(ctx context.Context, e chat.RoomEdit) (chat.EditOutcome, int64, error) {
	if f.left--; f.left < 0 {
		return 0, 0, errors.New("redis is down")
	}
	return f.RoomStore.EditRoom(ctx, e)
}

// TestUpdateWhereRedisFails: whatever edit is the last that Redis makes, both have changed or none.
func TestUpdateWhereRedisFails(t *testing.T) {
	for left, want := range [][]string{{"ann made this room"}, {"ann made this room", "ann made this room public", "ann named this room Club"}} {
		h := newHouse(t, redistest.Start(t).URL(), 4)
		h.create("ann", "club", chat.Private)
		roomService := chat.NewRoomService(&failingEdits{h.store, left}, chat.Access{Required: true, Rooms: h.store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 4})
		_, err := roomService.ChangeRoom(as("ann"), chat.RoomChange{Room: "club", Kind: chat.UpdateRoom, Name: "Club", Visibility: chat.Public})
		if (err == nil) != (left > 0) {
			t.Errorf("with %d edits an update = %v", left, err)
		}
		equal(t, "texts", h.texts("club"), want)
	}
}

// TestRoomKeysOfOtherTypes: a change that Redis refuses because of the type of one of the keys changes nothing else.
func TestRoomKeysOfOtherTypes(t *testing.T) {
	redis := redistest.Start(t)
	for n, kind := range []string{"room", "members", "log", "activity"} {
		h := newHouse(t, redis.URL(), 4)
		h.create("ann", "club", chat.Private)
		ctx := context.Background()
		keys := h.store.keys.RoomKeys(chattest.ID(t, "club"))
		spoilt := keys[n]
		kept := spoilt + ":kept"
		if err := h.store.redis.Do(ctx, "rename", spoilt, kept).Err(); err != nil {
			t.Fatal(err)
		}
		if err := h.store.redis.Do(ctx, "set", spoilt, "something else").Err(); err != nil {
			t.Fatal(err)
		}
		change := chat.RoomChange{Room: "club", Kind: chat.UpdateRoom, Name: "Club", Visibility: chat.Public}
		if _, err := h.roomService.ChangeRoom(as("ann"), change); err == nil {
			t.Errorf("with another type of %s the change was made", kind)
		}
		if err := h.store.redis.Do(ctx, "rename", kept, spoilt).Err(); err != nil {
			t.Fatal(err)
		}
		equal(t, "texts with another type of "+kind, h.texts("club"), []string{"ann made this room"})
		r, err := h.roomService.Room(as("ann"), chat.RoomRequest{Room: "club"})
		if err != nil || r.Visibility != chat.Private || r.Name != "" {
			t.Errorf("with another type of %s the room is %+v, %v", kind, r, err)
		}
	}
}
