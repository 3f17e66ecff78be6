package push

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// letter is a notification for one device.
type letter struct {
	notification

	to       chat.Subscription
	attempts int       // calls that failed
	due      time.Time // of the next one
}

// slotKey is a chat on a device: a later notification replaces an earlier one with the same.
type slotKey struct{ user, device, chat string }

func (l letter) slot() slotKey { return slotKey{l.to.User, l.to.Device, l.Chat} }

const (
	// waitFor is how long a chat waits for services that work, unless a test says otherwise.
	waitFor = 5 * time.Second
	// againAtOnce is how many letters are taken up again each second.
	againAtOnce = 500
	// callsAtOnce is how many calls one service has at the same time.
	callsAtOnce = 32
	// maxWaiting bounds the letters that wait for another call.
	maxWaiting = 10_000
	// maxAttempts bounds the calls for one letter.
	maxAttempts = 5
	// firstPause is the time to the second call; it is four times as long to each further one.
	firstPause = 5 * time.Second
)

// Stats count notifications by outcome.
type Stats struct {
	Sent     int64 // a service took them
	Retried  int64 // calls that were put off
	Gone     int64 // subscriptions that a service did not know any more
	Obsolete int64 // they were read, or replaced by a later one, while they waited
	Dropped  int64 // they were given up
}

// outbox makes the calls. A service that fails is called again later, and no chat waits for it until it works again.
type outbox struct {
	sink *Sink
	now  func() time.Time

	mutex   sync.Mutex
	hosts   map[string]*host
	waiting map[slotKey]letter
	stats   Stats
	drops   map[string]int // host and reason → letters, since the last report
	calls   int
	ended   *sync.Cond // no calls are under way

	waitFor time.Duration // how long a chat waits for services that work
}

// host is a push service.
type host struct {
	slots   chan struct{}
	failing bool // the last call failed
	uses    int
}

func newOutbox(s *Sink) *outbox {
	o := &outbox{sink: s, now: time.Now, hosts: map[string]*host{}, waiting: map[slotKey]letter{}, drops: map[string]int{}, waitFor: waitFor}
	o.ended = sync.NewCond(&o.mutex)
	return o
}

// start does something in a goroutine that end waits for.
func (o *outbox) start(do func()) {
	o.mutex.Lock()
	o.calls++
	o.mutex.Unlock()
	go func() {
		defer func() {
			o.mutex.Lock()
			defer o.mutex.Unlock()
			if o.calls--; o.calls == 0 {
				o.ended.Broadcast()
			}
		}()
		do()
	}()
}

// Stats returns the counts of this process.
func (s *Sink) Stats() Stats {
	s.outbox.mutex.Lock()
	defer s.outbox.mutex.Unlock()
	return s.outbox.stats
}

// use returns a service, until done is called.
func (o *outbox) use(name string) (h *host, done func()) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	h = o.hosts[name]
	if h == nil {
		h = &host{slots: make(chan struct{}, callsAtOnce)}
		o.hosts[name] = h
	}
	h.uses++
	return h, func() {
		o.mutex.Lock()
		defer o.mutex.Unlock()
		if h.uses--; h.uses == 0 && !h.failing {
			delete(o.hosts, name)
		}
	}
}

// send calls the services, and waits for those that work.
func (o *outbox) send(ctx context.Context, letters []letter) {
	ctx = context.WithoutCancel(ctx) // a stop lets calls under way finish
	limit, cancel := context.WithTimeout(ctx, o.waitFor)
	defer cancel()
	var sending sync.WaitGroup
	for _, l := range letters {
		name := o.sink.services.host(l.to)
		if name == "" {
			continue // this worker has no keys for it
		}
		h, done := o.use(name)
		if o.fails(h) {
			o.put(l, name, o.now())
			done()
			continue
		}
		o.replace(l)
		sending.Add(1)
		o.start(func() {
			defer done()
			select {
			case h.slots <- struct{}{}:
			case <-limit.Done():
				o.put(l, name, o.now())
				sending.Done()
				return
			}
			defer func() { <-h.slots }()
			late := context.AfterFunc(limit, func() { // only this call goes on
				if errors.Is(limit.Err(), context.DeadlineExceeded) {
					o.fail(h)
				}
				sending.Done()
			})
			o.call(ctx, h, name, l)
			if late() {
				sending.Done()
			}
		})
	}
	sending.Wait()
}

// replace forgets an earlier letter of the chat for the device: it would come after this one.
func (o *outbox) replace(l letter) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if _, known := o.waiting[l.slot()]; known {
		delete(o.waiting, l.slot())
		o.stats.Obsolete++
	}
}

func (o *outbox) fails(h *host) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return h.failing
}

func (o *outbox) fail(h *host) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	h.failing = true
}

