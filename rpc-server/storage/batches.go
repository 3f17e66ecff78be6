package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
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
		batcher:  func(n *redisnode.Node) *batch.Batcher[chat.Range, chat.Ranged] { return batchesOf(n).ranges },
		keyOf:    func(r *chat.Range) string { return s.keys.Of(r.Chat).Activity },
		setError: func(r *chat.Ranged, err error) { r.Err = err },
		failed:   readError,
	}, ranges)
}

// call describes one kind of call.
type call[In, Out any] struct {
	batcher  func(*redisnode.Node) *batch.Batcher[In, Out]
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
		fail(redisnode.UpTo(len(in)), err)
		return out
	}
	ask := func(n *redisnode.Node, items []In, indices []int) {
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
	if s.nodes.Only != nil {
		ask(s.nodes.Only, in, redisnode.UpTo(len(in)))
		return out
	}
	at := map[*redisnode.Node][]int{}
	for i := range in {
		key := c.keyOf(&in[i])
		n, err := s.nodes.ForKey(ctx, key)
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

// batches are a node's own pipelines.
type batches struct {
	appends *batch.Batcher[listedAppend, chat.Appended]
	ranges  *batch.Batcher[chat.Range, chat.Ranged]
}

// newBatches builds the batches of a node.
func (s *Store) newBatches(n *redisnode.Node) redisnode.Attached {
	appends, pages := batching, batching
	appends.Observer = s.options.Metrics.Batcher("redis_append")
	pages.Observer = s.options.Metrics.Batcher("redis_range")
	appends.Tracer = s.options.Traces.Batcher("redis_append")
	pages.Tracer = s.options.Traces.Batcher("redis_range")
	pages.MaxBatch = maxMessages
	return &batches{
		appends: batch.New(appends, func(ctx context.Context, appends []listedAppend, out []batch.Result[chat.Appended]) {
			s.flushAppends(ctx, n, appends, out)
		}),
		ranges: batch.NewWeighed(pages, func(r chat.Range) int { return r.Limit },
			func(ctx context.Context, ranges []chat.Range, out []batch.Result[chat.Ranged]) {
				s.flushRanges(ctx, n, ranges, out)
			}),
	}
}

// Close waits for the calls under way and rejects further calls.
func (b *batches) Close(ctx context.Context) error {
	return errors.Join(b.appends.Close(ctx), b.ranges.Close(ctx))
}

// batchesOf are the batches of a node.
func batchesOf(n *redisnode.Node) *batches { return n.Attached.(*batches) }

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
