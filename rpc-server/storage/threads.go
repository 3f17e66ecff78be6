package storage

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// ReadThread implements chat.ChangeStore: one command for the positions of the answers, and one for each answer, in two
// pipelines. Answers that are gone are left out.
func (s *Store) ReadThread(ctx context.Context, r chat.Range, ref int64) (found []chat.Message, next int64, err error) {
	tried := fmt.Sprintf("read the answers to %d of %s", ref, r.Chat)
	if err := s.CheckPartitions(ctx); err != nil {
		return nil, 0, err
	}
	var positions *redis.StringSliceCmd
	admission := &rangeCall{asked: r}
	checks := r.Member != "" || r.Exists
	steps := 1
	if checks {
		steps = 3
	}
	key := s.keys.Threads(r.Chat)
	parent := fmt.Sprintf("%016d", ref)
	errs := s.nodes.Calls(ctx, steps, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if i > 0 {
				return s.queueRange(ctx, pipeline, rangeStep{admission, i}, 0)
			}
			positions = pipeline.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: key, ByLex: true, Start: "[" + parent + fmt.Sprintf("%016d", r.From), Stop: "(" + parent + ":", Count: int64(r.Limit) + 1,
			})
			return positions
		},
		Key: func(int) string { return key },
	})
	admission.messages = &redis.StringSliceCmd{}
	for _, err := range errs {
		admission.note(err)
	}
	if admission.err == nil && checks && admission.mayBeBanned() {
		admission.note(s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			return s.queueRange(ctx, pipeline, rangeStep{admission, 3}, 0)
		}))
	}
	if _, _, err := admission.ranged(s.clock().UnixMicro()); err != nil {
		return nil, 0, callError(tried, err)
	}
	var answers []int64
	for _, member := range positions.Val() {
		at, err := strconv.ParseInt(member[min(len(member), layout.PositionDigits):], 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: entry %q", tried, member)
		}
		answers = append(answers, at)
	}
	if len(answers) > r.Limit {
		answers, next = answers[:r.Limit], answers[r.Limit]
	}
	found, err = s.readMessages(ctx, r.Chat, answers)
	if err != nil {
		return nil, 0, callError(tried, err)
	}
	n, err := s.nodes.ForKey(ctx, key)
	if err != nil {
		return nil, 0, callError(tried, err)
	}
	marked := []batch.Result[chat.Ranged]{{Value: chat.Ranged{Messages: found}}}
	s.markOwn(ctx, n, []chat.Range{r}, marked)
	return found, next, marked[0].Err
}

// readMessages reads the messages at some positions of a chat, without those that are gone.
func (s *Store) readMessages(ctx context.Context, id chat.ID, positions []int64) ([]chat.Message, error) {
	key, oldest := s.keys.Log(id), s.oldestIn(id, s.oldest())
	calls := make([]*redis.StringSliceCmd, len(positions))
	errs := s.nodes.Calls(ctx, len(positions), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: key, ByScore: true, Start: max(positions[i], oldest), Stop: positions[i], Count: 1,
			})
			return calls[i]
		},
		Key: func(int) string { return key },
	})
	var found []chat.Message
	for i, call := range calls {
		if errs[i] != nil {
			return nil, errs[i]
		}
		messages, err := decodeMembers(call.Val())
		if err != nil {
			return nil, err
		}
		found = append(found, messages...)
	}
	return found, nil
}
