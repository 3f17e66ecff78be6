package hints

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// assign gives unassigned partitions to the lines of their nodes, until ctx ends.
func (s *Subscriptions) assign(ctx context.Context) {
	pace := redisnode.NewPace()
	for {
		retry, stop := (<-chan time.Time)(nil), func() bool { return true }
		if s.assignAll(ctx) {
			pace.Reset()
		} else {
			timer := time.NewTimer(pace.NextBackOff())
			retry, stop = timer.C, timer.Stop
		}
		select {
		case <-s.toAssign:
		case <-retry:
		case <-ctx.Done():
		}
		if stop(); ctx.Err() != nil {
			return
		}
	}
}

// assignAll reports whether all partitions are assigned now.
func (s *Subscriptions) assignAll(ctx context.Context) bool {
	unassigned, stale := s.takeUnassigned()
	if len(unassigned) == 0 {
		return true
	}
	nodes := s.nodes
	if nodes.Cluster != nil && stale {
		nodes.Reload(ctx)
	}
	all := true
	for _, f := range unassigned {
		one, err := nodes.ForKey(ctx, f.hints)
		if err != nil {
			all = false
			continue
		}
		s.give(ctx, f, one.Client)
	}
	return all
}

func (s *Subscriptions) takeUnassigned() (unassigned []*followedPartition, stale bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for f := range s.unassigned {
		unassigned = append(unassigned, f)
	}
	stale, s.stale = s.stale, false
	return unassigned, stale
}

// give lets a node's line subscribe to a partition, and creates the line if there is none.
func (s *Subscriptions) give(ctx context.Context, f *followedPartition, client *redis.Client) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, waits := s.unassigned[f]; !waits || s.ended { // forgotten meanwhile
		return
	}
	delete(s.unassigned, f)
	l := s.lines[client]
	if l == nil {
		l = &line{subscriptions: s, client: client, sharded: s.nodes.Cluster != nil, wake: make(chan struct{}, 1), pace: redisnode.NewPace()}
		s.lines[client] = l
		s.work.Go(func() { l.run(ctx) })
	}
	f.line = l
	l.order(order{partition: f})
}

// evict takes partitions from a line, so that they are assigned anew; in a cluster perhaps to another node. Without
// arguments it takes all of the line's partitions.
func (s *Subscriptions) evict(l *line, partitions ...*followedPartition) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if partitions == nil {
		l.orders = nil
		partitions = s.of(l)
	}
	for _, f := range partitions {
		if f.line != l || s.followed[f.tag] != f {
			continue
		}
		s.silence(f)
		f.line, s.unassigned[f], s.stale = nil, struct{}{}, true
	}
	events.Ring(s.toAssign)
}
