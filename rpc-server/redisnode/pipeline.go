package redisnode

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/tracing"
)

// Exchange is a batch of commands.
type Exchange struct {
	Queue    func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder
	Key      func(i int) string // the key that selects the i-th command's node in a cluster
	Replicas int                // how many replicas must have the writes
	AtOnce   int                // how many commands Calls puts into one pipeline; 0 means commandsAtOnce
}

// hops limits how often a command is retried because its key moved or its script was not loaded.
const hops = 4

// Exchange makes n commands at a node in one round trip and returns each one's error. A Redis that lacks the script
// (after a restart) or no longer holds the key has done nothing; these commands are retried at the right node. Nothing
// else is retried. It does not end with ctx, whose span is that of the round trips.
func (n *Nodes) Exchange(ctx context.Context, one *Node, commands int, e Exchange) []error {
	errs := make([]error, commands)
	if err := one.refuses(e.Replicas > 0); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	ctx, cancel := context.WithTimeout(tracing.Detached(ctx), Timeout)
	defer cancel()
	rounds := map[target][]int{{node: one}: UpTo(commands)}
	for hop := 0; len(rounds) > 0 && hop < hops; hop++ {
		for at, indices := range rounds {
			n.pipeline(ctx, at, indices, e, errs)
		}
		rounds = n.refused(ctx, rounds, e, errs)
	}
	return errs
}

// pipeline makes the commands at indices in one round trip.
func (n *Nodes) pipeline(ctx context.Context, at target, indices []int, e Exchange, errs []error) {
	began := time.Now().UnixNano()
	pipeline := at.node.Client.Pipeline()
	calls := make([]redis.Cmder, len(indices))
	for k, i := range indices {
		if at.asking {
			pipeline.Do(ctx, "ASKING")
		}
		calls[k] = e.Queue(ctx, pipeline, i)
	}
	var copies *redis.IntCmd
	if e.Replicas > 0 {
		copies = waitForCopies(ctx, pipeline, e.Replicas)
	}
	if _, err := pipeline.Exec(ctx); err == nil { // each call has its own error
		at.node.answered.Store(time.Now().UnixNano())
	}
	for k, i := range indices {
		errs[i] = calls[k].Err()
		if copies != nil && errs[i] == nil {
			errs[i] = copyError(copies, e.Replicas)
		}
		switch {
		case NeverSent(errs[i]) || TimedOut(errs[i]):
			if at.node.answered.Load() < began { // otherwise only this connection was broken
				n.leave(at.node)
			}
		case errors.Is(errs[i], ErrCopies):
			n.await(at.node, e.Replicas)
		}
	}
}

// UpTo returns the indices below n.
func UpTo(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}
