package handler

import (
	"context"
	"sync"

	"github.com/pullchat/pullchat/http-server/ratelimit"
	"github.com/pullchat/pullchat/internal/chat"
)

// Quota bounds the event streams, WebSockets and waiting requests that one client has open. A client is the token's user, or
// with AUTH off an address. Services have no bound. Use NewQuota.
type Quota struct {
	user, address int // 0 is no bound
	mutex         sync.Mutex
	open          map[string]int
}

// NewQuota returns a Quota with limits for each user and for each address.
func NewQuota(user, address int) *Quota {
	return &Quota{user: user, address: address, open: map[string]int{}}
}

// enter counts one more, until leave is called.
func (q *Quota) enter(ctx context.Context) (leave func(), err error) {
	if q == nil {
		return func() {}, nil
	}
	by, identified := chat.CallerOf(ctx)
	limit, whose, key := q.user, "this user", "user "+by.User
	if !identified {
		client := ratelimit.ClientOf(ctx)
		if limit, whose, key = q.address, "this address", "address "+client; client == "" {
			limit = 0
		}
	}
	if limit == 0 || by.Service {
		return func() {}, nil
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.open[key] >= limit {
		return nil, chat.Errorf(chat.ResourceExhausted, "%s has %d streams, WebSockets and waiting requests open here, which is the limit; close one", whose, limit)
	}
	q.open[key]++
	return func() {
		q.mutex.Lock()
		defer q.mutex.Unlock()
		if q.open[key]--; q.open[key] == 0 {
			delete(q.open, key)
		}
	}, nil
}
