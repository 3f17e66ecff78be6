package storage

import (
	"bytes"
	"context"
	"fmt"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// What is news and no hint is published as an Event of idl_rpc.thrift in Thrift's binary protocol.

func encodeEvent(e chat.Event) []byte {
	told := wire.WatchResponse([]chat.Event{e}).Events[0]
	buf := make([]byte, told.BLength())
	return buf[:told.FastWrite(buf)]
}

// encodeMoved encodes a Moved event but for its cursor, which only advance.lua knows: eight bytes, the highest first,
// between before and after.
func encodeMoved(id chat.ID, reader string) (before, after []byte) {
	const none = -1 // eight bytes of 0xff, which no name in UTF-8 has
	event := encodeEvent(chat.Event{Chat: id, Kind: chat.Moved, Reading: &chat.Reading{Reader: reader, Cursor: none}})
	before, after, _ = bytes.Cut(event, bytes.Repeat([]byte{0xff}, 8))
	return before, after
}

// decodeEvent reads any string. It is false for what says nothing that this release knows.
func decodeEvent(payload string) (event chat.Event, ok bool) {
	defer func() { // the Thrift library may panic at what it skips
		if recover() != nil {
			event, ok = chat.Event{}, false
		}
	}()
	var told rpc.Event
	encoded := unsafe.Slice(unsafe.StringData(payload), len(payload)) // FastRead copies what it keeps and writes nothing
	if n, err := told.FastRead(encoded); err != nil || n != len(encoded) {
		return chat.Event{}, false
	}
	events := wire.EventsOf(&rpc.WatchResponse{Events: []*rpc.Event{&told}})
	if len(events) == 0 {
		return chat.Event{}, false
	}
	return events[0], true
}

// newsOf is the channel of what happens in a chat beside the log.
func (s *Store) newsOf(id chat.ID) string { return s.keys.News(s.keys.Partition(id)) }

// Tell implements chat.LiveStore.
func (s *Store) Tell(ctx context.Context, e chat.Event) error {
	return s.callOne(ctx, fmt.Sprintf("tell %s", e.Chat), s.newsOf(e.Chat),
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return s.queueTell(ctx, pipeline, e) })
}

func (s *Store) queueTell(ctx context.Context, pipeline redis.Pipeliner, e chat.Event) redis.Cmder {
	return pipeline.Do(ctx, s.publish, s.newsOf(e.Chat), encodeEvent(e))
}
