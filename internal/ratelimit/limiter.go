package ratelimit

import (
	"hash/fnv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// maxClients bounds the memory. Beyond it a Limiter forgets clients with a full bucket. If the least recent clients have
	// none, new clients share buckets.
	maxClients = 65536
	// maxShared is the number of shared buckets.
	maxShared = 4096
	// forgetLooksAt is how many of the least recent clients are considered.
	forgetLooksAt = 8
	// maxName bounds the memory too. No valid user has a longer name.
	maxName = 64
)

// Limiter counts the requests of each client separately. A client may make all requests of a period at once, and then as
// many as the rate refills.
type Limiter struct {
	Refused func() // called for each refusal; nil: nothing is. It is set before the first Take

	now     func() time.Time
	off     atomic.Bool // the rate is no limit
	mutex   sync.Mutex
	rate    Rate
	clients *simplelru.LRU[string, *rate.Limiter]
	size    int // of clients
	shared  map[uint32]*rate.Limiter
}

// New returns a Limiter. It limits nothing while the rate is zero.
func New(r Rate) *Limiter { return newLimiter(r, maxClients, time.Now) }

func newLimiter(r Rate, clients int, now func() time.Time) *Limiter {
	known, err := simplelru.NewLRU[string, *rate.Limiter](clients, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	l := &Limiter{rate: r, now: now, clients: known, size: clients, shared: map[uint32]*rate.Limiter{}}
	l.off.Store(r.Requests == 0)
	return l
}

// Off reports whether there is no limit now.
func (l *Limiter) Off() bool { return l.off.Load() }

// SetRate changes the rate. A client keeps its remaining tokens, and its bucket is refilled at the new rate.
func (l *Limiter) SetRate(r Rate) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.rate = r
	l.off.Store(r.Requests == 0)
	if r.Requests == 0 {
		return
	}
	now := l.now()
	change := func(bucket *rate.Limiter) {
		bucket.SetLimitAt(now, l.limit())
		bucket.SetBurstAt(now, r.Requests)
	}
	for _, bucket := range l.clients.Values() {
		change(bucket)
	}
	for _, bucket := range l.shared {
		change(bucket)
	}
}

// limit is the rate of a bucket. The mutex is held.
func (l *Limiter) limit() rate.Limit {
	return rate.Limit(float64(l.rate.Requests) / l.rate.Per.Seconds())
}

// Take counts a request. Beyond the rate the error is chat.ResourceExhausted, with the time to wait.
func (l *Limiter) Take(client string) error { return l.TakeOf(client, client) }

// TakeOf is Take for a client of a group, such as the names from one address. If there are too many clients, those of a
// group share a bucket.
func (l *Limiter) TakeOf(group, client string) error {
	if wait := l.take(group, client); wait > 0 {
		tell(l.Refused)
		l.mutex.Lock()
		allowed := l.rate.String()
		l.mutex.Unlock()
		return chat.Wrap(chat.RetryIn(wait), chat.ResourceExhausted, "more than "+allowed+" requests; wait for Retry-After")
	}
	return nil
}

func (l *Limiter) take(group, client string) (wait time.Duration) {
	if l.Off() {
		return 0
	}
	now := l.now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.rate.Requests == 0 { // since just now
		return 0
	}
	bucket := l.bucket(group, cut(client), now)
	if bucket.AllowN(now, 1) {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(1, time.Duration(missing/float64(bucket.Limit())*float64(time.Second)))
}

// giveBack undoes a Take.
func (l *Limiter) giveBack(group, client string) {
	now := l.now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.rate.Requests == 0 {
		return
	}
	l.bucket(group, cut(client), now).AllowN(now, -1)
}

// bucket returns a client's bucket. A bucket is forgotten only when full, so a flood of names resets no limit. The mutex is
// held.
func (l *Limiter) bucket(group, client string, now time.Time) *rate.Limiter {
	if bucket, known := l.clients.Get(client); known {
		return bucket
	}
	bucket := rate.NewLimiter(l.limit(), l.rate.Requests)
	if l.clients.Len() < l.size || l.forgetOne(now) {
		l.clients.Add(strings.Clone(client), bucket)
		return bucket
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(group))
	at := sum.Sum32() % maxShared
	if shared, known := l.shared[at]; known {
		return shared
	}
	l.shared[at] = bucket
	return bucket
}

// forgetOne forgets a client with a full bucket, if it finds one. The mutex is held.
func (l *Limiter) forgetOne(now time.Time) bool {
	for range forgetLooksAt {
		oldest, bucket, _ := l.clients.GetOldest()
		if bucket.TokensAt(now) >= float64(bucket.Burst()) {
			l.clients.Remove(oldest)
			return true
		}
		l.clients.Get(oldest) // so that others are considered next
	}
	return false
}

func cut(client string) string { return client[:min(len(client), maxName)] }
