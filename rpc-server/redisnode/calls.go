package redisnode

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// commandsAtOnce is how many commands of calls share a pipeline. It is even, for commands that come in pairs.
const commandsAtOnce = 256

// Calls makes idempotent commands in pipelines, each at the node of its key, and returns each one's error. It returns
// after at most twice the package's timeout. It does not call a Redis that is known to be away.
func (n *Nodes) Calls(ctx context.Context, count int, e Exchange) []error {
	errs := make([]error, count)
	if err := n.hooks.Ready(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	at := map[*Node][]int{}
	for i := range count {
		var one *Node
		if one, errs[i] = n.ForKey(ctx, e.Key(i)); errs[i] == nil {
			at[one] = append(at[one], i)
		}
	}
	ends := time.Now().Add(Timeout)
	var asked sync.WaitGroup
	for one, indices := range at {
		asked.Go(func() {
			for part := range slices.Chunk(indices, cmp.Or(e.AtOnce, commandsAtOnce)) {
				n.callPart(ctx, one, part, e, errs, ends)
			}
		})
	}
	asked.Wait()
	return errs
}

// callPart makes the commands at indices, unless the deadline has passed.
func (n *Nodes) callPart(ctx context.Context, one *Node, indices []int, e Exchange, errs []error, ends time.Time) {
	if time.Now().After(ends) {
		for _, i := range indices {
			errs[i] = context.DeadlineExceeded
		}
		return
	}
	for k, err := range n.Exchange(ctx, one, len(indices), Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, k int) redis.Cmder {
			return e.Queue(ctx, pipeline, indices[k])
		},
		Key:      func(k int) string { return e.Key(indices[k]) },
		Replicas: e.Replicas,
	}) {
		errs[indices[k]] = err
	}
}
