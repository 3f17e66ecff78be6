package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
)

// batching gathers what concurrent calls want of Redis into pipelines. Two under way let Redis work on one while the
// other is on its way. A caller waits for the pipeline before its own and for its own, and is answered within two
// seconds all the same.
var batching = batch.Options{
	InFlight: 2, MaxBatch: 256, MaxQueue: 4096, MaxBurst: 8192, MaxWait: 1500 * time.Millisecond,
}

// Append implements chat.Store.
func (s *Store) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	return gather(ctx, s, s.appends, appends, appendError, func(a chat.Appended, err error) chat.Appended {
		a.Err = err
		return a
	})
}

// Range implements chat.Store.
func (s *Store) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	return gather(ctx, s, s.ranges, ranges, readError, func(r chat.Ranged, err error) chat.Ranged {
		r.Err = err
		return r
	})
}

// gather lets a batcher make calls and gives each of its results its error, which is the same for all where none was
// made or waited for.
func gather[In, Out any](ctx context.Context, s *Store, batcher *batch.Batcher[In, Out], in []In,
	timedOut func(tried string, err error) error, withError func(Out, error) Out,
) []Out {
	results := make([]batch.Result[Out], len(in))
	err := s.CheckPartitions(ctx)
	if err == nil {
		err = queueError(batcher.DoAll(ctx, in, results), timedOut)
	}
	out := make([]Out, len(in))
	for i := range out {
		if err != nil {
			out[i] = withError(out[i], err) // results may still be written to
		} else {
			out[i] = withError(results[i].Value, results[i].Err)
		}
	}
	return out
}

// queueError gives a batcher's own errors their codes: what was never started is Unavailable, what was abandoned is
// whatever a timeout is.
func queueError(err error, timedOut func(tried string, err error) error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, batch.ErrFull):
		return chat.Errorf(chat.Unavailable, "more requests at once than redis can serve; nothing was done, try again")
	case errors.Is(err, batch.ErrAbandoned):
		return timedOut("wait for redis", fmt.Errorf("%w: %w", context.DeadlineExceeded, err))
	default:
		return chat.Wrap(err, chat.Unavailable, "redis does not answer; nothing was done, try again")
	}
}

// flushAppends runs append.lua once for each message, in one round trip. A Redis that does not have the script, as
// after a restart, has done nothing for those calls: they are made again once it has.
func (s *Store) flushAppends(appends []chat.Append, out []batch.Result[chat.Appended]) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	missing := s.pipelineAppends(ctx, appends, out, func(int) bool { return true })
	if !missing {
		return
	}
	s.checked.Store(false) // a Redis that lost its scripts may have lost everything
	if err := appendScript.Load(ctx, s.redis).Err(); err != nil {
		for i := range out {
			if redis.HasErrorPrefix(out[i].Err, "NOSCRIPT") {
				out[i].Err = readError("load append.lua", err)
			}
		}
		return
	}
	s.pipelineAppends(ctx, appends, out, func(i int) bool { return redis.HasErrorPrefix(out[i].Err, "NOSCRIPT") })
}

// pipelineAppends makes the wanted calls and says whether Redis lacked the script for one of them.
func (s *Store) pipelineAppends(ctx context.Context, appends []chat.Append, out []batch.Result[chat.Appended], wanted func(int) bool) (missing bool) {
	pipeline := s.redis.Pipeline()
	calls := make([]*redis.IntCmd, len(appends))
	now := s.now()
	for i, a := range appends {
		if wanted(i) {
			calls[i] = s.queueAppend(ctx, pipeline, a, now)
		}
	}
	_, _ = pipeline.Exec(ctx) // each call has its own error
	for i, call := range calls {
		if call == nil {
			continue
		}
		reply, err := call.Result()
		switch {
		case redis.HasErrorPrefix(err, "NOSCRIPT"):
			missing = true
			out[i].Err = err
		case err != nil:
			out[i].Err = appendError("append to "+appends[i].Chat.String(), err)
		default:
			out[i].Value, out[i].Err = appended(reply)
		}
	}
	return missing
}

// flushRanges reads each range with one command, all in one round trip.
func (s *Store) flushRanges(ranges []chat.Range, out []batch.Result[chat.Ranged]) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	pipeline := s.redis.Pipeline()
	calls := make([]*redis.StringSliceCmd, len(ranges))
	oldest := s.oldest()
	for i, r := range ranges {
		by := redis.ZRangeArgs{Key: s.keys.log(r.Chat), ByScore: true, Rev: r.Reverse, Count: int64(r.Limit)}
		if r.Reverse {
			by.Start, by.Stop = r.From, oldest
		} else {
			by.Start, by.Stop = max(r.From, oldest), "+inf"
		}
		calls[i] = pipeline.ZRangeArgs(ctx, by)
	}
	_, _ = pipeline.Exec(ctx) // each call has its own error
	for i, call := range calls {
		members, err := call.Result()
		if err != nil {
			out[i].Err = readError("read "+ranges[i].Chat.String(), err)
			continue
		}
		out[i].Value.Messages, out[i].Err = decodeMembers(members)
		if out[i].Err != nil {
			out[i].Err = fmt.Errorf("read %s: %w", ranges[i].Chat, out[i].Err)
		}
	}
}

func decodeMembers(members []string) ([]chat.Message, error) {
	messages := make([]chat.Message, len(members))
	for i, member := range members {
		var err error
		if messages[i], err = decodeMember(member); err != nil {
			return nil, err
		}
	}
	return messages, nil
}
