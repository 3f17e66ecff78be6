package storage

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

// Advance implements chat.LiveStore with advance.lua.
func (s *Store) Advance(ctx context.Context, id chat.ID, r chat.Reading) (int64, error) {
	key, event := s.keys.read(id), encodeEvent(chat.Event{Chat: id, Kind: chat.Moved, Reading: &r})
	var call *redis.IntCmd
	err := s.callOne(ctx, fmt.Sprintf("move a reader of %s", id), key,
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			call = redis.NewIntCmd(ctx, "evalsha", advanceScript.Hash(), 1, key,
				r.Reader, r.Cursor, s.publish, s.newsOf(id), event)
			_ = pipeline.Process(ctx, call)
			return call
		})
	if err != nil {
		return 0, err
	}
	return call.Val(), nil
}
