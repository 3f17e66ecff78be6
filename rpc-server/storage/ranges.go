package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// rangeCall is a range under way. For a range that requires membership, it also holds the user's membership.
type rangeCall struct {
	asked      chat.Range
	messages   *redis.StringSliceCmd
	visibility *redis.SliceCmd
	member     *redis.BoolCmd
	newest     *redis.FloatCmd
}

// rangeStep is one command of a rangeCall.
type rangeStep struct {
	call *rangeCall
	part int
}

// flushRanges reads each range with one command, then looks up the required members. A user found there was a member
// when the range was read.
func (s *Store) flushRanges(ctx context.Context, n *redisnode.Node, ranges []chat.Range, out []batch.Result[chat.Ranged]) {
	oldest := s.oldest()
	calls := make([]rangeCall, len(ranges))
	steps := make([]rangeStep, 0, len(ranges))
	for i, r := range ranges {
		calls[i].asked = r
		steps = append(steps, rangeStep{&calls[i], 0})
		if r.Member != "" || r.Exists {
			steps = append(steps, rangeStep{&calls[i], 1}, rangeStep{&calls[i], 2})
		}
	}
	errs := s.nodes.Exchange(ctx, n, len(steps), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return s.queueRange(ctx, pipeline, steps[i], oldest)
		},
		Key: func(i int) string { return s.keys.Log(steps[i].call.asked.Chat) },
	})
	next := 0
	var changed []int
	for i := range out {
		end := next + 1
		for end < len(steps) && steps[end].part > 0 {
			end++
		}
		var changes bool
		out[i].Value, changes, out[i].Err = calls[i].ranged(errs[next:end])
		if changes {
			changed = append(changed, i)
		}
		next = end
	}
	if len(changed) > 0 {
		s.resolveRanges(ctx, n, calls, changed, out)
	}
}

func (s *Store) queueRange(ctx context.Context, pipeline redis.Pipeliner, step rangeStep, oldest int64) redis.Cmder {
	c, r := step.call, step.call.asked
	switch step.part {
	case 1:
		c.visibility = pipeline.HMGet(ctx, s.keys.Room(r.Chat), layout.VisibilityField)
		return c.visibility
	case 2:
		if r.Member == "" {
			_, _, activity := s.keys.Append(r.Chat)
			c.newest = pipeline.ZScore(ctx, activity, r.Chat.String())
			return c.newest
		}
		c.member = pipeline.HExists(ctx, s.keys.Members(r.Chat), r.Member)
		return c.member
	}
	oldest = s.oldestIn(r.Chat, oldest)
	by := redis.ZRangeArgs{Key: s.keys.Log(r.Chat), ByScore: true, Rev: r.Reverse, Count: int64(r.Limit)}
	if r.Reverse {
		by.Start, by.Stop = r.From, oldest
	} else {
		by.Start, by.Stop = max(r.From, oldest), "+inf"
	}
	c.messages = pipeline.ZRangeArgs(ctx, by)
	return c.messages
}

// ranged decodes the answers to the commands of a range. errs are the commands' errors. changes says that some entries are
// changes of messages, which must be resolved.
func (c *rangeCall) ranged(errs []error) (found chat.Ranged, changes bool, err error) {
	tried := "read " + c.asked.Chat.String()
	for _, err := range errs {
		if err != nil && !errors.Is(err, redis.Nil) { // there is no newest
			return chat.Ranged{}, false, readError(tried, err)
		}
	}
	if c.visibility != nil {
		visibility, _ := c.visibility.Val()[0].(string)
		room := chat.StoredRoom{Visibility: chat.Visibility(visibility), Logged: c.newest != nil && c.newest.Val() > 0}
		if err := c.admits(room); err != nil {
			return chat.Ranged{}, false, err
		}
	}
	if c.asked.Raw {
		changes, err := layout.CheckHeads(c.messages.Val())
		if err != nil {
			return chat.Ranged{}, false, fmt.Errorf("%s: %w", tried, err)
		}
		return chat.Ranged{Entries: c.messages.Val(), Head: layout.HeadOf}, changes, nil
	}
	messages, err := decodeMembers(c.messages.Val())
	if err != nil {
		return chat.Ranged{}, false, fmt.Errorf("%s: %w", tried, err)
	}
	for i := range messages {
		changes = changes || messages[i].NeedsTarget()
	}
	return chat.Ranged{Messages: messages}, changes, nil
}

// admits is why what was read may not be had, or nil.
func (c *rangeCall) admits(room chat.StoredRoom) error {
	switch {
	case c.asked.Member != "":
		return chat.Admits(c.asked.Chat, room.Visibility, c.asked.Member, c.member.Val())
	case room.Visibility == "" && room.Logged:
		return nil
	}
	return chat.Admits(c.asked.Chat, room.Visibility, "", true)
}
