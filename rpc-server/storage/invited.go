package storage

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var _ chat.UserReader = (*Store)(nil)

// ReadInvited implements chat.UserReader with one pipeline.
func (s *Store) ReadInvited(ctx context.Context, by string, users []string) ([]chat.Invited, error) {
	const each = 3
	known, ignores := make([]*redis.BoolCmd, len(users)), make([]*redis.BoolCmd, len(users))
	rooms := make([]*redis.IntCmd, len(users))
	keyOf := func(i int) string {
		switch i % each {
		case 0:
			return s.keys.Account(users[i/each])
		case 1:
			return s.keys.Ignored(users[i/each])
		}
		return s.keys.Chats(users[i/each])
	}
	errs := s.nodes.Calls(ctx, each*len(users), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			switch i % each {
			case 0:
				known[i/each] = pipeline.HExists(ctx, keyOf(i), layout.HashField)
				return known[i/each]
			case 1:
				ignores[i/each] = pipeline.SIsMember(ctx, keyOf(i), by)
				return ignores[i/each]
			}
			rooms[i/each] = pipeline.ZCount(ctx, keyOf(i), "(0", "+inf") // as ListRooms reads them
			return rooms[i/each]
		},
		Key: keyOf,
	})
	invited := make([]chat.Invited, len(users))
	for i, err := range errs {
		if err != nil {
			return nil, callError("look for "+users[i/each], err)
		}
	}
	for i := range users {
		invited[i] = chat.Invited{Account: known[i].Val(), Ignores: ignores[i].Val(), Rooms: int(rooms[i].Val())}
	}
	return invited, nil
}
