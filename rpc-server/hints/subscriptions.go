// Package hints delivers events of followed chats: subscriptions, Watches, and sweeps for events that Redis lost.
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

// Config has the dependencies of Subscriptions.
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

// Subscriptions deliver events of followed chats to Watches. They are subscribed only to the channels of these chats'
// partitions. Their goroutines talk to Redis:
//
//	assign   finds the node of each followed partition, and gives the partition to the node's line
//	line     one for each node: subscribes, listens, detects a dead connection (subscription.go)
//	confirm  reads positions once Redis has confirmed a subscription, and hints at them (confirm.go)
//	sweep    looks for hints that were lost (sweep.go)
//
// A hint is never lost silently. A partition whose subscription was interrupted is subscribed to again, and then all
// its chats are confirmed again. The sweep finds hints that Redis itself loses.
type Subscriptions struct {
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
	followed   map[string]*followedPartition // by tag
	channels   map[string]*followedPartition // by the names of both channels
	lines      map[*redis.Client]*line
	unassigned map[*followedPartition]struct{} // no line has them
	stale      bool                            // a cluster's layout has changed
	due        map[*audience]struct{}

	toAssign, toConfirm chan struct{} // one element each
	work                sync.WaitGroup
}

// followedPartition is a followed partition.
type followedPartition struct {
	partition   *Partition
	tag         string
	hints, news string               // the channels
	chats       map[string]*audience // by canonical id
	emptied     time.Time            // when the last chat left

	line                  *line // subscribes to it; nil while unassigned
	hearsHints, hearsNews bool  // Redis has confirmed the subscription
	epoch                 int   // counts confirmed subscriptions
	silentSince           time.Time
	sweepOnly             bool  // no subscription for long: only the sweep finds new messages
	swept                 int64 // Redis's time of the last sweep in microseconds; 0 before chats were confirmed
}

func (f *followedPartition) live() bool { return f.hearsHints && f.hearsNews }

// audience is the followers of a chat.
type audience struct {
	chat      chat.ID
	partition *followedPartition
	watches   []*watch
	told      int64 // the furthest position hinted at since the last confirmation
	known     bool  // it was confirmed before
}

// New returns Subscriptions. It connects to nothing before there is a Watch.
func New(c Config) *Subscriptions {
	s := &Subscriptions{
		nodes: c.Nodes, keys: c.Keys, sweepEvery: c.Sweep, observe: c.Observe, clock: c.Clock, idle: 5 * time.Second,
		partitions: make([]Partition, len(c.Keys.Partitions)),
		watches:    map[*watch]struct{}{}, followed: map[string]*followedPartition{}, channels: map[string]*followedPartition{},
		lines: map[*redis.Client]*line{}, unassigned: map[*followedPartition]struct{}{}, due: map[*audience]struct{}{},
		toAssign: make(chan struct{}, 1), toConfirm: make(chan struct{}, 1),
	}
	for i := range s.partitions {
		s.partitions[i].Partition = &s.keys.Partitions[i]
	}
	return s
}

// Of returns the partition of a chat.
func (s *Subscriptions) Of(id chat.ID) *Partition { return &s.partitions[s.keys.Index(id)] }

// Watch returns a new Watch. Close ends it too.
func (s *Subscriptions) Watch() chat.Watch {
	w := &watch{Queue: events.New(), subscriptions: s, chats: map[*audience]struct{}{}}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ended {
		w.Queue.Close()
		return w
	}
	s.watches[w] = struct{}{}
	if s.end == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.end = cancel
		s.work.Go(func() { s.assign(ctx) })
		s.work.Go(func() { s.confirm(ctx) })
		s.work.Go(func() { _ = s.sweep().Run(ctx) })
	}
	return w
}

// Close ends all Watches and waits for the goroutines.
func (s *Subscriptions) Close() {
	s.mutex.Lock()
	s.ended = true
	if s.end != nil {
		s.end()
	}
	for w := range s.watches {
		w.Queue.Close()
	}
	s.mutex.Unlock()
	s.work.Wait()
}

func (s *Subscriptions) follow(w *watch, ids []chat.ID) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, open := s.watches[w]; !open || s.ended {
		return
	}
	for _, id := range ids {
		a := s.audience(id)
		if _, follows := w.chats[a]; !follows {
			w.chats[a] = struct{}{}
			a.watches = append(a.watches, w)
		}
		w.tellRevoked(id)
		if a.partition.live() || a.partition.sweepOnly { // else all its chats are confirmed later
			s.due[a] = struct{}{}
		}
	}
	events.Ring(s.toConfirm)
	events.Ring(s.toAssign)
}

// audience returns the audience of a chat. It creates an unassigned followedPartition for a new partition.
func (s *Subscriptions) audience(id chat.ID) *audience {
	p := s.Of(id)
	tag := p.Tag
	f, ok := s.followed[tag]
	if !ok {
		f = &followedPartition{
			partition: p, tag: tag, hints: p.Hints, news: p.News,
			chats: map[string]*audience{}, silentSince: time.Now(),
		}
		s.followed[tag], s.channels[f.hints], s.channels[f.news] = f, f, f
		s.unassigned[f] = struct{}{}
	}
	a, ok := f.chats[id.String()]
	if !ok {
		a = &audience{chat: id, partition: f}
		f.chats[id.String()] = a
	}
	return a
}

func (s *Subscriptions) unfollow(w *watch, ids []chat.ID) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, id := range ids {
		if f := s.followed[s.keys.Partition(id)]; f != nil {
			if a := f.chats[id.String()]; a != nil {
				s.drop(w, a)
			}
		}
	}
}

func (s *Subscriptions) leave(w *watch) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for a := range w.chats {
		s.drop(w, a)
	}
	delete(s.watches, w)
}

func (s *Subscriptions) drop(w *watch, a *audience) {
	delete(w.chats, a)
	if i := slices.Index(a.watches, w); i >= 0 {
		a.watches = slices.Delete(a.watches, i, i+1)
	}
	if len(a.watches) > 0 {
		return
	}
	f := a.partition
	delete(s.due, a)
	if delete(f.chats, a.chat.String()); len(f.chats) == 0 {
		f.emptied = time.Now()
		time.AfterFunc(s.idle, func() { s.forget(f) })
	}
}

// forget ends the subscription to a partition that has had no followers for a while.
func (s *Subscriptions) forget(f *followedPartition) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ended || s.followed[f.tag] != f || len(f.chats) > 0 || time.Since(f.emptied) < s.idle {
		return
	}
	delete(s.followed, f.tag)
	delete(s.channels, f.hints)
	delete(s.channels, f.news)
	delete(s.unassigned, f)
	s.release(f)
}

// release takes a partition from its line.
func (s *Subscriptions) release(f *followedPartition) {
	if f.line != nil {
		f.line.order(order{partition: f, unsubscribe: true})
	}
	f.line = nil
	s.silence(f)
}

// silence notes that a partition's subscription is interrupted.
func (s *Subscriptions) silence(f *followedPartition) {
	if f.live() {
		f.silentSince = time.Now()
	}
	f.hearsHints, f.hearsNews = false, false
}

// message handles a message published on a channel.
func (s *Subscriptions) message(channel, payload string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	f := s.channels[channel]
	switch {
	case f == nil: // no longer followed
	case channel == f.hints:
		name, rest, _ := strings.Cut(payload, " ")
		if a := f.chats[name]; a != nil {
			if e, ok := parseHint(rest); ok {
				e.Chat = a.chat
				a.hint(e)
			}
		}
	default:
		e, ok := layout.DecodeEvent(payload)
		if a := f.chats[e.Chat.String()]; ok && a != nil {
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
