package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// batching collects concurrent calls to one Redis into pipelines. Two pipelines may be under way: Redis works on one
// while the other travels. A caller waits for the pipeline before its own and for its own, and still gets an answer
// within two seconds.
var batching = batch.Options{
	InFlight: 2, MaxBatch: 256, MaxQueue: 4096, MaxBurst: 8192, MaxWait: 1500 * time.Millisecond,
}

// Range implements chat.Store.
func (s *Store) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	return gather(ctx, s, call[chat.Range, chat.Ranged]{
		batcher:  func(n *node) *batch.Batcher[chat.Range, chat.Ranged] { return n.ranges },
		keyOf:    func(r *chat.Range) string { return s.keys.Of(r.Chat).Activity },
		setError: func(r *chat.Ranged, err error) { r.Err = err },
		failed:   readError,
	}, ranges)
}

// call describes one kind of call.
type call[In, Out any] struct {
	batcher  func(*node) *batch.Batcher[In, Out]
	keyOf    func(*In) string // the key that selects the node
	setError func(*Out, error)
	failed   func(tried string, err error) error
}

// gather makes calls at the nodes that hold their chats. A failure of a batch is the error of all its calls.
func gather[In, Out any](ctx context.Context, s *Store, c call[In, Out], in []In) []Out {
	out := make([]Out, len(in))
	fail := func(indices []int, err error) {
		for _, i := range indices {
			c.setError(&out[i], err)
		}
	}
	if err := s.CheckPartitions(ctx); err != nil {
		fail(upTo(len(in)), err)
		return out
	}
	ask := func(n *node, items []In, indices []int) {
		results := make([]batch.Result[Out], len(items))
		if err := queueError(c.batcher(n).DoAll(ctx, items, results), c.failed); err != nil {
			fail(indices, err) // the batch may still write to results
			return
		}
		for k, i := range indices {
			out[i] = results[k].Value
			c.setError(&out[i], results[k].Err)
		}
	}
	if s.nodes.only != nil {
		ask(s.nodes.only, in, upTo(len(in)))
		return out
	}
	at := map[*node][]int{}
	for i := range in {
		key := c.keyOf(&in[i])
		n, err := s.nodes.forKey(ctx, key)
		if err != nil {
			fail([]int{i}, c.failed("find the node of "+key, err))
			continue
		}
		at[n] = append(at[n], i)
	}
	var asked sync.WaitGroup
	for n, indices := range at {
		items := make([]In, len(indices))
		for k, i := range indices {
			items[k] = in[i]
		}
		asked.Go(func() { ask(n, items, indices) })
	}
	asked.Wait()
	return out
}

func upTo(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// queueError gives a batcher's own errors their codes. A call that was never started is Unavailable. A call that was
// abandoned is a timeout.
func queueError(err error, failed func(tried string, err error) error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, batch.ErrFull):
		return chat.Errorf(chat.Unavailable, "more requests at once than redis can serve; nothing was done, try again")
	case errors.Is(err, batch.ErrAbandoned):
		return failed("wait for redis", fmt.Errorf("%w: %w", context.DeadlineExceeded, err))
	default:
		return chat.Wrap(err, chat.Unavailable, "redis does not answer; nothing was done, try again")
	}
}

// maxMessages limits the messages that the ranges of one pipeline request: each page is held in memory.
const maxMessages = 2000

// newNode builds a node for a client.
func (s *Store) newNode(client *redis.Client) *node {
	n := &node{client: client}
	n.appends = batch.New(batching, func(appends []listedAppend, out []batch.Result[chat.Appended]) { s.flushAppends(n, appends, out) })
	pages := batching
	pages.MaxBatch = maxMessages
	n.ranges = batch.NewWeighed(pages, func(r chat.Range) int { return r.Limit },
		func(ranges []chat.Range, out []batch.Result[chat.Ranged]) { s.flushRanges(n, ranges, out) })
	return n
}

func decodeMembers(members []string) ([]chat.Message, error) {
	messages := make([]chat.Message, len(members))
	for i, member := range members {
		var err error
		if messages[i], err = layout.DecodeMember(member); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// exchange is a batch of commands.
type exchange struct {
	queue    func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder
	key      func(i int) string // the key that selects the i-th command's node in a cluster
	replicas int                // how many replicas must have the writes
	atOnce   int                // how many commands calls puts into one pipeline; 0 means commandsAtOnce
}

// hops limits how often a command is retried because its key moved or its script was not loaded.
const hops = 4

// exchange makes n commands at a node in one round trip and returns each one's error. A Redis that lacks the script
// (after a restart) or no longer holds the key has done nothing; these commands are retried at the right node. Nothing
// else is retried.
func (s *Store) exchange(n *node, commands int, e exchange) []error {
	errs := make([]error, commands)
	if err := n.refuses(e.replicas > 0); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	rounds := map[target][]int{{node: n}: upTo(commands)}
	for hop := 0; len(rounds) > 0 && hop < hops; hop++ {
		for at, indices := range rounds {
			s.pipeline(ctx, at, indices, e, errs)
		}
		rounds = s.refused(ctx, rounds, e, errs)
	}
	return errs
}

// pipeline makes the commands at indices in one round trip.
func (s *Store) pipeline(ctx context.Context, at target, indices []int, e exchange, errs []error) {
	began := time.Now().UnixNano()
	pipeline := at.node.client.Pipeline()
	calls := make([]redis.Cmder, len(indices))
	for k, i := range indices {
		if at.asking {
			pipeline.Do(ctx, "ASKING")
		}
		calls[k] = e.queue(ctx, pipeline, i)
	}
	var copies *redis.IntCmd
	if e.replicas > 0 {
		copies = waitForCopies(ctx, pipeline, e.replicas)
	}
	if _, err := pipeline.Exec(ctx); err == nil { // each call has its own error
		at.node.answered.Store(time.Now().UnixNano())
	}
	for k, i := range indices {
		errs[i] = calls[k].Err()
		if copies != nil && errs[i] == nil {
			errs[i] = copyError(copies, e.replicas)
		}
		switch {
		case neverSent(errs[i]) || timedOut(errs[i]):
			if at.node.answered.Load() < began { // otherwise only this connection was broken
				s.nodes.leave(at.node)
			}
		case errors.Is(errs[i], errCopies):
			s.nodes.await(at.node, e.replicas)
		}
	}
}
