package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

// commandsAtOnce is how many commands of calls a pipeline has; it is even, for those that come in pairs.
const commandsAtOnce = 256

// calls makes n commands that can be repeated, each where its key is, in pipelines, and returns the error of each. All
// have ended after twice the package's timeout; a Redis that is known to be away is not asked.
func (s *Store) calls(ctx context.Context, n int, e exchange) []error {
	errs := make([]error, n)
	if err := s.CheckPartitions(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	at := map[*node][]int{}
	for i := range n {
		var one *node
		if one, errs[i] = s.nodes.forKey(ctx, e.key(i)); errs[i] == nil {
			at[one] = append(at[one], i)
		}
	}
	ends := time.Now().Add(timeout)
	var asked sync.WaitGroup
	for one, indices := range at {
		asked.Go(func() {
			for part := range slices.Chunk(indices, cmp.Or(e.atOnce, commandsAtOnce)) {
				s.callPart(one, part, e, errs, ends)
			}
		})
	}
	asked.Wait()
	return errs
}

// callPart makes the commands at indices, unless it is too late for that.
func (s *Store) callPart(one *node, indices []int, e exchange, errs []error, ends time.Time) {
	if time.Now().After(ends) {
		for _, i := range indices {
			errs[i] = context.DeadlineExceeded
		}
		return
	}
	for k, err := range s.exchange(one, len(indices), exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, k int) redis.Cmder {
			return e.queue(ctx, pipeline, indices[k])
		},
		key:      func(k int) string { return e.key(indices[k]) },
		replicas: e.replicas,
	}) {
		errs[indices[k]] = err
	}
}

// callOne makes a command that can be repeated. tried says what for.
func (s *Store) callOne(ctx context.Context, tried, key string, queue func(context.Context, redis.Pipeliner) redis.Cmder) error {
	err := s.calls(ctx, 1, exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, _ int) redis.Cmder { return queue(ctx, pipeline) },
		key:   func(int) string { return key },
	})[0]
	return callError(tried, err)
}

// callError is nil where err is, and leaves an error of chat's as it is.
func callError(tried string, err error) error {
	var known *chat.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return readError(tried, err)
}
