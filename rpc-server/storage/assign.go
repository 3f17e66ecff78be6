package storage

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
)

// newPace is how long to wait after each failure at Redis: from 50 ms to 1 s, give or take a half.
func newPace() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, Multiplier: 2, RandomizationFactor: 0.5,
	}
}

// assign gives homeless partitions to the lines of their nodes, until ctx ends.
func (h *hub) assign(ctx context.Context) {
	pace := newPace()
	for {
		retry, stop := (<-chan time.Time)(nil), func() bool { return true }
		if h.assignAll(ctx) {
			pace.Reset()
		} else {
			timer := time.NewTimer(pace.NextBackOff())
			retry, stop = timer.C, timer.Stop
		}
		select {
		case <-h.toAssign:
		case <-retry:
		case <-ctx.Done():
		}
		if stop(); ctx.Err() != nil {
			return
		}
	}
}

// assignAll says whether all have a home now.
func (h *hub) assignAll(ctx context.Context) bool {
	homeless, stale := h.takeHomeless()
	if len(homeless) == 0 {
		return true
	}
	nodes := h.store.nodes
	if nodes.cluster != nil && stale {
		nodes.reload(ctx)
	}
	all := true
	for _, t := range homeless {
		one, err := nodes.forKey(ctx, t.hints)
		if err != nil {
			all = false
			continue
		}
		h.give(ctx, t, one.client)
	}
	return all
}

func (h *hub) takeHomeless() (homeless []*topic, stale bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for t := range h.homeless {
		homeless = append(homeless, t)
	}
	stale, h.stale = h.stale, false
	return homeless, stale
}

// give lets the line of a node subscribe to a partition, and makes the line if there is none.
func (h *hub) give(ctx context.Context, t *topic, client *redis.Client) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if _, waits := h.homeless[t]; !waits || h.ended { // forgotten meanwhile
		return
	}
	delete(h.homeless, t)
	l := h.lines[client]
	if l == nil {
		l = &line{hub: h, client: client, sharded: h.store.nodes.cluster != nil, wake: make(chan struct{}, 1), pace: newPace()}
		h.lines[client] = l
		h.work.Go(func() { l.run(ctx) })
	}
	t.line = l
	l.order(order{topic: t})
}

// evict makes partitions homeless that a line has, so that they are assigned anew: to another node, in a cluster, if
// that has them now. Those that are not named are all of them.
func (h *hub) evict(l *line, topics ...*topic) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if topics == nil {
		l.orders = nil
		topics = h.of(l)
	}
	for _, t := range topics {
		if t.line != l || h.topics[t.tag] != t {
			continue
		}
		h.silence(t)
		t.line, h.homeless[t], h.stale = nil, struct{}{}, true
	}
	ring(h.toAssign)
}
