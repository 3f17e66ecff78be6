package hints

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// suspensions are the suspended users, as far as this process knows. Each request asks it, and nothing in Redis.
type suspensions struct {
	users   atomic.Pointer[map[string]struct{}] // replaced as a whole
	mutex   sync.Mutex                          // of who reads
	version string                              // that users are of
}

func (s *suspensions) has(user string) bool {
	users := s.users.Load()
	if users == nil {
		return false
	}
	_, has := (*users)[user]
	return has
}

// ReadSuspended reads which users are suspended, if that has changed since the last call.
func (s *Subscriptions) ReadSuspended(ctx context.Context) error {
	s.suspended.mutex.Lock()
	defer s.suspended.mutex.Unlock()
	key := s.keys.Suspended()
	var version *redis.StringCmd
	err := s.callKey(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		version = pipeline.HGet(ctx, key, layout.SuspendedVersion)
		return version
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("see whether users were suspended: %w", err)
	}
	if version.Val() == s.suspended.version {
		return nil
	}
	var users *redis.StringSliceCmd // they may be newer than the version; then the next call reads them again
	if err := s.callKey(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		users = pipeline.HKeys(ctx, key)
		return users
	}); err != nil {
		return fmt.Errorf("read who is suspended: %w", err)
	}
	all := make(map[string]struct{}, len(users.Val()))
	var added []string
	for _, user := range users.Val() {
		if user == layout.SuspendedVersion {
			continue
		}
		all[user] = struct{}{}
		if !s.suspended.has(user) {
			added = append(added, user)
		}
	}
	s.suspended.users.Store(&all)
	s.suspended.version = version.Val()
	for _, user := range added {
		s.tellAll(user)
	}
	return nil
}

// callKey makes one call.
func (s *Subscriptions) callKey(ctx context.Context, key string, queue func(context.Context, redis.Pipeliner) redis.Cmder) error {
	return s.nodes.Calls(ctx, 1, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, _ int) redis.Cmder { return queue(ctx, pipeline) },
		Key:   func(int) string { return key },
	})[0]
}
