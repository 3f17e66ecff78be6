package storage

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var spendScript = script("spend")

var _ chat.Spender = (*Store)(nil)

// Spend implements chat.Spender with spend.lua.
func (s *Store) Spend(ctx context.Context, user string, charges []chat.Charge) (time.Duration, error) {
	args := append(make([]any, 0, 1+4*len(charges)), s.now())
	for _, c := range charges {
		args = append(args, c.Kind, c.Amount, c.Limit, int64(c.Window.Seconds()))
	}
	wait, err := s.runUser(ctx, spendScript, []string{s.keys.Spent(user)}, args...)
	if err == nil && wait > 0 && len(charges) > 0 {
		s.options.Metrics.Refusal(spentKinds[charges[0].Kind])
	}
	return time.Duration(wait) * time.Second, userError("charge "+user, err)
}

// spentKinds are the labels of the kinds of charges in metrics.
var spentKinds = map[string]string{"chats": "new_chats", "members": "added_members"}

// beginning returns the indices of appends that may begin a chat for which the sender is charged.
func (s *Store) beginning(appends []chat.Append, unknown []int) (begun []int) {
	if s.options.NewChats == (chat.Bounds{}) {
		return nil
	}
	for _, i := range unknown {
		if appends[i].Begins {
			begun = append(begun, i)
		}
	}
	return begun
}

// appendBeginning is Append where the senders of those at begun are charged first, if their chats are new. The others do
// not wait for that.
func (s *Store) appendBeginning(ctx context.Context, appends []chat.Append, begun []int) []chat.Appended {
	appended := make([]chat.Appended, len(appends))
	isBegun := make(map[int]bool, len(begun))
	for _, i := range begun {
		isBegun[i] = true
	}
	var known, charged []int
	for i := range appends {
		if !isBegun[i] {
			known = append(known, i)
		}
	}
	store := func(indices []int) {
		if len(indices) == 0 {
			return
		}
		some := make([]chat.Append, len(indices))
		for k, i := range indices {
			some[k] = appends[i]
			some[k].Begins = false
		}
		for k, a := range s.Append(ctx, some) {
			appended[indices[k]] = a
		}
	}
	var storing sync.WaitGroup
	storing.Go(func() { store(known) })
	for k, err := range s.chargeNew(ctx, appends, begun) {
		if appended[begun[k]].Err = err; err == nil {
			charged = append(charged, begun[k])
		}
	}
	store(charged)
	storing.Wait()
	return appended
}

// chargeNew charges the senders of the appends at indices whose chats have never had a message.
func (s *Store) chargeNew(ctx context.Context, appends []chat.Append, indices []int) []error {
	activity := func(k int) string { return s.keys.Of(appends[indices[k]].Chat).Activity }
	errs := s.nodes.Calls(ctx, len(indices), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, k int) redis.Cmder {
			return pipeline.ZScore(ctx, activity(k), appends[indices[k]].Chat.String())
		},
		Key: activity,
	})
	charged := map[chat.ID]error{} // once for a chat
	for k, err := range errs {
		if err != nil && !errors.Is(err, redis.Nil) {
			errs[k] = callError("look for "+appends[indices[k]].Chat.String(), err)
			continue
		}
		if err == nil {
			continue
		}
		id, sender := appends[indices[k]].Chat, appends[indices[k]].Message.Sender
		known, again := charged[id]
		if !again {
			var wait time.Duration
			if wait, known = s.Spend(ctx, sender, s.options.NewChats.NewChats()); known == nil && wait > 0 {
				known = chat.Spent(sender, wait)
			}
			charged[id] = known
		}
		errs[k] = known
	}
	return errs
}
