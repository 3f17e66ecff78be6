// Package live hands what happens in chats to the clients that follow them through this gateway. It keeps where each
// client stands, never what it has to get: a hint wakes those who stand before it, and they pull, or take what the hint
// has brought. A client that is slow costs a flag, and what it misses meanwhile lies in the log.
package live

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// beats is after how many ticks every session has had its heartbeat, and tick is how long one takes.
	beats = 25
	tick  = time.Second
	// maxTopics is Config.MaxTopics where it is 0: less than an rpc-server follows for one gateway.
	maxTopics = 900_000
	// lingers is how long a chat is still followed after its last listener has gone: the next long-poll comes soon.
	lingers = 10 * time.Second
	// pageLasts is Config.PageLasts where it is 0.
	pageLasts = time.Second
)

// Config is what a Hub is set up with.
type Config struct {
	Log  *slog.Logger
	Tick time.Duration // every session gets a heartbeat once in 25 of them; 0 is a second
	// PageLasts is how long a page is kept for others who stand where it begins: for little, because what is in it may go
	// from the log. 0 is a second.
	PageLasts time.Duration
	MaxInbox  int // chats of an inbox that are followed, those that moved last; 0 is 10,000
	MaxTopics int // chats that are followed at a time, but for users' chats with themselves; 0 is 900,000

	Inboxes chat.Inboxes // of readers; nil where nobody ignores anybody and nobody has an inbox
	// Admission knows who may be in which chats; nil: nobody is asked who she is. With it, the Hub reads as a service what it
	// hands only to those who may be there.
	Admission chat.Admission
}

// Hub knows who follows which chats through this gateway. Use New; Run must run.
type Hub struct {
	config  Config
	log     chat.Service
	live    chat.Live
	watch   chat.Watch
	present *attendance
	people  *people
	doors   doors

	mutex    sync.Mutex
	topics   map[chat.ID]*topic
	leaving  map[*topic]time.Time // topics without listeners, and since when
	warm     map[*topic]struct{}  // topics that keep pages or a tail
	sessions [beats]map[*Session]struct{}
	turn     int // where the next session gets its heartbeat
	drained  bool

	draining chan struct{}  // closed by Drain
	running  sync.WaitGroup // deliveries
}

// New returns a Hub that pulls from log, and hears of what happens from live.
func New(log chat.Service, live chat.Live, config Config) *Hub {
	config.Tick = cmp.Or(config.Tick, tick)
	config.PageLasts = cmp.Or(config.PageLasts, pageLasts)
	config.MaxInbox = cmp.Or(config.MaxInbox, maxInbox)
	config.MaxTopics = cmp.Or(config.MaxTopics, maxTopics)
	h := &Hub{
		config: config, log: log, live: live, watch: live.Watch(), doors: doors{config.Admission},
		topics: map[chat.ID]*topic{}, leaving: map[*topic]time.Time{}, warm: map[*topic]struct{}{}, draining: make(chan struct{}),
	}
	h.present = &attendance{gateway: rand.Text(), live: live, doors: &h.doors, topics: map[*topic]struct{}{}}
	h.people = &people{hub: h, users: map[string]*person{}, stale: map[*person]struct{}{}, bell: make(chan struct{}, 1)}
	for i := range h.sessions {
		h.sessions[i] = map[*Session]struct{}{}
	}
	return h
}

// Run works until ctx ends; it returns when all deliveries have ended, and nobody counts as present here any more. The
// sessions must have been closed, or drained, by then.
func (h *Hub) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { h.hear(ctx) })
	parts.Go(func() { h.present.run(ctx) })
	parts.Go(func() { h.people.run(ctx) })
	h.tick(ctx)
	h.watch.Close()
	parts.Wait()
	h.running.Wait()
	h.present.leave()
}

// hear takes events to the topics that they are about.
func (h *Hub) hear(ctx context.Context) {
	for {
		events, err := h.watch.Next(ctx)
		if err != nil {
			return
		}
		for _, e := range events {
			h.mutex.Lock()
			t := h.topics[e.Chat]
			h.mutex.Unlock()
			if t == nil {
				continue
			}
			t.hear(e)
			if len(e.Entries) > 0 {
				h.warms(t)
			}
		}
	}
}

// tick lets hearts beat and forgets the topics that nobody listens to, until ctx ends.
func (h *Hub) tick(ctx context.Context) {
	ticker := time.NewTicker(h.config.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.forget(now)
			for _, s := range h.nextBeat() {
				s.beat()
			}
		}
	}
}

func (h *Hub) nextBeat() []*Session {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.turn = (h.turn + 1) % beats
	sessions := make([]*Session, 0, len(h.sessions[h.turn]))
	for s := range h.sessions[h.turn] {
		sessions = append(sessions, s)
	}
	return sessions
}

func (h *Hub) forget(now time.Time) {
	var forgotten []chat.ID
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for t := range h.warm {
		if !t.keepsSince(now.Add(-h.config.PageLasts)) {
			delete(h.warm, t)
		}
	}
	for t, since := range h.leaving {
		if now.Sub(since) >= lingers && !h.present.holds(t) {
			delete(h.leaving, t)
			delete(h.topics, t.id)
			forgotten = append(forgotten, t.id)
		}
	}
	if len(forgotten) > 0 {
		h.watch.Remove(forgotten...) // below the mutex, so that it does not overtake an Add of the same chat
	}
}

// join makes l a listener of a chat, whose topic is put into t before it hears anything. It hears of everything that a
// pull after join does not return: so it joins first, and pulls then.
func (h *Hub) join(id chat.ID, l listener, into **topic) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	t := h.topics[id]
	if t == nil {
		first, second, _ := id.Users()
		self := first == second // of which there are no more than clients
		if limit := h.config.MaxTopics; len(h.topics) >= limit && !self {
			return chat.Errorf(chat.ResourceExhausted, "%d chats are followed here, which is the limit of this server; try another one", limit)
		}
		t = &topic{hub: h, id: id, self: self, position: -1, back: -1, listeners: map[listener]struct{}{}}
		h.topics[id] = t
		h.watch.Add(id)
	}
	delete(h.leaving, t)
	*into = t
	t.mutex.Lock()
	t.listeners[l] = struct{}{}
	t.mutex.Unlock()
	return nil
}

func (h *Hub) leave(t *topic, l listener) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.listeners, l)
	if len(t.listeners) < 2 {
		t.pages = nil // nobody is there to share them
	}
	if len(t.listeners) == 0 {
		t.tail = nil
	}
	if len(t.listeners) == 0 && h.topics[t.id] == t {
		h.leaving[t] = time.Now()
	}
}

func (h *Hub) warms(t *topic) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.warm[t] = struct{}{}
}

// Drain ends all sessions and waits, and those that begin later: the server is about to stop.
func (h *Hub) Drain() {
	h.mutex.Lock()
	var all []*Session
	if !h.drained {
		h.drained = true
		close(h.draining)
	}
	for _, bucket := range h.sessions {
		for s := range bucket {
			all = append(all, s)
		}
	}
	h.mutex.Unlock()
	for _, s := range all {
		s.end(ErrDraining)
	}
}

// ErrDraining ends a session because its server is about to stop.
var ErrDraining = chat.Errorf(chat.Unavailable, "this server is stopping")

// ErrPanicked ends a session because something in it panicked. The log says what.
var ErrPanicked = chat.Errorf(chat.Internal, "something went wrong")