// call makes one call, and records its outcome.
func (o *outbox) call(ctx context.Context, h *host, name string, l letter) {
	call, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	err := o.sink.services.send(call, l.to, l.notification)
	var later temporary
	switch {
	case err == nil:
		o.count(h, func(s *Stats) { s.Sent++ })
		o.notified(l, sent)
	case errors.Is(err, errGone):
		o.count(h, func(s *Stats) { s.Gone++ })
		o.notified(l, removed)
		end := chat.Unsubscription{User: l.to.User, Device: l.to.Device, Created: l.to.Created}
		if err := o.sink.source.Unsubscribe(call, end); err != nil {
			o.sink.log.Warn("an expired subscription cannot be removed; retrying with the next notification", "user", l.to.User, "error", err)
		}
	case errors.As(err, &later):
		o.fail(h)
		o.putOff(l, name, later)
	default:
		o.count(h, func(*Stats) {})
		o.drop(l, name, err.Error())
	}
}

// count notes that a service answers.
func (o *outbox) count(h *host, add func(*Stats)) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	h.failing = false
	add(&o.stats)
}

// Outcomes of notifications, as the metrics count them.
const (
	sent    = "sent"
	removed = "removed" // the subscription is gone
	refused = "refused" // given up
)

func (o *outbox) notified(l letter, outcome string) {
	if notified := o.sink.config.Notified; notified != nil {
		notified(string(l.to.Kind), outcome)
	}
}

func (o *outbox) drop(l letter, name, reason string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.dropLocked(l, name, reason)
}

func (o *outbox) dropLocked(l letter, name, reason string) {
	o.stats.Dropped++
	o.notified(l, refused)
	if key := name + ": " + reason; len(o.drops) < 100 || o.drops[key] > 0 {
		o.drops[key]++
	}
}

// putOff has a letter wait for its next call, unless there is none.
func (o *outbox) putOff(l letter, name string, why temporary) {
	pause := firstPause << (2 * l.attempts)
	pause = max(pause-rand.N(pause/4), why.after) //nolint:gosec // spreads retries
	l.attempts++
	if due := o.now().Add(pause); l.attempts < maxAttempts && due.Before(l.expires) {
		o.put(l, name, due)
		return
	}
	o.drop(l, name, why.Error())
}

// put has a letter wait. It replaces an earlier one of its chat, and gives way to a later one.
func (o *outbox) put(l letter, name string, due time.Time) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	other, known := o.waiting[l.slot()]
	switch {
	case !known && len(o.waiting) >= maxWaiting:
		o.dropLocked(l, name, "too many wait")
		return
	case known:
		o.stats.Obsolete++
		if other.SendTime > l.SendTime {
			return
		}
		if other.due.After(due) { // the service has said so
			due = other.due
		}
	}
	l.due = due
	o.waiting[l.slot()] = l
	o.stats.Retried++
}

// again makes the calls that are due, for those who are still to be told.
func (o *outbox) again(ctx context.Context) {
	now := o.now()
	var due []letter
	o.mutex.Lock()
	for at, l := range o.waiting {
		if !l.due.After(now) && len(due) < againAtOnce {
			due = append(due, l)
			delete(o.waiting, at)
		}
	}
	o.mutex.Unlock()
	for _, l := range due {
		o.start(func() { o.sendAgain(context.WithoutCancel(ctx), l) })
	}
}

func (o *outbox) sendAgain(ctx context.Context, l letter) {
	name := o.sink.services.host(l.to)
	h, done := o.use(name)
	defer done()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default: // its calls hang
		o.put(l, name, o.now().Add(firstPause))
		return
	}
	ask, cancel := context.WithTimeout(ctx, callWithin)
	now, err := o.sink.current(ask, l.notification)
	if err == nil && now.Count == 0 {
		cancel()
		o.obsolete() // its messages were deleted
		return
	}
	l.notification = now
	var targets chat.PushTargets
	if err == nil {
		targets, err = o.sink.source.PushTargets(ask, chat.PushQuery{Chat: l.Chat, Sender: l.Sender, Position: l.SendTime, Users: []string{l.to.User}, Mentions: l.mentions})
	}
	cancel()
	if err != nil {
		o.putOff(l, name, temporary{errors.New("the rpc-servers do not answer"), 0})
		return
	}
	for _, subscriptions := range targets.Users {
		if slices.Contains(subscriptions, l.to) {
			o.call(ctx, h, name, l)
			return
		}
	}
	o.obsolete() // read meanwhile, or present, or another subscription
}

func (o *outbox) obsolete() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.stats.Obsolete++
}

// report logs dropped notifications, and forgets services for which nothing waits.
func (o *outbox) report() {
	o.mutex.Lock()
	drops := maps.Clone(o.drops)
	clear(o.drops)
	waited := map[string]bool{}
	for _, l := range o.waiting {
		waited[o.sink.services.host(l.to)] = true
	}
	for name, h := range o.hosts {
		if h.uses == 0 && !waited[name] {
			delete(o.hosts, name)
		}
	}
	o.mutex.Unlock()
	for what, count := range drops {
		o.sink.log.Warn("notifications were dropped", "service", what, "count", count)
	}
}

// end waits for the calls under way.
func (o *outbox) end() {
	o.mutex.Lock()
	for o.calls > 0 {
		o.ended.Wait()
	}
	waiting := len(o.waiting)
	o.stats.Dropped += int64(waiting)
	for _, l := range o.waiting {
		o.notified(l, refused)
	}
	clear(o.waiting)
	o.mutex.Unlock()
	if waiting > 0 {
		o.sink.log.Warn("notifications were dropped: the worker stopped before their retry", "count", waiting)
	}
	o.report()
}
