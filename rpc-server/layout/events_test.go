package layout

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// FuzzDecodeEvent: any string is an event or none, and an event survives encoding.
func FuzzDecodeEvent(f *testing.F) {
	f.Add("")
	f.Add("\x0b\x00\x01\x7f\xff\xff\xff")
	f.Add("\x0f\x00\x09\x0c\x7f\xff\xff\xff")
	room, _ := chat.ParseID("room")
	for _, e := range []chat.Event{
		{Chat: room, Kind: chat.PresenceChanged},
		{Chat: room, Kind: chat.Moved, Reading: &chat.Reading{Reader: "a/b", Cursor: 1 << 52}},
		{Chat: room, Kind: chat.Received, Reading: &chat.Reading{Reader: "a", Cursor: 1 << 52}},
		{Chat: room, Kind: chat.Signalled, Signal: &chat.Signal{Chat: "room", Sender: "a", Type: "typing", Data: "x"}},
	} {
		f.Add(string(EncodeEvent(e)))
	}
	f.Fuzz(func(t *testing.T, payload string) {
		e, ok := DecodeEvent(payload)
		if !ok {
			return
		}
		if again, ok := DecodeEvent(string(EncodeEvent(e))); !ok || !reflect.DeepEqual(again, e) {
			t.Errorf("DecodeEvent(%q) = %+v, and told again %+v, %v", payload, e, again, ok)
		}
	})
}
