package storage

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

var revokeScript = script("revoke")

const (
	// revokedEvery is how often a server asks who was deleted. A token is refused everywhere within a second.
	revokedEvery = 400 * time.Millisecond
	// revokedAgain is how far back it asks again: what was written then may not have been there to be read.
	revokedAgain = 5 * time.Second
)

// revocations are the users who were deleted of late, as far as this process knows. Requests ask it for each message,
// and nothing in Redis.
type revocations struct {
	users sync.Map // user → when, in microseconds since 1970
	seen  int64    // the last of them; WatchRevoked's own
}

// Revoked says whether a user was deleted while tokens of hers may be good. It knows what WatchRevoked has read.
func (s *Store) Revoked(user string) bool {
	_, revoked := s.revoked.users.Load(user)
	return revoked
}

// revoke notes that a user was deleted, here and for the other servers.
func (s *Store) revoke(ctx context.Context, user string) error {
	at, err := s.runUser(ctx, revokeScript, []string{s.keys.Revoked()}, user, chat.DeletionSettles.Microseconds(), s.now())
	if err != nil {
		return err
	}
	s.learn(user, at)
	return nil
}

// learn has a user's tokens refused from now on, and tells those who stream to her.
func (s *Store) learn(user string, at int64) {
	if _, known := s.revoked.users.Swap(user, at); !known {
		s.hub.revoked(user)
	}
}

// WatchRevoked reads who was deleted until ctx ends. What it cannot read it reads later.
func (s *Store) WatchRevoked(ctx context.Context) {
	tick := time.NewTicker(revokedEvery)
	defer tick.Stop()
	for {
		_ = s.readRevoked(ctx) // calls are refused meanwhile, for the same reason
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) readRevoked(ctx context.Context) error {
	key := s.keys.Revoked()
	since := &redis.ZRangeBy{Min: strconv.FormatInt(s.revoked.seen-revokedAgain.Microseconds(), 10), Max: "+inf"}
	var call *redis.ZSliceCmd
	err := s.callOne(ctx, "read who was deleted", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeByScoreWithScores(ctx, key, since)
		return call
	})
	if err != nil {
		return err
	}
	for _, z := range call.Val() {
		if user, ok := z.Member.(string); ok {
			s.learn(user, int64(z.Score))
			s.revoked.seen = max(s.revoked.seen, int64(z.Score))
		}
	}
	s.revoked.users.Range(func(user, at any) bool {
		if at.(int64) < s.revoked.seen-chat.DeletionSettles.Microseconds() {
			s.revoked.users.Delete(user)
		}
		return true
	})
	return nil
}

// revoked tells those who follow a user's chat with herself that she was deleted. Who begins to follow it later is told
// then: nothing is published that could be lost.
func (h *hub) revoked(user string) {
	id := chat.SelfChat(user)
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if t := h.topics[h.store.keys.Partition(id)]; t != nil {
		if a := t.chats[id.String()]; a != nil {
			for _, w := range a.watches {
				w.Put(closed(id, user))
			}
		}
	}
}

// closed is the event of a user who was deleted.
func closed(id chat.ID, user string) chat.Event {
	return chat.Event{Chat: id, Kind: chat.MembersChanged, Users: []string{user}}
}

// tellRevoked tells one who begins to follow a chat, if it is that of a user with herself who was deleted. The mutex of
// the hub is held.
func (w *watch) tellRevoked(id chat.ID) {
	if first, second, pair := id.Users(); pair && first == second && w.hub.store.Revoked(first) {
		w.Put(closed(id, first))
	}
}
