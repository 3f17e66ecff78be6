package storage

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var _ chat.LookStore = (*Store)(nil)

// ReadLooks implements chat.AccountStore.
func (s *Store) ReadLooks(ctx context.Context, looks []string) ([]string, error) {
	calls := make([]*redis.StringCmd, len(looks))
	errs := s.nodes.Calls(ctx, len(looks), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.Get(ctx, s.keys.Look(looks[i]))
			return calls[i]
		},
		Key: func(i int) string { return s.keys.Look(looks[i]) },
	})
	owners := make([]string, len(looks))
	for i := range looks {
		if errs[i] != nil && !errors.Is(errs[i], redis.Nil) {
			return nil, callError("read whose a look is", errs[i])
		}
		owners[i] = calls[i].Val()
	}
	return owners, nil
}

// reserveLooks gives all looks to a user, or none, and a Conflict. A crash leaves some that the user can take up again.
func (s *Store) reserveLooks(ctx context.Context, user string, looks []string) error {
	var taken []string // by this call
	for _, look := range looks {
		key := s.keys.Look(look)
		var call *redis.BoolCmd
		err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			call = pipeline.SetNX(ctx, key, user, 0)
			return call
		})
		if err != nil {
			return userError("reserve a look for "+user, err)
		}
		if call.Val() {
			taken = append(taken, look)
			continue
		}
		owners, err := s.ReadLooks(ctx, []string{look})
		if err != nil {
			return err
		}
		if owners[0] != user {
			return errors.Join(chat.LooksLike(user, owners[0]), s.releaseLooks(ctx, taken))
		}
	}
	return nil
}

// releaseLooks releases the looks that reserveLooks has just reserved.
func (s *Store) releaseLooks(ctx context.Context, looks []string) error {
	for _, look := range looks {
		key := s.keys.Look(look)
		err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return pipeline.Unlink(ctx, key) })
		if err != nil {
			return userError("release a look", err)
		}
	}
	return nil
}

// LeaseLooks implements chat.LookStore.
func (s *Store) LeaseLooks(ctx context.Context, lasts time.Duration, again bool) (bool, error) {
	key := s.keys.Looked()
	var set *redis.BoolCmd
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		if again {
			return pipeline.Set(ctx, key, 1, lasts)
		}
		set = pipeline.SetNX(ctx, key, 1, lasts)
		return set
	})
	if err != nil {
		return false, userError("look through the accounts", err)
	}
	return again || set.Val(), nil
}

// ClaimLooks implements chat.LookStore.
func (s *Store) ClaimLooks(ctx context.Context, claims []chat.ClaimedLook) error {
	keyOf := func(i int) string { return s.keys.Look(claims[i].Look) }
	for _, err := range s.nodes.Calls(ctx, len(claims), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return pipeline.SetNX(ctx, keyOf(i), claims[i].User, 0)
		},
		Key: keyOf,
	}) {
		if err != nil {
			return callError("claim looks", err)
		}
	}
	return nil
}
