package hints

import (
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/events"
)

// The methods of Subscriptions that lines call.

// request takes a line's next orders that fit into one command.
func (s *Subscriptions) request(l *line) request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	r := request{waiting: map[string]struct{}{}}
	for len(l.orders) > 0 {
		o := l.orders[0]
		if len(r.orders) > 0 && (l.sharded || o.unsubscribe != r.unsubscribes()) {
			break
		}
		l.orders = l.orders[1:]
		if !o.unsubscribe && o.partition.line != l { // forgotten, or moved
			continue
		}
		r.orders = append(r.orders, o)
		r.waiting[o.partition.hints], r.waiting[o.partition.news] = struct{}{}, struct{}{}
	}
	return r
}

// subscribed notes that Redis has confirmed the subscription to a channel. Once both channels of a partition are
// confirmed, all its chats are: their positions cover older messages, and hints cover later ones.
func (s *Subscriptions) subscribed(l *line, channel string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	f := s.channels[channel]
	if f == nil || f.line != l {
		return
	}
	if f.live() { // go-redis has subscribed anew
		s.silence(f)
	}
	if channel == f.hints {
		f.hearsHints = true
	} else {
		f.hearsNews = true
	}
	if !f.live() {
		return
	}
	f.partition.Followed.Store(true)
	f.epoch++
	f.sweepOnly = false
	for _, a := range f.chats {
		s.due[a] = struct{}{}
	}
	events.Ring(s.toConfirm)
}

// lost notes that Redis has ended the subscription to a channel. It returns the partition if that was subscribed.
func (s *Subscriptions) lost(l *line, channel string) *followedPartition {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	f := s.channels[channel]
	if f == nil || f.line != l || !f.hearsHints && !f.hearsNews {
		return nil
	}
	s.silence(f)
	return f
}

// forbidden notes that the Redis user may not subscribe. Only the sweep serves these partitions.
func (s *Subscriptions) forbidden(orders []order) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, o := range orders {
		s.fallBackToSweep(o.partition)
	}
}

// interrupted notes that a line has no connection.
func (s *Subscriptions) interrupted(l *line) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, f := range s.of(l) {
		s.silence(f)
	}
}

// idles reports whether a line has no partitions and no orders.
func (s *Subscriptions) idles(l *line) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(l.orders) == 0 && len(s.of(l)) == 0
}

// retire removes the line of a node that has left the cluster. It returns false outside a cluster.
func (s *Subscriptions) retire(l *line) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !l.sharded {
		return false
	}
	delete(s.lines, l.client)
	return true
}

// of returns the partitions of a line.
func (s *Subscriptions) of(l *line) []*followedPartition {
	var partitions []*followedPartition
	for _, f := range s.followed {
		if f.line == l {
			partitions = append(partitions, f)
		}
	}
	return partitions
}

// reassign takes a partition from its line if another node holds it now, so that it is assigned anew.
func (s *Subscriptions) reassign(f *followedPartition, client *redis.Client) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if f.line == nil || f.line.client == client || s.followed[f.tag] != f {
		return
	}
	s.release(f)
	s.unassigned[f] = struct{}{}
	events.Ring(s.toAssign)
}
