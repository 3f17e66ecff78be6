// Package hints delivers events of followed chats: subscriptions, Watches, and sweeps for what Redis lost.
package hints

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Config is what a Hub needs.
type Config struct {
	Nodes   *redisnode.Nodes
	Keys    layout.Keys
	Sweep   time.Duration      // the interval at which Watches look for hints that were lost
	Clock   func() time.Time   // gives positions; nil is Redis's clock
	Observe background.Observe // of background work; or nil
}

// Partition is a partition of the layout, and whether it has followers.
type Partition struct {
	*layout.Partition

	// Followed: a chat of the partition is followed somewhere, as far as is known, so hints carry messages. Appends learn
	// it from the answers of Redis.
	Followed atomic.Bool
}

// Hub delivers events of followed chats to Watches. It subscribes only to the channels of these chats'
// partitions. Its goroutines talk to Redis:
//
//	assign   finds the node of each followed partition, and gives the partition to the node's line
//	line     one for each node: subscribes, listens, detects a dead connection (subscription.go)
//	confirm  reads positions once Redis has confirmed a subscription, and hints at them (confirm.go)
//	sweep    looks for hints that were lost (sweep.go)
//
// A hint is never lost silently. A partition whose subscription was interrupted is subscribed to again, and then all
// its chats are confirmed again. The sweep finds hints that Redis itself loses.
type Hub struct {
	nodes      *redisnode.Nodes
	keys       layout.Keys
	sweepEvery time.Duration
	observe    background.Observe // of sweeps; or nil
	clock      func() time.Time   // nil is Redis's
	idle       time.Duration      // how long a partition without followers stays subscribed
	partitions []Partition        // in the order of keys
	revoked    revocations
	suspended  suspensions

	mutex      sync.Mutex
	ended      bool
	end        context.CancelFunc // nil until there is a Watch
	watches    map[*watch]struct{}
	topics     map[string]*topic // by tag
	channels   map[string]*topic // by the names of both channels
	lines      map[*redis.Client]*line
	unassigned map[*topic]struct{} // no line has them
	stale      bool                // a cluster's layout has changed
	due        map[*audience]struct{}

	toAssign, toConfirm chan struct{} // one element each
	work                sync.WaitGroup
}

// topic is a followed partition.
type topic struct {
	partition   *Partition
	tag         string
	hints, news string               // the channels
	chats       map[string]*audience // by canonical id
	emptied     time.Time            // when the last chat left

	line                  *line // subscribes to it; nil while unassigned
	hearsHints, hearsNews bool  // Redis has confirmed the subscription
	epoch                 int   // counts confirmed subscriptions
	silentSince           time.Time
	sweepOnly             bool  // no subscription for long: only the sweep finds what is new
	swept                 int64 // Redis's time of the last sweep in microseconds; 0 before chats were confirmed
}

func (t *topic) live() bool { return t.hearsHints && t.hearsNews }

// audience is the followers of a chat.
type audience struct {
	chat    chat.ID
	topic   *topic
	watches []*watch
	told    int64 // the furthest position hinted at since the last confirmation
	known   bool  // it was confirmed before
}

// New returns a Hub. It connects to nothing before there is a Watch.
func New(c Config) *Hub {
	h := &Hub{
		nodes: c.Nodes, keys: c.Keys, sweepEvery: c.Sweep, observe: c.Observe, clock: c.Clock, idle: 5 * time.Second,
		partitions: make([]Partition, len(c.Keys.Partitions)),
		watches:    map[*watch]struct{}{}, topics: map[string]*topic{}, channels: map[string]*topic{},
		lines: map[*redis.Client]*line{}, unassigned: map[*topic]struct{}{}, due: map[*audience]struct{}{},
		toAssign: make(chan struct{}, 1), toConfirm: make(chan struct{}, 1),
	}
	for i := range h.partitions {
		h.partitions[i].Partition = &h.keys.Partitions[i]
	}
	return h
}

// Of returns the partition of a chat.
func (h *Hub) Of(id chat.ID) *Partition { return &h.partitions[h.keys.Index(id)] }

// Watch returns a new Watch. Close ends it too.
func (h *Hub) Watch() chat.Watch {
	w := &watch{Queue: events.New(), hub: h, chats: map[*audience]struct{}{}}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.ended {
		w.Queue.Close()
		return w
	}
	h.watches[w] = struct{}{}
	if h.end == nil {
		ctx, cancel := context.WithCancel(context.Background())
		h.end = cancel
		h.work.Go(func() { h.assign(ctx) })
		h.work.Go(func() { h.confirm(ctx) })
		h.work.Go(func() { _ = h.sweep().Run(ctx) })
	}
	return w
}

// Close ends all Watches and waits for the goroutines.
func (h *Hub) Close() {
	h.mutex.Lock()
	h.ended = true
	if h.end != nil {
		h.end()
	}
	for w := range h.watches {
		w.Queue.Close()
	}
	h.mutex.Unlock()
	h.work.Wait()
}

