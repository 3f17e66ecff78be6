package storage

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// ReadNames implements chat.InboxStore with one pipeline.
func (s *Store) ReadNames(ctx context.Context, rooms []chat.ID, users []string) (ofRooms, ofUsers []string, err error) {
	calls := make([]*redis.StringCmd, len(rooms)+len(users))
	keyOf := func(i int) string {
		if i < len(rooms) {
			return s.keys.Room(rooms[i])
		}
		return s.keys.Account(users[i-len(rooms)])
	}
	errs := s.nodes.Calls(ctx, len(calls), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.HGet(ctx, keyOf(i), layout.NameField)
			return calls[i]
		},
		Key: keyOf,
	})
	names := make([]string, len(calls))
	for i, err := range errs {
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, nil, callError("read names", err)
		}
		names[i] = calls[i].Val()
	}
	return names[:len(rooms)], names[len(rooms):], nil
}
