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
	ban        *redis.SliceCmd
	err        error
}

// rangeStep is one command of a rangeCall.
type rangeStep struct {
	call *rangeCall
	part int
}

// flushRanges reads each range with one command, then looks up the required members. A user found there was a member
// when the range was read. A room with messages exists: only of an empty range it is asked afterwards whether its room does.
func (s *Store) flushRanges(ctx context.Context, n *redisnode.Node, ranges []chat.Range, out []batch.Result[chat.Ranged]) {
	calls := make([]rangeCall, len(ranges))
	steps := make([]rangeStep, 0, len(ranges))
	for i, r := range ranges {
		calls[i].asked = r
		steps = append(steps, rangeStep{&calls[i], 0})
		if r.Member != "" {
			steps = append(steps, rangeStep{&calls[i], 1}, rangeStep{&calls[i], 2})
		}
	}
	s.readRanges(ctx, n, steps)
	steps = steps[:0]
	for i, r := range ranges {
		if r.Exists && r.Member == "" && calls[i].err == nil && len(calls[i].messages.Val()) == 0 {
			steps = append(steps, rangeStep{&calls[i], 1}, rangeStep{&calls[i], 2})
		}
		if calls[i].mayBeBanned() {
			steps = append(steps, rangeStep{&calls[i], 3})
		}
	}
	if len(steps) > 0 {
		s.readRanges(ctx, n, steps)
	}
	var changed []int
	for i := range out {
		var changes bool
		if out[i].Value, changes, out[i].Err = calls[i].ranged(s.clock().UnixMicro()); changes {
			changed = append(changed, i)
		}
	}
	if len(changed) > 0 {
		s.resolveRanges(ctx, n, calls, changed, out)
	}
	s.markOwn(ctx, n, ranges, out)
}

// readRanges makes some steps in one round trip.
func (s *Store) readRanges(ctx context.Context, n *redisnode.Node, steps []rangeStep) {
	oldest := s.oldest()
	for i, err := range s.nodes.Exchange(ctx, n, len(steps), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return s.queueRange(ctx, pipeline, steps[i], oldest)
		},
		Key: func(i int) string { return s.keys.Log(steps[i].call.asked.Chat) },
	}) {
		steps[i].call.note(err)
	}
}

// note keeps why a command of the range failed.
func (c *rangeCall) note(err error) {
	if err != nil && !errors.Is(err, redis.Nil) { // there is no newest
		c.err = err
	}
}

func (s *Store) queueRange(ctx context.Context, pipeline redis.Pipeliner, step rangeStep, oldest int64) redis.Cmder {
	c, r := step.call, step.call.asked
	switch step.part {
	case 1:
		c.visibility = pipeline.HMGet(ctx, s.keys.Room(r.Chat), layout.VisibilityField, layout.RulesField)
		return c.visibility
	case 3:
		c.ban = pipeline.HMGet(ctx, s.keys.Restraints(r.Chat), layout.RestraintField(chat.Ban, r.Member))
		return c.ban
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

// ranged decodes the answers to the commands of a range. changes says that some entries are changes of messages, which must
// be resolved.
func (c *rangeCall) ranged(now int64) (found chat.Ranged, changes bool, err error) {
	tried := "read " + c.asked.Chat.String()
	if c.err != nil {
		return chat.Ranged{}, false, readError(tried, c.err)
	}
	if c.visibility != nil {
		visibility, _ := c.visibility.Val()[0].(string)
		room := chat.StoredRoom{Visibility: chat.Visibility(visibility), Logged: c.newest != nil && c.newest.Val() > 0}
		if err := c.admits(room, now); err != nil {
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

// mayBeBanned reports whether a ban must be looked up: the reader is not a member, and the public room has bans or mutes.
func (c *rangeCall) mayBeBanned() bool {
	if c.err != nil || c.asked.Member == "" || c.member.Val() || c.visibility.Val()[0] != string(chat.Public) {
		return false
	}
	rules, _ := c.visibility.Val()[1].(string)
	_, users, _ := layout.ParseRules(rules)
	return users
}

// admits returns why the caller may not have the read range, or nil.
func (c *rangeCall) admits(room chat.StoredRoom, now int64) error {
	if c.ban != nil {
		value, _ := c.ban.Val()[0].(string)
		ban, banned := layout.ParseRestraint(layout.RestraintField(chat.Ban, c.asked.Member), value)
		if banned && ban.InEffect(now) {
			return chat.Banned(c.asked.Chat, c.asked.Member, ban.Until)
		}
	}
	switch {
	case c.asked.Member != "":
		return chat.Admits(c.asked.Chat, room.Visibility, c.asked.Member, c.member.Val())
	case room.Visibility == "" && room.Logged:
		return nil
	}
	return chat.Admits(c.asked.Chat, room.Visibility, "", true)
}
