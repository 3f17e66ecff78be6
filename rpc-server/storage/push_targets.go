package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// candidate is a user of a chat with subscriptions.
type candidate struct {
	user string
	role string // "role since", of a room's member
}

// FindPushTargets implements chat.PushStore. It first finds the users of the chat with subscriptions, and stops if there are
// none. The rest is one pipeline.
func (s *Store) FindPushTargets(ctx context.Context, id chat.ID, q chat.PushQuery) (chat.PushTargets, error) {
	candidates, err := s.pushCandidates(ctx, id, q.Users)
	if err != nil {
		return chat.PushTargets{}, err
	}
	candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.user == q.Sender || c.user < q.After })
	slices.SortFunc(candidates, func(a, b candidate) int { return strings.Compare(a.user, b.user) })
	var targets chat.PushTargets
	if len(candidates) > chat.MaxPushTargets {
		targets.After = candidates[chat.MaxPushTargets].user
		candidates = candidates[:chat.MaxPushTargets]
	}
	if len(candidates) == 0 {
		return targets, nil
	}
	targets.Users, err = s.judgeCandidates(ctx, id, q, candidates)
	return targets, err
}

// pushCandidates returns the users of a chat, among wanted ones if there are any, who are listed with subscriptions.
func (s *Store) pushCandidates(ctx context.Context, id chat.ID, wanted []string) ([]candidate, error) {
	if first, second, pair := id.Users(); pair {
		users := slices.Compact([]string{first, second})
		if wanted != nil {
			users = slices.DeleteFunc(users, func(user string) bool { return !slices.Contains(wanted, user) })
		}
		users, err := s.listedPushed(ctx, users)
		return s.candidates(users), err
	}
	if wanted != nil {
		return s.membersAmong(ctx, id, wanted)
	}
	subscribers, members, err := s.countPushed(ctx, id)
	switch {
	case err != nil || subscribers == 0 || members == 0:
		return nil, err
	case subscribers <= members: // the shorter list is read, and looked for in the other
		users, err := s.allPushed(ctx)
		if err != nil {
			return nil, err
		}
		return s.membersAmong(ctx, id, users)
	}
	users, err := s.memberNames(ctx, id)
	if err == nil {
		users, err = s.listedPushed(ctx, users)
	}
	if err != nil {
		return nil, err
	}
	return s.membersAmong(ctx, id, users)
}

func (*Store) candidates(users []string) []candidate {
	candidates := make([]candidate, len(users))
	for i, user := range users {
		candidates[i].user = user
	}
	return candidates
}

func (s *Store) countPushed(ctx context.Context, id chat.ID) (subscribers, members int64, err error) {
	keys := []string{s.keys.Pushed(), s.keys.Members(id)}
	calls := make([]*redis.IntCmd, len(keys))
	errs := s.nodes.Calls(ctx, len(keys), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if i == 0 {
				calls[i] = pipeline.ZCard(ctx, keys[i])
			} else {
				calls[i] = pipeline.HLen(ctx, keys[i])
			}
			return calls[i]
		},
		Key: func(i int) string { return keys[i] },
	})
	if err := callError(fmt.Sprintf("count the members of %s with subscriptions", id), errors.Join(errs...)); err != nil {
		return 0, 0, err
	}
	return calls[0].Val(), calls[1].Val(), nil
}

func (s *Store) allPushed(ctx context.Context) ([]string, error) {
	key := s.keys.Pushed()
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "read the users with subscriptions", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRange(ctx, key, 0, -1)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}

func (s *Store) memberNames(ctx context.Context, id chat.ID) ([]string, error) {
	key := s.keys.Members(id)
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, fmt.Sprintf("read the members of %s", id), key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HKeys(ctx, key)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}

// lookedUpAtOnce is how many users one command looks up.
const lookedUpAtOnce = 1000

// listedPushed returns those of the users who are listed with subscriptions.
func (s *Store) listedPushed(ctx context.Context, users []string) (listed []string, err error) {
	key, parts := s.keys.Pushed(), slices.Collect(slices.Chunk(users, lookedUpAtOnce))
	calls := make([]*redis.Cmd, len(parts))
	errs := s.nodes.Calls(ctx, len(parts), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			args := []any{"zmscore", key}
			for _, user := range parts[i] {
				args = append(args, user)
			}
			calls[i] = pipeline.Do(ctx, args...)
			return calls[i]
		},
		Key: func(int) string { return key },
	})
	for i, part := range parts {
		if errs[i] != nil {
			return nil, callError("look for users with subscriptions", errs[i])
		}
		scores, _ := calls[i].Slice()
		for k, score := range scores {
			if score != nil && k < len(part) {
				listed = append(listed, part[k])
			}
		}
	}
	return listed, nil
}

