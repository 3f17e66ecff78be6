// Package live delivers messages and events of chats to the clients that follow them through this gateway. It stores each
// client's cursor, never its messages: a hint wakes followers with an older cursor, and they pull, or take the hint's
// message. A slow client costs a flag; its messages wait in the log.
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
	// Every session gets a heartbeat once in beats ticks; tick is the length of one.
	beats = 25
	tick  = time.Second
	// maxChats is the default of Config.MaxChats: less than an rpc-server watches for one gateway.
	maxChats = 900_000
	// lingers is how long a chat is still watched after its last listener has left, because the next long-poll comes soon.
	lingers = 10 * time.Second
	// pageLasts is the default of Config.PageLasts.
	pageLasts = time.Second
)

// Config is the configuration of a Hub.
type Config struct {
	Log  *slog.Logger
	Tick time.Duration // every session gets a heartbeat once in 25 of them; 0 is a second
	// PageLasts is how long a page is cached for other followers with the same cursor. It is short, because messages may
	// leave the log. 0 is a second.
	PageLasts time.Duration
	MaxInbox  int // followed chats of an inbox, newest activity first; 0 is 10,000
	MaxChats  int // chats followed at a time, without self-chats; 0 is 900,000

	Inboxes chat.Inboxes // nil: no inboxes, and no ignored users
	// Admission checks callers' access to chats; nil: callers are anonymous. With it the Hub reads as a service, and checks
	// each follower before delivery.
	Admission chat.Admission
}

// Hub connects the followers of this gateway with their chats. Use New; Run must run.
type Hub struct {
	config     Config
	log        chat.Service
	live       chat.Live
	watch      chat.Watch
	present    *attendance
	localUsers *localUsers
	admission  admission

	mutex    sync.Mutex
	chats    map[chat.ID]*followedChat
	leaving  map[*followedChat]time.Time // chats without listeners, and the time since
	warm     map[*followedChat]struct{}  // chats with cached pages or a tail
	sessions [beats]map[*Session]struct{}
	turn     int // the slot of the next session's heartbeat
	drained  bool

	draining chan struct{}  // closed by Drain
	running  sync.WaitGroup // deliveries
}

// New returns a Hub that pulls from log and receives events from live.
func New(log chat.Service, live chat.Live, config Config) *Hub {
	config.Tick = cmp.Or(config.Tick, tick)
	config.PageLasts = cmp.Or(config.PageLasts, pageLasts)
	config.MaxInbox = cmp.Or(config.MaxInbox, maxInbox)
	config.MaxChats = cmp.Or(config.MaxChats, maxChats)
	h := &Hub{
		config: config, log: log, live: live, watch: live.Watch(), admission: admission{config.Admission},
		chats: map[chat.ID]*followedChat{}, leaving: map[*followedChat]time.Time{}, warm: map[*followedChat]struct{}{}, draining: make(chan struct{}),
	}
	h.present = &attendance{gateway: rand.Text(), live: live, admission: &h.admission, chats: map[*followedChat]struct{}{}}
	h.localUsers = &localUsers{hub: h, users: map[string]*localUser{}, stale: map[*localUser]struct{}{}, wake: make(chan struct{}, 1)}
	for i := range h.sessions {
		h.sessions[i] = map[*Session]struct{}{}
	}
	return h
}

// Run works until ctx ends. It returns when all deliveries have ended and it has reported that no reader is present here.
// The sessions must have been closed, or drained, by then.
func (h *Hub) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { h.hear(ctx) })
	parts.Go(func() { h.present.run(ctx) })
	parts.Go(func() { h.localUsers.run(ctx) })
	h.tick(ctx)
	h.watch.Close()
	parts.Wait()
	h.running.Wait()
	h.present.leave()
}

// hear passes events on to their chats.
func (h *Hub) hear(ctx context.Context) {
	for {
		events, err := h.watch.Next(ctx)
		if err != nil {
			return
		}
		for _, e := range events {
			h.mutex.Lock()
			c := h.chats[e.Chat]
			h.mutex.Unlock()
			if c == nil {
				continue
			}
			c.hear(e)
			if len(e.Entries) > 0 {
				h.warms(c)
			}
		}
	}
}

// tick sends heartbeats and forgets chats without listeners, until ctx ends.
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
	for c := range h.warm {
		if !c.keepsSince(now.Add(-h.config.PageLasts)) {
			delete(h.warm, c)
		}
	}
	for c, since := range h.leaving {
		if now.Sub(since) >= lingers && !h.present.holds(c) {
			delete(h.leaving, c)
			delete(h.chats, c.id)
			forgotten = append(forgotten, c.id)
		}
	}
	if len(forgotten) > 0 {
		h.watch.Remove(forgotten...) // below the mutex, so that it does not overtake an Add of the same chat
	}
}

// join makes l a listener of a chat, and sets *into to the followed chat before l gets an event. l gets an event for every message
// that a pull after join does not return: so a follower joins first and then pulls.
func (h *Hub) join(id chat.ID, l listener, into **followedChat) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	c := h.chats[id]
	if c == nil {
		first, second, _ := id.Users()
		self := first == second // there are no more self-chats than clients
		if limit := h.config.MaxChats; len(h.chats) >= limit && !self {
			return chat.Errorf(chat.ResourceExhausted, "%d chats are followed here, which is the limit of this server; try another one", limit)
		}
		c = &followedChat{hub: h, id: id, self: self, position: -1, back: -1, listeners: map[listener]struct{}{}}
		h.chats[id] = c
		h.watch.Add(id)
	}
	delete(h.leaving, c)
	*into = c
	c.mutex.Lock()
	c.listeners[l] = struct{}{}
	c.mutex.Unlock()
	return nil
}

func (h *Hub) leave(c *followedChat, l listener) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.listeners, l)
	if len(c.listeners) < 2 {
		c.pages = nil // no follower is left to share them
	}
	if len(c.listeners) == 0 {
		c.tail = nil
	}
	if len(c.listeners) == 0 && h.chats[c.id] == c {
		h.leaving[c] = time.Now()
	}
}

func (h *Hub) warms(c *followedChat) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.warm[c] = struct{}{}
}

// Drain ends all current and later sessions and waits, because the server is about to stop.
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

// ErrDraining ends a session because the server is about to stop.
var ErrDraining = chat.Errorf(chat.Unavailable, "this server is stopping")

// ErrPanicked ends a session after a panic, which the log describes.
var ErrPanicked = chat.Errorf(chat.Internal, "something went wrong")
