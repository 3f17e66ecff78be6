package storage

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
)

// A line is pinged after so long a silence, and given up after twice as long a one.
const silence = time.Second

// line is the subscription at one node: to the partitions that it was given, over one connection. It has a connection
// while it has partitions.
type line struct {
	hub     *hub
	client  *redis.Client
	sharded bool          // a cluster's: each partition is subscribed to by itself, because of their slots
	orders  []order       // what is to be done, guarded by hub.mutex
	wake    chan struct{} // one element

	// These are the goroutine's own.
	pace    *backoff.ExponentialBackOff
	asked   request          // Redis has not answered it
	refused []*topic         // Redis does not let us
	retry   <-chan time.Time // when they may be tried again; nothing is asked before that
}

// order is to subscribe to a partition, or to end that.
type order struct {
	topic       *topic
	unsubscribe bool
}

// request is one command: there is only one under way, so that an error is known to be its answer.
type request struct {
	orders  []order
	waiting map[string]struct{} // channels that Redis has not confirmed
}

func (r request) unsubscribes() bool { return len(r.orders) > 0 && r.orders[0].unsubscribe }

// order is called with hub.mutex held.
func (l *line) order(o order) {
	l.orders = append(l.orders, o)
	ring(l.wake)
}

// run holds the line until ctx ends, or its node has left the cluster.
func (l *line) run(ctx context.Context) {
	for l.waitForOrders(ctx) {
		err := l.serve(ctx)
		if err == nil {
			continue
		}
		l.hub.interrupted(l)
		if wait(ctx, l.pace.NextBackOff()) != nil {
			return
		}
		gone := errors.Is(err, redis.ErrClosed) && l.hub.retire(l)
		l.hub.evict(l)
		if gone {
			return
		}
	}
}

func (l *line) waitForOrders(ctx context.Context) bool {
	for {
		l.hub.mutex.Lock()
		waiting := len(l.orders) > 0
		l.hub.mutex.Unlock()
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

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errSilent: Redis has not answered a ping.
var errSilent = errors.New("redis does not answer on a subscription")

// serve subscribes over one connection and listens. It returns nil when it has no partition any more or ctx has ended,
// and an error when the connection is of no use any more.
func (l *line) serve(ctx context.Context) error {
	l.asked, l.refused, l.retry = request{}, nil, nil
	pubsub := l.client.Subscribe(ctx)
	ear := &ear{hub: l.hub, pubsub: pubsub, answers: make(chan answer), closed: make(chan struct{})}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer close(ear.closed)
	defer func() { _ = pubsub.Close() }()
	// The first request makes the connection.
	if err := l.next(ctx, pubsub); err != nil || len(l.asked.orders) == 0 {
		return err
	}
	ear.heard.Store(time.Now().UnixNano())
	listening.Go(func() { ear.listen(ctx) })
	guard := time.NewTicker(silence / 4)
	defer guard.Stop()
	var pinged time.Time
	for {
		select {
		case got := <-ear.answers:
			if err := l.take(got); err != nil {
				return err
			}
		case <-guard.C:
			quiet := time.Since(time.Unix(0, ear.heard.Load()))
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
		if len(l.asked.orders) == 0 && len(l.refused) == 0 && l.hub.idles(l) {
			return nil
		}
	}
}

// next makes the next request, if none is under way and the line need not wait.
func (l *line) next(ctx context.Context, pubsub *redis.PubSub) error {
	if len(l.asked.waiting) > 0 || l.retry != nil {
		return nil
	}
	if len(l.refused) > 0 {
		l.hub.evict(l, l.refused...)
		l.refused = nil
	}
	l.asked = l.hub.request(l)
	if len(l.asked.orders) == 0 {
		return nil
	}
	channels := make([]string, 0, len(l.asked.waiting))
	for channel := range l.asked.waiting {
		channels = append(channels, channel)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
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

// take takes what Redis answered: that it has subscribed, or no longer, which it also says by itself when a slot moves
// away; or why not. The error is that the connection is of no use any more.
func (l *line) take(got answer) error {
	if got.err != nil {
		if len(l.asked.waiting) == 0 || broken(got.err, l.client.Options().Addr) {
			return got.err
		}
		refused := l.asked
		l.asked = request{}
		if !refused.unsubscribes() {
			for _, o := range refused.orders {
				l.refuse(o.topic)
			}
			if redis.HasErrorPrefix(got.err, "NOPERM") {
				l.hub.forbidden(refused.orders)
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
		l.hub.subscribed(l, got.subscription.Channel)
	case !awaited:
		if t := l.hub.lost(l, got.subscription.Channel); t != nil {
			l.refuse(t)
		}
	}
	return nil
}

// refuse notes that a partition is to be assigned again after a while.
func (l *line) refuse(t *topic) {
	if l.retry == nil {
		l.retry = time.After(l.pace.NextBackOff())
	}
	l.refused = append(l.refused, t)
}

// broken says of an error whether there is no connection, or go-redis has made another one for itself.
func broken(err error, address string) bool {
	var reply redis.Error
	return !errors.As(err, &reply) || redis.HasErrorPrefix(err, "READONLY") ||
		redis.HasErrorPrefix(err, "MOVED") && strings.HasSuffix(err.Error(), " "+address)
}

// ear listens on a connection.
type ear struct {
	hub     *hub
	pubsub  *redis.PubSub
	answers chan answer
	closed  chan struct{}
	heard   atomic.Int64 // when there was something, in nanoseconds since 1970
}

// answer is one to a request, or an error.
type answer struct {
	subscription *redis.Subscription
	err          error
}

// listen gives messages to the hub and answers to the line until the connection breaks or is closed. It reads without
// a timeout, which could strike in the middle of a message.
func (e *ear) listen(ctx context.Context) {
	for {
		got, err := e.pubsub.Receive(ctx)
		var a answer
		switch got := got.(type) {
		case *redis.Message:
			e.heard.Store(time.Now().UnixNano())
			e.hub.message(got.Channel, got.Payload)
			continue
		case *redis.Subscription:
			a.subscription = got
		case *redis.Pong:
			e.heard.Store(time.Now().UnixNano())
			continue
		}
		if a.err = err; err == nil {
			e.heard.Store(time.Now().UnixNano())
		}
		select {
		case e.answers <- a:
		case <-e.closed:
			return
		}
		var reply redis.Error
		if err != nil && !errors.As(err, &reply) {
			return
		}
	}
}
