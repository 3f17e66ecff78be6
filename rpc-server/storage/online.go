package storage

import (
	"context"
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// noteOnline notes the users of some readers as online, until presence lapses. Their times say when that is.
func (s *Store) noteOnline(ctx context.Context, present map[chat.ID][]string) error {
	lapses := float64(s.clock().Add(s.lapse).UnixMilli())
	seen, entries := map[string]bool{}, []redis.Z(nil)
	for _, readers := range present {
		for _, reader := range readers {
			if user := chat.UserOf(reader); !seen[user] {
				seen[user] = true
				entries = append(entries, redis.Z{Score: lapses, Member: user})
			}
		}
	}
	if len(entries) == 0 {
		return nil
	}
	key, now := s.keys.Online(), strconv.FormatInt(s.clock().UnixMilli(), 10)
	const commands = 3
	errs := s.nodes.Calls(ctx, commands, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			switch i {
			case 0:
				return pipeline.ZAddGT(ctx, key, entries...)
			case 1:
				return pipeline.ZRemRangeByScore(ctx, key, "-inf", now)
			}
			return pipeline.PExpire(ctx, key, s.lapse)
		},
		Key: func(int) string { return key },
	})
	return callError("note who is online", errors.Join(errs...))
}

// ListOnline implements chat.ModerationStore.
func (s *Store) ListOnline(ctx context.Context, cursor uint64, limit int) (users []string, next uint64, err error) {
	key := s.keys.Online()
	var call *redis.ScanCmd
	err = s.callOne(ctx, "list who is online", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZScan(ctx, key, cursor, "", int64(limit))
		return call
	})
	if err != nil {
		return nil, 0, err
	}
	pairs, next := call.Val()
	now := float64(s.clock().UnixMilli())
	for i := 0; i+1 < len(pairs); i += 2 {
		if lapses, err := strconv.ParseFloat(pairs[i+1], 64); err == nil && lapses > now {
			users = append(users, pairs[i])
		}
	}
	return users, next, nil
}
