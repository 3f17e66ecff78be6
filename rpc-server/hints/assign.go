package hints

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// assign gives unassigned partitions to the lines of their nodes, until ctx ends.
func (h *Hub) assign(ctx context.Context) {
	pace := redisnode.NewPace()
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

// assignAll reports whether all partitions are assigned now.
func (h *Hub) assignAll(ctx context.Context) bool {
	unassigned, stale := h.takeUnassigned()
	if len(unassigned) == 0 {
		return true
	}
	nodes := h.nodes
	if nodes.Cluster != nil && stale {
		nodes.Reload(ctx)
	}
	all := true
	for _, t := range unassigned {
		one, err := nodes.ForKey(ctx, t.hints)
		if err != nil {
			all = false
			continue
		}
		h.give(ctx, t, one.Client)
	}
	return all
}

func (h *Hub) takeUnassigned() (unassigned []*topic, stale bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for t := range h.unassigned {
		unassigned = append(unassigned, t)
	}
	stale, h.stale = h.stale, false
	return unassigned, stale
}

// give lets a node's line subscribe to a partition, and creates the line if there is none.
func (h *Hub) give(ctx context.Context, t *topic, client *redis.Client) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if _, waits := h.unassigned[t]; !waits || h.ended { // forgotten meanwhile
		return
	}
	delete(h.unassigned, t)
	l := h.lines[client]
	if l == nil {
		l = &line{hub: h, client: client, sharded: h.nodes.Cluster != nil, wake: make(chan struct{}, 1), pace: redisnode.NewPace()}
		h.lines[client] = l
		h.work.Go(func() { l.run(ctx) })
	}
	t.line = l
	l.order(order{topic: t})
}

// evict takes partitions from a line, so that they are assigned anew; in a cluster perhaps to another node. Without
// arguments it takes all of the line's partitions.
func (h *Hub) evict(l *line, topics ...*topic) {
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
		t.line, h.unassigned[t], h.stale = nil, struct{}{}, true
	}
	events.Ring(h.toAssign)
}
