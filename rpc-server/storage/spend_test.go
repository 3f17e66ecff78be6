package storage

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestNewChatsAreBounded: two Stores share a user's limits. Only a chat's first message is charged; services are not.
func TestNewChatsAreBounded(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		options := h.store.options
		now := time.Now()
		options.Clock = func() time.Time { return now } // no window ends during the test
		options.NewChats = chat.Bounds{PerHour: 4, PerDay: 100}
		h.store = openAt(t, url, options)
		other := h
		other.store = openAt(t, url, options)
		limits := chat.Limits{DefaultLimit: 100, MaxLimit: 1000, MaxTextBytes: 100}
		h.core, other.core = chat.NewMessageService(h.store, chat.Access{Required: true}, limits), chat.NewMessageService(other.store, chat.Access{Required: true}, limits)
		h.roomService = chat.NewRoomService(h.store, chat.Access{Required: true, Rooms: h.store, Spender: h.store}, chat.RoomOptions{
			DefaultLimit: 10, MaxLimit: 100, MaxMembers: 100, NewChats: options.NewChats, AddedMembers: chat.Bounds{PerHour: 3},
		})
		for i := range 3 {
			for _, one := range []house{h, other, h} {
				equal(t, "a send", one.send("eve", fmt.Sprintf("eve:v%d", i), "hi"), error(nil))
			}
		}
		h.create("eve", "club", chat.Private)
		for _, one := range []house{h, other} {
			equal(t, "a fifth chat", chat.CodeOf(one.send("eve", "eve:late", "hi")), chat.ResourceExhausted)
		}
		_, err := h.roomService.CreateRoom(as("eve"), chat.NewRoom{})
		equal(t, "a fifth room", chat.CodeOf(err), chat.ResourceExhausted)
		wait := now.Truncate(time.Hour).Add(time.Hour).Sub(now.Truncate(time.Second))
		if got := time.Duration(chat.RetryAfter(err)) * time.Second; got != wait {
			t.Errorf("a fifth room may be tried again after %v, want %v", got, wait)
		}
		equal(t, "a chat that is known", h.send("eve", "eve:v0", "more"), error(nil))
		equal(t, "a bystander's chat", h.send("bob", "bob:eve", "hi"), error(nil))
		equal(t, "an answer in it", h.send("eve", "bob:eve", "hi"), error(nil))
		_, err = h.core.Send(asService(), chat.Message{Chat: "eve:late", Sender: "eve", Text: "hi"})
		equal(t, "a service's chat", err, error(nil))

		options.NewChats = chat.Bounds{PerHour: 4, PerDay: 4}
		day := now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now.Truncate(time.Second))
		spent, err := h.store.Spend(t.Context(), "gus", options.NewChats.NewChats())
		for range 4 {
			equal(t, "a charge", err, error(nil))
			if spent == 0 {
				spent, err = h.store.Spend(t.Context(), "gus", options.NewChats.NewChats())
			}
		}
		if spent != day {
			t.Errorf("with the day spent too, the wait is %v, want %v", spent, day)
		}

		h.change("eve", "club", chat.AddMembers, "", "a", "b")
		h.change("eve", "club", chat.AddMembers, chat.ResourceExhausted, "c", "d")
		h.change("eve", "club", chat.AddMembers, "", "a", "b", "c")
		h.change("eve", "club", chat.AddMembers, chat.ResourceExhausted, "d")
		equal(t, "members", h.members("club"), []string{"eve*", "a", "b", "c"})
		if _, err := h.roomService.ChangeRoom(asService(), chat.RoomChange{Room: "club", Kind: chat.AddMembers, Users: []string{"d"}, As: "eve"}); err != nil {
			t.Errorf("a service's addition = %v", err)
		}
		if found, err := h.store.redis.Keys(context.Background(), "*:spent").Result(); err != nil || len(found) != 3 {
			t.Errorf("what is spent is in %v, %v, want eve's, bob's and gus's", found, err)
		}
	})
}
