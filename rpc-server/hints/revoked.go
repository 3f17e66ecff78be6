package hints

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// readAgain is how much of the past is read again: an entry of that time may have been written later.
const readAgain = 5 * time.Second

// revocations are the users who were deleted of late, as far as this process knows. Each request asks it, and nothing in
// Redis.
type revocations struct {
	users sync.Map // user → when, in microseconds since 1970
	seen  int64    // the last of them; ReadRevoked's own
}

// Revoked reports whether the tokens of a user are refused. It uses the last results of ReadRevoked and ReadSuspended.
func (s *Subscriptions) Revoked(user string) chat.Revocation {
	if _, deleted := s.revoked.users.Load(user); deleted {
		return chat.UserDeleted
	}
	if s.suspended.has(user) {
		return chat.UserSuspended
	}
	return chat.NotRevoked
}

// Revoke makes Revoked UserDeleted for a user, and tells those who follow the user's chat with themselves. at is the time of the
// deletion in microseconds.
func (s *Subscriptions) Revoke(user string, at int64) {
	if _, known := s.revoked.users.Swap(user, at); !known {
		s.tellAll(user)
	}
}

// ReadRevoked reads who was deleted since the last call. Only one call may run at a time.
func (s *Subscriptions) ReadRevoked(ctx context.Context) error {
	key := s.keys.Revoked()
	since := &redis.ZRangeBy{Min: strconv.FormatInt(s.revoked.seen-readAgain.Microseconds(), 10), Max: "+inf"}
	var call *redis.ZSliceCmd
	if err := s.nodes.Calls(ctx, 1, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, _ int) redis.Cmder {
			call = pipeline.ZRangeByScoreWithScores(ctx, key, since)
			return call
		},
		Key: func(int) string { return key },
	})[0]; err != nil {
		return fmt.Errorf("read who was deleted: %w", err)
	}
	for _, z := range call.Val() {
		if user, ok := z.Member.(string); ok {
			s.Revoke(user, int64(z.Score))
			s.revoked.seen = max(s.revoked.seen, int64(z.Score))
		}
	}
	s.revoked.users.Range(func(user, at any) bool {
		if at, _ := at.(int64); at < s.revoked.seen-chat.DeletionSettles.Microseconds() {
			s.revoked.users.Delete(user)
		}
		return true
	})
	return nil
}

// tellAll tells the followers of a deleted or suspended user's chat with themselves. Later followers are told by tellRevoked: nothing is
// published that could be lost.
func (s *Subscriptions) tellAll(user string) {
	id := chat.SelfChat(user)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if f := s.followed[s.keys.Partition(id)]; f != nil {
		if a := f.chats[id.String()]; a != nil {
			for _, w := range a.watches {
				w.Put(closed(id, user))
			}
		}
	}
}

// closed is the event of a user who was deleted or suspended.
func closed(id chat.ID, user string) chat.Event {
	return chat.Event{Chat: id, Kind: chat.MembersChanged, Users: []string{user}}
}

// tellRevoked tells a new follower of a chat if it is a revoked user's chat with themselves. It requires that subscriptions.mutex is
// held.
func (w *watch) tellRevoked(id chat.ID) {
	if first, second, pair := id.Users(); pair && first == second && w.subscriptions.Revoked(first) != chat.NotRevoked {
		w.Put(closed(id, first))
	}
}
