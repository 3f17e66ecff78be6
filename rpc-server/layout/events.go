package layout

import (
	"bytes"
	"unsafe"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// EncodeEvent returns an event as it is published in a partition's news: an Event of idl_rpc.thrift in Thrift's binary
// protocol.
func EncodeEvent(e chat.Event) []byte {
	told := wire.WatchResponse([]chat.Event{e}).Events[0]
	buf := make([]byte, told.BLength())
	return buf[:told.FastWrite(buf)]
}

// EncodeMoved encodes a Moved event without its cursor, which only advance.lua knows. The cursor is eight bytes between
// before and after, the highest first.
func EncodeMoved(id chat.ID, reader string) (before, after []byte) {
	const none = -1 // eight bytes of 0xff, which no name in UTF-8 has
	event := EncodeEvent(chat.Event{Chat: id, Kind: chat.Moved, Reading: &chat.Reading{Reader: reader, Cursor: none}})
	before, after, _ = bytes.Cut(event, bytes.Repeat([]byte{0xff}, 8))
	return before, after
}

// DecodeEvent parses any string. It returns false for an event that this release does not know.
func DecodeEvent(payload string) (event chat.Event, ok bool) {
	defer func() { // the Thrift library may panic at a field that it skips
		if recover() != nil {
			event, ok = chat.Event{}, false
		}
	}()
	var told rpc.Event
	encoded := unsafe.Slice(unsafe.StringData(payload), len(payload)) // FastRead copies the fields that it keeps and writes nothing
	if n, err := told.FastRead(encoded); err != nil || n != len(encoded) {
		return chat.Event{}, false
	}
	events := wire.EventsOf(&rpc.WatchResponse{Events: []*rpc.Event{&told}})
	if len(events) == 0 {
		return chat.Event{}, false
	}
	return events[0], true
}
