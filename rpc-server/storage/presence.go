package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// attendAtOnce is how many chats are in one pipeline: each may have many readers.
const attendAtOnce = 64

// ReportPresence implements chat.LiveStore: it calls attend.lua for each chat. After an error some may have been done; it may
// be said again.
func (s *Store) ReportPresence(ctx context.Context, gateway string, present map[chat.ID][]string) error {
	chats := slices.Collect(maps.Keys(present))
	errs := s.nodes.Calls(ctx, len(chats), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return s.queuePresence(ctx, pipeline, gateway, chats[i], present[chats[i]])
		},
		Key:    func(i int) string { return s.keys.Present(chats[i]) },
		AtOnce: attendAtOnce,
	})
	for i, err := range errs {
		if err != nil {
			return callError(fmt.Sprintf("attend %s", chats[i]), err)
		}
	}
	s.noteSeen(ctx, present)
	return s.noteOnline(ctx, present)
}

func (s *Store) queuePresence(
	ctx context.Context, pipeline redis.Pipeliner, gateway string, id chat.ID, readers []string,
) redis.Cmder {
	event := layout.EncodeEvent(chat.Event{Chat: id, Kind: chat.PresenceChanged})
	args := []any{
		"evalsha", attendScript.Hash(), 1, s.keys.Present(id),
		gateway, s.lapse.Milliseconds(), s.publish, s.newsOf(id), event,
	}
	for _, reader := range readers {
		args = append(args, reader)
	}
	return pipeline.Do(ctx, args...)
}

// Present implements chat.LiveStore.
func (s *Store) Present(ctx context.Context, id chat.ID) ([]string, error) {
	key := s.keys.Present(id)
	var now *redis.TimeCmd
	var entries *redis.ZSliceCmd
	errs := s.nodes.Calls(ctx, 2, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if i == 0 {
				now = pipeline.Time(ctx)
				return now
			}
			entries = pipeline.ZRangeWithScores(ctx, key, 0, -1)
			return entries
		},
		Key: func(int) string { return key },
	})
	for _, err := range errs {
		if err != nil {
			return nil, callError(fmt.Sprintf("read who is present in %s", id), err)
		}
	}
	readers := make([]string, 0, len(entries.Val()))
	for _, z := range entries.Val() {
		member, _ := z.Member.(string)
		reader, _, _ := strings.Cut(member, " ") // no name has a space
		if int64(z.Score) > now.Val().UnixMilli() {
			readers = append(readers, reader)
		}
	}
	slices.Sort(readers)
	return slices.Compact(readers), nil
}
