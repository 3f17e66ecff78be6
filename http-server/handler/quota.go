package handler

import (
	"context"
	"sync"

	"github.com/pullchat/pullchat/http-server/ratelimit"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

// Bounds are what one client has at a time. 0 is no bound.
type Bounds struct {
	Streams int // event streams, WebSockets and requests that wait
	Chats   int // that the streams and WebSockets follow, all together
}

// Quota enforces Bounds. A client is the token's user or, where no token is needed, an address. Services have no bound.
// Use NewQuota.
type Quota struct {
	user, address Bounds
	mutex         sync.Mutex
	has           map[string]Bounds // by client; no entry is zero
}

// NewQuota returns the Quota of these Bounds for each user, and for each address.
func NewQuota(user, address Bounds) *Quota {
	return &Quota{user: user, address: address, has: map[string]Bounds{}}
}

// seat is one stream, WebSocket or request of a client, and the live.Share of the client.
type seat struct {
	quota  *Quota
	key    string // of the client
	whose  string
	bounds Bounds
}

var _ live.Share = (*seat)(nil)

// enter counts one stream more, until leave is called.
func (q *Quota) enter(ctx context.Context) (*seat, error) {
	s := q.seatOf(ctx)
	if s.bounds.Streams == 0 {
		return s, nil
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.has[s.key].Streams >= s.bounds.Streams {
		return nil, chat.Errorf(chat.ResourceExhausted, "%s has %d streams, WebSockets and waiting requests open here, which is the limit; close one", s.whose, s.bounds.Streams)
	}
	q.add(s.key, Bounds{Streams: 1})
	return s, nil
}

// seatOf returns the seat of a request's client, which counts nothing yet.
func (q *Quota) seatOf(ctx context.Context) *seat {
	if q == nil {
		return &seat{}
	}
	if by, identified := chat.CallerOf(ctx); identified && by.Service {
		return &seat{}
	} else if identified {
		return &seat{q, "user " + by.User, "this user", q.user}
	}
	if client := ratelimit.ClientOf(ctx); client != "" {
		return &seat{q, "address " + client, "this address", q.address}
	}
	return &seat{}
}

// add counts more, or fewer. The mutex is held.
func (q *Quota) add(key string, more Bounds) {
	has := q.has[key]
	has.Streams += more.Streams
	has.Chats += more.Chats
	if q.has[key] = has; has == (Bounds{}) {
		delete(q.has, key)
	}
}

func (s *seat) leave() {
	if s.bounds.Streams > 0 {
		s.quota.mutex.Lock()
		defer s.quota.mutex.Unlock()
		s.quota.add(s.key, Bounds{Streams: -1})
	}
}

// Take implements live.Share.
func (s *seat) Take() error {
	if s.bounds.Chats == 0 {
		return nil
	}
	s.quota.mutex.Lock()
	defer s.quota.mutex.Unlock()
	if s.quota.has[s.key].Chats >= s.bounds.Chats {
		return s.full()
	}
	s.quota.add(s.key, Bounds{Chats: 1})
	return nil
}

func (s *seat) full() error {
	return chat.Errorf(chat.ResourceExhausted, "%s follows %d chats here, which is the limit; end a stream, or unwatch some", s.whose, s.bounds.Chats)
}

// Add implements live.Share.
func (s *seat) Add(chats int) {
	if s.bounds.Chats > 0 {
		s.quota.mutex.Lock()
		defer s.quota.mutex.Unlock()
		s.quota.add(s.key, Bounds{Chats: chats})
	}
}

// Left implements live.Share.
func (s *seat) Left() int {
	if s.bounds.Chats == 0 {
		return 1 << 30
	}
	s.quota.mutex.Lock()
	defer s.quota.mutex.Unlock()
	return max(0, s.bounds.Chats-s.quota.has[s.key].Chats)
}

// fits returns why so many more chats may not be followed, or nil.
func (s *seat) fits(chats int) error {
	if chats > s.Left() {
		return s.full()
	}
	return nil
}
