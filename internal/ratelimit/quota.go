package ratelimit

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pullchat/pullchat/internal/chat"
)

// Bounds limit the concurrent use of one client. 0 is no bound.
type Bounds struct {
	Streams int // event streams, WebSockets and requests that wait
	Chats   int // that the streams and WebSockets follow, all together
}

// Quota enforces Bounds. A client is the token's user or, where no token is needed, an address. Services have no bound.
// Use NewQuota.
type Quota struct {
	RefusedStream, RefusedChat func() // called for each refusal; nil: nothing is. They are set before the first Enter

	user, address Bounds
	mutex         sync.Mutex
	has           map[string]Bounds // by client; no entry is zero
}

// NewQuota returns the Quota of these Bounds for each user, and for each address.
func NewQuota(user, address Bounds) *Quota {
	return &Quota{user: user, address: address, has: map[string]Bounds{}}
}

// Seat is one stream, WebSocket or request of a client, and the live.Share of the client.
type Seat struct {
	quota  *Quota
	key    string // of the client
	whose  string
	bounds Bounds
}

// Enter counts one stream more, until Leave is called.
func (q *Quota) Enter(ctx context.Context) (*Seat, error) {
	s := q.seatOf(ctx)
	if s.bounds.Streams == 0 {
		return s, nil
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.has[s.key].Streams >= s.bounds.Streams {
		tell(q.RefusedStream)
		return nil, chat.Errorf(chat.ResourceExhausted, "%s has %d streams, WebSockets and waiting requests open here, which is the limit; close one", s.whose, s.bounds.Streams)
	}
	q.add(s.key, Bounds{Streams: 1})
	return s, nil
}

// seatOf returns the seat of a request's client, which counts nothing yet.
func (q *Quota) seatOf(ctx context.Context) *Seat {
	if q == nil {
		return &Seat{}
	}
	if by, identified := chat.CallerOf(ctx); identified && by.Service {
		return &Seat{}
	} else if identified {
		return &Seat{q, "user " + by.User, "this user", q.user}
	}
	if client := ClientOf(ctx); client != "" {
		return &Seat{q, "address " + client, "this address", q.address}
	}
	return &Seat{}
}

// Late is the live.Share of a client that says later who it is, and counts no streams.
type Late struct{ seat atomic.Pointer[Seat] }

// Late returns the share of a connection: until Become, that of its address.
func (q *Quota) Late(ctx context.Context) *Late {
	l := &Late{}
	l.seat.Store(q.seatOf(ctx))
	return l
}

// Become takes the bounds of the caller of ctx. The connection must not follow anything yet.
func (l *Late) Become(ctx context.Context, q *Quota) { l.seat.Store(q.seatOf(ctx)) }

// Take implements live.Share.
func (l *Late) Take() error { return l.seat.Load().Take() }

// Add implements live.Share.
func (l *Late) Add(chats int) { l.seat.Load().Add(chats) }

// Left implements live.Share.
func (l *Late) Left() int { return l.seat.Load().Left() }

// add counts more, or fewer. The mutex is held.
func (q *Quota) add(key string, more Bounds) {
	has := q.has[key]
	has.Streams += more.Streams
	has.Chats += more.Chats
	if q.has[key] = has; has == (Bounds{}) {
		delete(q.has, key)
	}
}

// Leave takes the stream back.
func (s *Seat) Leave() {
	if s.bounds.Streams > 0 {
		s.quota.mutex.Lock()
		defer s.quota.mutex.Unlock()
		s.quota.add(s.key, Bounds{Streams: -1})
	}
}

// Take counts one chat more that the client follows, or returns why it may not.
func (s *Seat) Take() error {
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

func (s *Seat) full() error {
	tell(s.quota.RefusedChat)
	return chat.Errorf(chat.ResourceExhausted, "%s follows %d chats here, which is the limit; end a stream, or unwatch some", s.whose, s.bounds.Chats)
}

// Add counts more followed chats, or fewer, whatever the bound.
func (s *Seat) Add(chats int) {
	if s.bounds.Chats > 0 {
		s.quota.mutex.Lock()
		defer s.quota.mutex.Unlock()
		s.quota.add(s.key, Bounds{Chats: chats})
	}
}

func tell(refused func()) {
	if refused != nil {
		refused()
	}
}

// Left is how many more chats the client may follow. It is not negative.
func (s *Seat) Left() int {
	if s.bounds.Chats == 0 {
		return 1 << 30
	}
	s.quota.mutex.Lock()
	defer s.quota.mutex.Unlock()
	return max(0, s.bounds.Chats-s.quota.has[s.key].Chats)
}

// Fits returns why so many more chats may not be followed, or nil.
func (s *Seat) Fits(chats int) error {
	if chats > s.Left() {
		return s.full()
	}
	return nil
}
