package storage

import (
	"fmt"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestDevices: a user has 100 devices in a chat. Those that are there go on, and others are not meant.
func TestDevices(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	store := openAt(t, url, Options{})
	room := chattest.ID(t, "room")
	end := sendTo(t, store, room) + 1
	move := func(reader string, cursor int64) chat.Code {
		_, err := store.Advance(t.Context(), room, chat.Reading{Reader: reader, Cursor: cursor}, false)
		return chat.CodeOf(err)
	}
	for i := range 101 {
		want := chat.Code("")
		if i == 100 {
			want = chat.Conflict
		}
		if code := move(fmt.Sprint("alice/", i), end-1); code != want {
			t.Errorf("device %d = %q, want %q", i, code, want)
		}
	}
	for _, reader := range []string{"alice", "alice/0", "bob/phone"} {
		if code := move(reader, end); code != "" {
			t.Errorf("%s = %q, want it moved", reader, code)
		}
	}
	store = openAt(t, url, Options{MaxDevices: 2})
	for device, want := range []chat.Code{"", "", chat.Conflict} {
		if code := move(fmt.Sprint("cid/", device), end); code != want {
			t.Errorf("of two devices, number %d = %q, want %q", device, code, want)
		}
	}
}
