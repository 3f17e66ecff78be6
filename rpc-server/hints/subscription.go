package hints

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// A line is pinged after this silence, and given up after twice as long.
const silence = time.Second

// line is the subscription at one node. It covers the partitions assigned to it, over one connection. It is connected
// while it has partitions.
type line struct {
	subscriptions *Subscriptions
	client        *redis.Client
	sharded       bool          // a cluster's: each partition is subscribed to alone, because of the slots
	orders        []order       // pending, guarded by subscriptions.mutex
	wake          chan struct{} // one element

	// These belong to the line's goroutine.
	pace    *backoff.ExponentialBackOff
	asked   request              // not answered yet
	refused []*followedPartition // Redis rejected the subscription
	retry   <-chan time.Time     // ends the pause after a rejection; nothing is requested before
}

// order is to subscribe to a partition, or to unsubscribe.
type order struct {
	partition   *followedPartition
	unsubscribe bool
}

// request is one command. Only one is under way at a time, so that an error is known to be its answer.
type request struct {
	orders  []order
	waiting map[string]struct{} // channels that Redis has not confirmed
}

func (r request) unsubscribes() bool { return len(r.orders) > 0 && r.orders[0].unsubscribe }

// order requires that subscriptions.mutex is held.
func (l *line) order(o order) {
	l.orders = append(l.orders, o)
	events.Ring(l.wake)
}

// run serves the line until ctx ends or its node has left the cluster.
func (l *line) run(ctx context.Context) {
	for l.waitForOrders(ctx) {
		err := l.serve(ctx)
		if err == nil {
			continue
		}
		l.subscriptions.interrupted(l)
		if !redisnode.Pause(ctx.Done(), l.pace.NextBackOff()) {
			return
		}
		gone := errors.Is(err, redis.ErrClosed) && l.subscriptions.retire(l)
		l.subscriptions.evict(l)
		if gone {
			return
		}
	}
}

func (l *line) waitForOrders(ctx context.Context) bool {
	for {
		l.subscriptions.mutex.Lock()
		waiting := len(l.orders) > 0
		l.subscriptions.mutex.Unlock()
		if waiting {
			return ctx.Err() == nil
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return false
		}
	}
}

// errSilent: Redis has not answered a ping.
var errSilent = errors.New("redis does not answer on a subscription")

// serve subscribes over one connection and receives. It returns nil when the line has no partitions or ctx has ended,
// and an error when the connection is broken.
func (l *line) serve(ctx context.Context) error {
	l.asked, l.refused, l.retry = request{}, nil, nil
	pubsub := l.client.Subscribe(ctx)
	receiver := &receiver{subscriptions: l.subscriptions, pubsub: pubsub, answers: make(chan answer), closed: make(chan struct{})}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer close(receiver.closed)
	defer func() { _ = pubsub.Close() }()
	// The first request opens the connection.
	if err := l.next(ctx, pubsub); err != nil || len(l.asked.orders) == 0 {
		return err
	}
	receiver.heard.Store(time.Now().UnixNano())
	listening.Go(func() { receiver.listen(ctx) })
	guard := time.NewTicker(silence / 4)
	defer guard.Stop()
	var pinged time.Time
	for {
		select {
		case got := <-receiver.answers:
			if err := l.take(got); err != nil {
				return err
			}
		case <-guard.C:
			quiet := time.Since(time.Unix(0, receiver.heard.Load()))
			switch {
			case quiet >= 2*silence:
				return errSilent
			case quiet >= silence && time.Since(pinged) >= silence:
				pinged = time.Now()
				if err := pubsub.Ping(ctx); err != nil {
					return err
				}
			}
		case <-l.retry:
			l.retry = nil
		case <-l.wake:
		case <-ctx.Done():
			return nil
		}
		if err := l.next(ctx, pubsub); err != nil {
			return err
		}
		if len(l.asked.orders) == 0 && len(l.refused) == 0 && l.subscriptions.idles(l) {
			return nil
		}
	}
}

