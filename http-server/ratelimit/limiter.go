package ratelimit

import (
	"math"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// maxClients bounds the memory: beyond it, the client that has been silent for longest is forgotten.
	maxClients = 65536
	// maxName bounds it too. No valid user has a longer name.
	maxName = 64
)

// Limiter counts the requests of each client by itself. A client may make all requests of a period at once, and then
// as many as the rate gives back.
type Limiter struct {
	rate    Rate
	now     func() time.Time
	mutex   sync.Mutex
	clients *simplelru.LRU[string, *rate.Limiter]
}

// New returns a Limiter for a rate that is not zero.
func New(r Rate) *Limiter { return newLimiter(r, maxClients, time.Now) }

func newLimiter(r Rate, clients int, now func() time.Time) *Limiter {
	known, err := simplelru.NewLRU[string, *rate.Limiter](clients, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return &Limiter{rate: r, now: now, clients: known}
}

// Take counts a request. Beyond the rate the error is chat.ResourceExhausted and knows how long to wait.
func (l *Limiter) Take(client string) error {
	if wait := l.take(client); wait > 0 {
		return chat.Wrap(exceeded(wait), chat.ResourceExhausted, "more than "+l.rate.String()+" requests; wait for Retry-After")
	}
	return nil
}

func (l *Limiter) take(client string) (wait time.Duration) {
	client = cut(client)
	now := l.now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	bucket, known := l.clients.Get(client)
	if !known {
		bucket = rate.NewLimiter(rate.Limit(float64(l.rate.Requests)/l.rate.Per.Seconds()), l.rate.Requests)
		l.clients.Add(strings.Clone(client), bucket)
	}
	if bucket.AllowN(now, 1) {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(1, time.Duration(missing/float64(bucket.Limit())*float64(time.Second)))
}

func cut(client string) string { return client[:min(len(client), maxName)] }

// exceeded is how long it takes until a request is allowed.
type exceeded time.Duration

func (e exceeded) Error() string {
	return "too many requests for the next " + time.Duration(e).String()
}

// RetryAfter is in whole seconds, at least one.
func (e exceeded) RetryAfter() int { return int(math.Ceil(time.Duration(e).Seconds())) }
