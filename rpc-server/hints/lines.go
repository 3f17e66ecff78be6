package hints

import (
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/events"
)

// The hub's methods that lines call.

// request takes a line's next orders that fit into one command.
func (h *Hub) request(l *line) request {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	r := request{waiting: map[string]struct{}{}}
	for len(l.orders) > 0 {
		o := l.orders[0]
		if len(r.orders) > 0 && (l.sharded || o.unsubscribe != r.unsubscribes()) {
			break
		}
		l.orders = l.orders[1:]
		if !o.unsubscribe && o.topic.line != l { // forgotten, or moved
			continue
		}
		r.orders = append(r.orders, o)
		r.waiting[o.topic.hints], r.waiting[o.topic.news] = struct{}{}, struct{}{}
	}
	return r
}

// subscribed notes that Redis has confirmed the subscription to a channel. Once both channels of a partition are
// confirmed, all its chats are: their positions cover older messages, and hints cover later ones.
func (h *Hub) subscribed(l *line, channel string) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	t := h.channels[channel]
	if t == nil || t.line != l {
		return
	}
	if t.live() { // go-redis has subscribed anew
		h.silence(t)
	}
	if channel == t.hints {
		t.hearsHints = true
	} else {
		t.hearsNews = true
	}
	if !t.live() {
		return
	}
	t.partition.Followed.Store(true)
	t.epoch++
	t.sweepOnly = false
	for _, a := range t.chats {
		h.due[a] = struct{}{}
	}
	events.Ring(h.toConfirm)
}

// lost notes that Redis has ended the subscription to a channel. It returns the partition if that was subscribed.
func (h *Hub) lost(l *line, channel string) *topic {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	t := h.channels[channel]
	if t == nil || t.line != l || !t.hearsHints && !t.hearsNews {
		return nil
	}
	h.silence(t)
	return t
}

// forbidden notes that the Redis user may not subscribe. Only the sweep serves these partitions.
func (h *Hub) forbidden(orders []order) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, o := range orders {
		h.fallBackToSweep(o.topic)
	}
}

// interrupted notes that a line has no connection.
func (h *Hub) interrupted(l *line) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, t := range h.of(l) {
		h.silence(t)
	}
}

// idles reports whether a line has no partitions and no orders.
func (h *Hub) idles(l *line) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return len(l.orders) == 0 && len(h.of(l)) == 0
}

// retire removes the line of a node that has left the cluster. It returns false outside a cluster.
func (h *Hub) retire(l *line) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if !l.sharded {
		return false
	}
	delete(h.lines, l.client)
	return true
}

// of returns the partitions of a line.
func (h *Hub) of(l *line) []*topic {
	var topics []*topic
	for _, t := range h.topics {
		if t.line == l {
			topics = append(topics, t)
		}
	}
	return topics
}

// reassign takes a partition from its line if another node holds it now, so that it is assigned anew.
func (h *Hub) reassign(t *topic, client *redis.Client) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if t.line == nil || t.line.client == client || h.topics[t.tag] != t {
		return
	}
	h.release(t)
	h.unassigned[t] = struct{}{}
	events.Ring(h.toAssign)
}
