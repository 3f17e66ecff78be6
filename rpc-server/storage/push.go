package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var (
	subscribeScript = script("subscribe")
	muteScript      = script("mute")
	pushedScript    = script("pushed")
	furthestScript  = script("furthest")
)

var _ chat.PushStore = (*Store)(nil)

// pushedStays is how long a user stays in the list of those with subscriptions, at least.
const pushedStays = time.Minute

// AddSubscription implements chat.PushStore. It first lists the user.
func (s *Store) AddSubscription(ctx context.Context, subscription chat.Subscription) error {
	tried := "subscribe " + subscription.User
	now := time.Now().UnixMicro()
	pushed := s.keys.Pushed()
	err := s.write(ctx, pushed, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZAdd(ctx, pushed, redis.Z{Score: float64(now), Member: subscription.User})
	})
	if err != nil {
		return userError(tried, err)
	}
	subscription.Created = now
	key := s.keys.Subscriptions(subscription.User)
	count, err := s.runUser(ctx, subscribeScript, []string{key}, subscription.Device, layout.FormatSubscription(subscription), chat.MaxSubscriptions, "")
	switch {
	case err != nil:
		return userError(tried, err)
	case count < 0:
		return chat.Errorf(chat.Conflict, "user %s has %d subscriptions already, which is the limit; remove some first", subscription.User, chat.MaxSubscriptions)
	}
	return nil
}

// RemoveSubscription implements chat.PushStore.
func (s *Store) RemoveSubscription(ctx context.Context, u chat.Unsubscription) error {
	tried, created := "unsubscribe "+u.User, ""
	if u.Created != 0 {
		created = strconv.FormatInt(u.Created, 10)
	}
	left, err := s.runUser(ctx, subscribeScript, []string{s.keys.Subscriptions(u.User)}, u.Device, "", chat.MaxSubscriptions, created)
	if err == nil && left == 0 {
		err = s.unlistPushed(ctx, u.User)
	}
	return userError(tried, err)
}

// unlistPushed removes users from the list of those with subscriptions, unless a new subscription may be under way. A
// user that stays in the list is removed when the user is looked for.
func (s *Store) unlistPushed(ctx context.Context, users ...string) error {
	args := []any{time.Now().Add(-pushedStays).UnixMicro()}
	for _, user := range users {
		args = append(args, user)
	}
	_, err := s.runUser(ctx, pushedScript, []string{s.keys.Pushed()}, args...)
	return err
}

// ReadSubscriptions implements chat.PushStore.
func (s *Store) ReadSubscriptions(ctx context.Context, user string) ([]chat.Subscription, error) {
	stored, err := s.readHash(ctx, "read the subscriptions of "+user, s.keys.Subscriptions(user))
	return subscriptionsOf(user, stored), err
}

func (s *Store) readHash(ctx context.Context, tried, key string) (map[string]string, error) {
	var call *redis.MapStringStringCmd
	err := s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HGetAll(ctx, key)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}

// subscriptionsOf parses a user's subscriptions, and skips malformed ones.
func subscriptionsOf(user string, stored map[string]string) []chat.Subscription {
	var subscriptions []chat.Subscription
	for _, device := range slices.Sorted(maps.Keys(stored)) {
		if subscription, ok := layout.ParseSubscription(user, device, stored[device]); ok {
			subscriptions = append(subscriptions, subscription)
		}
	}
	return subscriptions
}

// SetMuted implements chat.PushStore.
func (s *Store) SetMuted(ctx context.Context, user string, id chat.ID, mute bool, until int64) error {
	end := ""
	if mute {
		end = strconv.FormatInt(until, 10)
	}
	stored, err := s.runUser(ctx, muteScript, []string{s.keys.Muted(user)}, id.String(), end, chat.MaxMuted, time.Now().UnixMicro())
	switch {
	case err != nil:
		return userError(fmt.Sprintf("mute %s for %s", id, user), err)
	case stored < 0:
		return chat.Errorf(chat.Conflict, "user %s has muted %d chats already, which is the limit; unmute some first", user, chat.MaxMuted)
	}
	return nil
}

// ReadMuted implements chat.PushStore.
func (s *Store) ReadMuted(ctx context.Context, user string) ([]chat.MutedChat, error) {
	stored, err := s.readHash(ctx, "read the muted chats of "+user, s.keys.Muted(user))
	muted := make([]chat.MutedChat, 0, len(stored))
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if isMuted(stored[name]) {
			until, _ := layout.ParseMuted(stored[name])
			muted = append(muted, chat.MutedChat{Chat: name, Until: until})
		}
	}
	return muted, err
}

// isMuted reports whether a mute holds now; "" is none.
func isMuted(value string) bool {
	until, ok := layout.ParseMuted(value)
	return ok && (until == 0 || until > time.Now().UnixMicro())
}

// Subscribers implements chat.PushStore.
func (s *Store) Subscribers(ctx context.Context) (int64, error) {
	key := s.keys.Pushed()
	var call *redis.IntCmd
	err := s.callOne(ctx, "count the users with subscriptions", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZCard(ctx, key)
		return call
	})
	if err != nil {
		return 0, err
	}
	return call.Val(), nil
}

// presentUsers returns the users of a set of present readers, as attend.lua writes it.
func presentUsers(entries []redis.Z, now time.Time) map[string]bool {
	users := map[string]bool{}
	for _, z := range entries {
		member, _ := z.Member.(string)
		reader, _, _ := strings.Cut(member, " ") // no name has a space
		if int64(z.Score) > now.UnixMilli() {
			users[chat.UserOf(reader)] = true
		}
	}
	return users
}