// membersAmong returns those of the users who are members of a room.
func (s *Store) membersAmong(ctx context.Context, id chat.ID, users []string) (members []candidate, err error) {
	key, parts := s.keys.Members(id), slices.Collect(slices.Chunk(users, lookedUpAtOnce))
	calls := make([]*redis.SliceCmd, len(parts))
	errs := s.nodes.Calls(ctx, len(parts), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.HMGet(ctx, key, parts[i]...)
			return calls[i]
		},
		Key: func(int) string { return key },
	})
	for i, part := range parts {
		if errs[i] != nil {
			return nil, callError(fmt.Sprintf("look for members of %s", id), errs[i])
		}
		for k, value := range calls[i].Val() {
			if role, is := value.(string); is {
				members = append(members, candidate{part[k], role})
			}
		}
	}
	return members, nil
}

// about is the data that decides whether a candidate is notified.
type about struct {
	subscriptions *redis.MapStringStringCmd
	ignores       *redis.BoolCmd
	muted         *redis.StringCmd
	inbox         *redis.ZSliceCmd // present in the user's inbox
}

// judgeCandidates returns the subscriptions of those candidates who are to be told.
func (s *Store) judgeCandidates(ctx context.Context, id chat.ID, q chat.PushQuery, candidates []candidate) ([][]chat.Subscription, error) {
	const shared, each = 3, 4
	var now *redis.TimeCmd
	var present *redis.ZSliceCmd
	var furthest *redis.StringSliceCmd
	abouts := make([]about, len(candidates))
	keyOf := func(i int) string {
		switch i {
		case 0:
			return s.keys.Read(id)
		case 1, 2:
			return s.keys.Present(id)
		}
		user := candidates[(i-shared)/each].user
		return []string{s.keys.Subscriptions(user), s.keys.Ignored(user), s.keys.Muted(user), s.keys.Present(chat.SelfChat(user))}[(i-shared)%each]
	}
	queue := func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		switch i {
		case 0:
			furthest = queueFurthest(ctx, pipeline, keyOf(i), usersOf(candidates))
			return furthest
		case 1:
			now = pipeline.Time(ctx)
			return now
		case 2:
			present = pipeline.ZRangeWithScores(ctx, keyOf(i), 0, -1)
			return present
		}
		a := &abouts[(i-shared)/each]
		switch (i - shared) % each {
		case 0:
			a.subscriptions = pipeline.HGetAll(ctx, keyOf(i))
			return a.subscriptions
		case 1:
			a.ignores = pipeline.SIsMember(ctx, keyOf(i), q.Sender)
			return a.ignores
		case 2:
			a.muted = pipeline.HGet(ctx, keyOf(i), id.String())
			return a.muted
		}
		a.inbox = pipeline.ZRangeWithScores(ctx, keyOf(i), 0, -1)
		return a.inbox
	}
	for _, err := range s.nodes.Calls(ctx, shared+each*len(candidates), redisnode.Exchange{Queue: queue, Key: keyOf}) {
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, callError(fmt.Sprintf("find who is told of a message in %s", id), err)
		}
	}
	follow := presentUsers(present.Val(), now.Val())
	var told [][]chat.Subscription
	var gone []string
	for i, c := range candidates {
		a := abouts[i]
		stands, _ := standsAt(furthest.Val()[i], c.role)
		subscriptions := subscriptionsOf(c.user, a.subscriptions.Val())
		switch {
		case len(subscriptions) == 0:
			gone = append(gone, c.user)
		case a.ignores.Val() || isMuted(a.muted.Val()) && !slices.Contains(q.Mentions, c.user) || q.Position < stands:
		case follow[c.user] || presentUsers(a.inbox.Val(), now.Val())[c.user]:
		default:
			told = append(told, subscriptions)
		}
	}
	if len(gone) > 0 {
		_ = s.unlistPushed(ctx, gone...) // only saves looking for them again
	}
	return told, nil
}

func usersOf(candidates []candidate) []string {
	users := make([]string, len(candidates))
	for i, c := range candidates {
		users[i] = c.user
	}
	return users
}

// queueFurthest calls furthest.lua.
func queueFurthest(ctx context.Context, pipeline redis.Pipeliner, key string, users []string) *redis.StringSliceCmd {
	args := []any{"evalsha", furthestScript.Hash(), 1, key}
	for _, user := range users {
		args = append(args, user)
	}
	call := redis.NewStringSliceCmd(ctx, args...)
	_ = pipeline.Process(ctx, call)
	return call
}
