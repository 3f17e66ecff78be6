package storage

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// callOne makes one idempotent command. tried names the operation in the error.
func (s *Store) callOne(ctx context.Context, tried, key string, queue func(context.Context, redis.Pipeliner) redis.Cmder) error {
	err := s.nodes.Calls(ctx, 1, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, _ int) redis.Cmder { return queue(ctx, pipeline) },
		Key:   func(int) string { return key },
	})[0]
	return callError(tried, err)
}

// callError returns nil for nil, and returns a chat.Error unchanged.
func callError(tried string, err error) error {
	var known *chat.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return readError(tried, err)
}