// next makes the next request, unless one is under way or the line must pause.
func (l *line) next(ctx context.Context, pubsub *redis.PubSub) error {
	if len(l.asked.waiting) > 0 || l.retry != nil {
		return nil
	}
	if len(l.refused) > 0 {
		l.subscriptions.evict(l, l.refused...)
		l.refused = nil
	}
	l.asked = l.subscriptions.request(l)
	if len(l.asked.orders) == 0 {
		return nil
	}
	channels := make([]string, 0, len(l.asked.waiting))
	for channel := range l.asked.waiting {
		channels = append(channels, channel)
	}
	ctx, cancel := context.WithTimeout(ctx, redisnode.Timeout)
	defer cancel()
	switch {
	case l.sharded && l.asked.unsubscribes():
		return pubsub.SUnsubscribe(ctx, channels...)
	case l.sharded:
		return pubsub.SSubscribe(ctx, channels...)
	case l.asked.unsubscribes():
		return pubsub.Unsubscribe(ctx, channels...)
	}
	return pubsub.Subscribe(ctx, channels...)
}

// take handles an answer of Redis: a subscription that began or ended, or an error. Redis also ends a subscription by
// itself when a slot moves away. An error means that the connection is broken.
func (l *line) take(got answer) error {
	if got.err != nil {
		if len(l.asked.waiting) == 0 || broken(got.err, l.client.Options().Addr) {
			return got.err
		}
		refused := l.asked
		l.asked = request{}
		if !refused.unsubscribes() {
			for _, o := range refused.orders {
				l.refuse(o.partition)
			}
			if redis.HasErrorPrefix(got.err, "NOPERM") {
				l.subscriptions.forbidden(refused.orders)
			}
		}
		return nil
	}
	ended := strings.HasSuffix(got.subscription.Kind, "unsubscribe")
	_, awaited := l.asked.waiting[got.subscription.Channel]
	if awaited = awaited && ended == l.asked.unsubscribes(); awaited {
		if delete(l.asked.waiting, got.subscription.Channel); len(l.asked.waiting) == 0 {
			l.asked = request{}
		}
	}
	switch {
	case !ended:
		l.pace.Reset()
		l.subscriptions.subscribed(l, got.subscription.Channel)
	case !awaited:
		if f := l.subscriptions.lost(l, got.subscription.Channel); f != nil {
			l.refuse(f)
		}
	}
	return nil
}

// refuse notes that a partition is to be assigned again after a pause.
func (l *line) refuse(f *followedPartition) {
	if l.retry == nil {
		l.retry = time.After(l.pace.NextBackOff())
	}
	l.refused = append(l.refused, f)
}

// broken reports whether an error means that the connection is lost or that go-redis has replaced it, as it does where
// Redis is read-only, or moves a key to the address that it is connected to.
func broken(err error, address string) bool {
	var reply redis.Error
	to, moved := redis.IsMovedError(err)
	return !errors.As(err, &reply) || redis.IsReadOnlyError(err) || moved && to == address
}

// receiver receives on a line's connection.
type receiver struct {
	subscriptions *Subscriptions
	pubsub        *redis.PubSub
	answers       chan answer
	closed        chan struct{}
	heard         atomic.Int64 // time of the last message, in nanoseconds since 1970
}

// answer is the answer to a request, or an error.
type answer struct {
	subscription *redis.Subscription
	err          error
}

// listen passes messages to the subscriptions and answers to the line until the connection breaks or is closed. It reads without
// a timeout, which could strike in the middle of a message.
func (r *receiver) listen(ctx context.Context) {
	for {
		got, err := r.pubsub.Receive(ctx)
		var a answer
		switch got := got.(type) {
		case *redis.Message:
			r.heard.Store(time.Now().UnixNano())
			r.subscriptions.message(got.Channel, got.Payload)
			continue
		case *redis.Subscription:
			a.subscription = got
		case *redis.Pong:
			r.heard.Store(time.Now().UnixNano())
			continue
		}
		if a.err = err; err == nil {
			r.heard.Store(time.Now().UnixNano())
		}
		select {
		case r.answers <- a:
		case <-r.closed:
			return
		}
		var reply redis.Error
		if err != nil && !errors.As(err, &reply) {
			return
		}
	}
}
