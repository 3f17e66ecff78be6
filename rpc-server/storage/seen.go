package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var hideScript = script("hide")

// seenEvery is how often a server writes that a user is connected.
const seenEvery = time.Minute

// seen are the users that this server has seen, and when it wrote that.
type seen struct {
	mutex sync.Mutex
	at    map[string]time.Time
	swept time.Time
}

// due returns the present users whose time must be written now, and marks it as written.
func (s *seen) due(present map[chat.ID][]string, now time.Time) (users []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if now.Sub(s.swept) >= seenEvery {
		for user, at := range s.at {
			if now.Sub(at) >= seenEvery {
				delete(s.at, user)
			}
		}
		s.swept = now
	}
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	for _, readers := range present {
		for _, reader := range readers {
			user := chat.UserOf(reader)
			if at, known := s.at[user]; known && now.Sub(at) < seenEvery {
				continue
			}
			s.at[user] = now
			users = append(users, user)
		}
	}
	return users
}

// noteSeen writes the time of connected users. A failure loses a minute of it.
func (s *Store) noteSeen(ctx context.Context, present map[chat.ID][]string) {
	now := s.clock()
	users := s.seen.due(present, now)
	s.nodes.Calls(ctx, len(users), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return pipeline.Set(ctx, s.keys.Seen(users[i]), now.UnixMicro(), 0)
		},
		Key: func(i int) string { return s.keys.Seen(users[i]) },
	})
}

// ReadLastSeen implements chat.AccountStore.
func (s *Store) ReadLastSeen(ctx context.Context, user string) (int64, error) {
	key := s.keys.Seen(user)
	var call *redis.StringCmd
	err := s.callOne(ctx, "read when "+user+" was seen", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.Get(ctx, key)
		return call
	})
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	at, err := strconv.ParseInt(call.Val(), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read when %s was seen: %w", user, err)
	}
	return at, nil
}

// HideLastSeen implements chat.AccountStore with hide.lua.
func (s *Store) HideLastSeen(ctx context.Context, user string, hide bool) (bool, error) {
	found, err := s.runUser(ctx, hideScript, []string{s.keys.Account(user)}, layout.HidesField, oneIf(hide))
	return found == 1, userError("change the account of "+user, err)
}
