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

// commandsAtOnce is how many commands of calls share a pipeline. It is even, for commands that come in pairs.
const commandsAtOnce = 256

// calls makes n idempotent commands in pipelines, each at the node of its key, and returns each one's error. It returns
// after at most twice the package's timeout. It does not call a Redis that is known to be away.
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

// callPart makes the commands at indices, unless the deadline has passed.
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

// callOne makes one idempotent command. tried names the operation in the error.
func (s *Store) callOne(ctx context.Context, tried, key string, queue func(context.Context, redis.Pipeliner) redis.Cmder) error {
	err := s.calls(ctx, 1, exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, _ int) redis.Cmder { return queue(ctx, pipeline) },
		key:   func(int) string { return key },
	})[0]
	return callError(tried, err)
}

// callError returns nil for nil, and returns a chat.Error unchanged.
func callError(tried string, err error) error {
	var known *chat.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return readError(tried, err)
}
