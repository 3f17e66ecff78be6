package storage

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// newsOf is the channel of a chat's events that are not in its log.
func (s *Store) newsOf(id chat.ID) string { return s.keys.News(s.keys.Partition(id)) }

// Tell implements chat.LiveStore.
func (s *Store) Tell(ctx context.Context, e chat.Event) error {
	return s.callOne(ctx, fmt.Sprintf("tell %s", e.Chat), s.newsOf(e.Chat),
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return s.queueTell(ctx, pipeline, e) })
}

func (s *Store) queueTell(ctx context.Context, pipeline redis.Pipeliner, e chat.Event) redis.Cmder {
	return pipeline.Do(ctx, s.publish, s.newsOf(e.Chat), layout.EncodeEvent(e))
}