func (h *Hub) follow(w *watch, ids []chat.ID) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if _, open := h.watches[w]; !open || h.ended {
		return
	}
	for _, id := range ids {
		a := h.audience(id)
		if _, follows := w.chats[a]; !follows {
			w.chats[a] = struct{}{}
			a.watches = append(a.watches, w)
		}
		w.tellRevoked(id)
		if a.topic.live() || a.topic.sweepOnly { // else all its chats are confirmed later
			h.due[a] = struct{}{}
		}
	}
	events.Ring(h.toConfirm)
	events.Ring(h.toAssign)
}

// audience returns the audience of a chat. It creates an unassigned topic for a new partition.
func (h *Hub) audience(id chat.ID) *audience {
	p := h.Of(id)
	tag := p.Tag
	t, ok := h.topics[tag]
	if !ok {
		t = &topic{
			partition: p, tag: tag, hints: p.Hints, news: p.News,
			chats: map[string]*audience{}, silentSince: time.Now(),
		}
		h.topics[tag], h.channels[t.hints], h.channels[t.news] = t, t, t
		h.unassigned[t] = struct{}{}
	}
	a, ok := t.chats[id.String()]
	if !ok {
		a = &audience{chat: id, topic: t}
		t.chats[id.String()] = a
	}
	return a
}

func (h *Hub) unfollow(w *watch, ids []chat.ID) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, id := range ids {
		if t := h.topics[h.keys.Partition(id)]; t != nil {
			if a := t.chats[id.String()]; a != nil {
				h.drop(w, a)
			}
		}
	}
}

func (h *Hub) leave(w *watch) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for a := range w.chats {
		h.drop(w, a)
	}
	delete(h.watches, w)
}

func (h *Hub) drop(w *watch, a *audience) {
	delete(w.chats, a)
	if i := slices.Index(a.watches, w); i >= 0 {
		a.watches = slices.Delete(a.watches, i, i+1)
	}
	if len(a.watches) > 0 {
		return
	}
	t := a.topic
	delete(h.due, a)
	if delete(t.chats, a.chat.String()); len(t.chats) == 0 {
		t.emptied = time.Now()
		time.AfterFunc(h.idle, func() { h.forget(t) })
	}
}

// forget ends the subscription to a partition that has had no followers for a while.
func (h *Hub) forget(t *topic) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.ended || h.topics[t.tag] != t || len(t.chats) > 0 || time.Since(t.emptied) < h.idle {
		return
	}
	delete(h.topics, t.tag)
	delete(h.channels, t.hints)
	delete(h.channels, t.news)
	delete(h.unassigned, t)
	h.release(t)
}

// release takes a partition from its line.
func (h *Hub) release(t *topic) {
	if t.line != nil {
		t.line.order(order{topic: t, unsubscribe: true})
	}
	t.line = nil
	h.silence(t)
}

// silence notes that a partition's subscription is interrupted.
func (h *Hub) silence(t *topic) {
	if t.live() {
		t.silentSince = time.Now()
	}
	t.hearsHints, t.hearsNews = false, false
}

// message handles a message published on a channel.
func (h *Hub) message(channel, payload string) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	t := h.channels[channel]
	switch {
	case t == nil: // no longer followed
	case channel == t.hints:
		name, rest, _ := strings.Cut(payload, " ")
		if a := t.chats[name]; a != nil {
			if e, ok := parseHint(rest); ok {
				e.Chat = a.chat
				a.hint(e)
			}
		}
	default:
		e, ok := layout.DecodeEvent(payload)
		if a := t.chats[e.Chat.String()]; ok && a != nil {
			for _, w := range a.watches {
				w.Put(e)
			}
		}
	}
}

// parseHint reads a hint after the chat's name: "position", or "position before entry". The event keeps the payload.
func parseHint(payload string) (e chat.Event, ok bool) {
	position, rest, brings := strings.Cut(payload, " ")
	var err error
	if e.Position, err = strconv.ParseInt(position, 10, 64); err != nil {
		return e, false
	}
	before, entry, whole := strings.Cut(rest, " ")
	if !brings {
		return e, true
	}
	if e.Before, err = strconv.ParseInt(before, 10, 64); err != nil || !whole {
		return chat.Event{Position: e.Position}, true
	}
	e.Entries = [][]byte{unsafe.Slice(unsafe.StringData(entry), len(entry))} // the bytes never change
	return e, true
}

// hint sends a hint to all followers of a chat.
func (a *audience) hint(e chat.Event) {
	a.told = max(a.told, e.Position)
	for _, w := range a.watches {
		w.Put(e)
	}
}

// doubt tells the followers of a room that its members may have changed: news of that may be lost.
func (a *audience) doubt() {
	if _, _, pair := a.chat.Users(); pair {
		return
	}
	for _, w := range a.watches {
		w.Put(chat.Event{Chat: a.chat, Kind: chat.MembersChanged})
	}
}

// hintAt is hint without entries.
func (a *audience) hintAt(position int64) {
	a.hint(chat.Event{Chat: a.chat, Kind: chat.Hint, Position: position})
}
