// Package batch is group commit: calls that arrive while others are under way are collected and made as one.
//
// There is no timer. A call that finds nothing under way is made at once, together with calls that other goroutines are
// about to make. Later calls form the next batch. So a lone call is as fast as without a Batcher. Database logs use the
// same technique (DeWitt et al., "Implementation techniques for main memory database systems", SIGMOD 1984).
//
// Batches grow with the load. A batch starts beside another one only once at least half as many items wait; otherwise
// it waits for that one to end.
//
// The queue may be long during a burst, but not for long: a lasting queue only adds to every caller's wait. As in CoDel
// (RFC 8289), the limit is on how long the queue is too long, not on how long the queue is.
package batch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The errors of a call that was not made, or not waited for.
var (
	// ErrFull: the queue is full. The call was not made.
	ErrFull = errors.New("the queue is full")
	// ErrClosed: the Batcher is closed. The call was not made.
	ErrClosed = errors.New("the batcher is closed")
	// ErrPanic: the flush panicked; the error holds the stack.
	ErrPanic = errors.New("panic")
	// ErrNotStarted: the caller's time ended while the call was queued, or the queue was evicted. The call was not
	// made. A context's own error is joined to it.
	ErrNotStarted = errors.New("the time was up before the call was made")
	// ErrAbandoned: the caller's time ended while the call was being made. Its outcome is unknown. A context's own
	// error is joined to it.
	ErrAbandoned = errors.New("the time was up while the call was being made")
)

// Result is the outcome of one item.
type Result[Out any] struct {
	Value Out
	Err   error
}

// Flush makes one batch of calls. It sets every element of out, which is as long as in, and keeps neither slice. It
// must limit its own time: ctx is that of the Tracer, and does not end. A panic becomes the error of every item.
type Flush[In, Out any] func(ctx context.Context, in []In, out []Result[Out])

// Observer is told the actions of a Batcher. Its methods are called while the Batcher is locked: they must be short.
type Observer interface {
	Taken(items int, waited time.Duration) // a batch was taken, whose oldest call waited so long
	Queued(change int)                     // so many more items wait, or fewer; to within Coarse
	Refused(items int)                     // the queue was full
}

// Tracer connects batches with the calls that they are made of.
type Tracer interface {
	// Begin returns the context of a batch of items, which does not end, and a function to call when the batch has been
	// made. calls are the contexts of its callers; Begin does not keep the slice.
	Begin(items int, calls []context.Context) (ctx context.Context, end func())
}

// Options limit a Batcher. All numbers must be positive.
type Options struct {
	Observer Observer // or nil
	Tracer   Tracer   // or nil

	InFlight int           // batches under way at once
	MaxBatch int           // weight of a batch; one caller's items are never split
	MaxQueue int           // items that wait; after a burst more are rejected with ErrFull
	MaxBurst int           // items that wait during a burst; more are rejected with ErrFull
	MaxWait  time.Duration // how long a caller waits in all, to within Coarse
}

const (
	burst = 500 * time.Millisecond // how long the queue may be longer than MaxQueue
	calm  = time.Second            // how long it must be shorter before the next burst
)

// Batcher collects items of concurrent callers, first come first served. It is safe for concurrent use.
type Batcher[In, Out any] struct {
	flush   Flush[In, Out]
	weigh   func(In) int
	options Options
	waiters pool[waiter[In, Out]]
	spare   pool[flight[In, Out]]

	mutex     sync.Mutex
	inFlight  int                // flights, including one that has not taken its batch yet
	gathering bool               // there is such a flight; it will take the present queue
	flights   []*flight[In, Out] // flights with a batch
	underWay  int                // items in these flights
	queue     queue[In, Out]
	began     time.Time // when the last burst began
	last      time.Time // when an item last found a queue longer than MaxQueue
	closed    bool
	idle      chan struct{} // closed when closed and nothing is queued or under way
	reported  int           // queued items that the Observer knows of
	watchdog  watchdog
}

// New returns a Batcher that calls flush, from at most options.InFlight goroutines at once. Each item weighs one.
func New[In, Out any](options Options, flush Flush[In, Out]) *Batcher[In, Out] {
	return NewWeighed(options, func(In) int { return 1 }, flush)
}

// NewWeighed is New for items of different cost: weigh returns an item's share of a batch.
func NewWeighed[In, Out any](options Options, weigh func(In) int, flush Flush[In, Out]) *Batcher[In, Out] {
	b := &Batcher[In, Out]{flush: flush, weigh: weigh, options: options, idle: make(chan struct{})}
	b.waiters.make = newWaiter[In, Out]
	b.spare.make = func() *flight[In, Out] { return new(flight[In, Out]) }
	return b
}

// Do makes one call and returns its result, or one of the package's errors.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	w := b.waiters.get()
	w.oneIn[0], w.oneOut[0] = in, Result[Out]{}
	w.in, w.out = w.oneIn[:], w.oneOut[:]
	if err := b.wait(ctx, w); err != nil {
		return *new(Out), err
	}
	result := w.oneOut[0]
	b.release(w)
	return result.Value, result.Err
}

// DoAll makes several calls in one batch and sets every element of out, which is as long as in. It returns nil, or one
// of the package's errors, which then holds for every item. After ErrAbandoned the batch may still write to out.
func (b *Batcher[In, Out]) DoAll(ctx context.Context, in []In, out []Result[Out]) error {
	if len(in) == 0 {
		return nil
	}
	w := b.waiters.get()
	w.in, w.out = in, out
	if err := b.wait(ctx, w); err != nil {
		return err
	}
	b.release(w)
	return nil
}

// Close rejects further calls. It waits until all accepted calls are made, or until ctx ends.
func (b *Batcher[In, Out]) Close(ctx context.Context) error {
	b.mutex.Lock()
	if !b.closed {
		b.closed = true
		if b.inFlight == 0 { // and so nothing is queued
			close(b.idle)
		}
	}
	b.mutex.Unlock()
	select {
	case <-b.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Evict ends the wait of all queued calls with ErrNotStarted. Calls under way continue.
func (b *Batcher[In, Out]) Evict() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for b.queue.first != nil {
		w := b.queue.first
		b.queue.remove(w)
		w.end(ErrNotStarted)
	}
}

// wait lets the waiter's items be flushed. After an error the waiter must not be reused: a flush may hold it.
func (b *Batcher[In, Out]) wait(ctx context.Context, w *waiter[In, Out]) error {
	if err := ctx.Err(); err != nil {
		return errors.Join(ErrNotStarted, err)
	}
	if b.options.Observer != nil {
		w.entered = time.Now()
	}
	if b.options.Tracer != nil {
		w.caller = ctx
	}
	w.weight = 0
	for _, item := range w.in {
		w.weight += b.weigh(item)
	}
	b.mutex.Lock()
	leads := b.mayStart(len(w.in))
	switch {
	case b.closed:
		b.mutex.Unlock()
		return ErrClosed
	case leads:
		b.inFlight++
		b.gathering = true
	case b.full(len(w.in)):
		if b.options.Observer != nil {
			b.options.Observer.Refused(len(w.in))
		}
		b.mutex.Unlock()
		return ErrFull
	}
	b.watch()
	w.begin(b.watchdog.now)
	b.queue.push(w)
	b.mutex.Unlock()
	if ctx.Done() != nil {
		return b.awaitOr(ctx, w, leads)
	}
	if leads { // this caller cannot be cancelled, so its goroutine can do the work
		b.lead(w)
	}
	<-w.done
	return w.err
}

// awaitOr waits until the waiter's call has been made or the context ends.
func (b *Batcher[In, Out]) awaitOr(ctx context.Context, w *waiter[In, Out], leads bool) error {
	stop := context.AfterFunc(ctx, func() { b.giveUp(w, ctx.Err()) })
	if leads {
		go b.lead(nil)
	}
	<-w.done
	w.spent = !stop() // giveUp has begun and may read the waiter later
	return w.err
}

// giveUp ends a caller's wait, unless it has ended.
func (b *Batcher[In, Out]) giveUp(w *waiter[In, Out], cause error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if w.queued {
		b.queue.remove(w)
		w.end(errors.Join(ErrNotStarted, cause))
		return
	}
	w.end(errors.Join(ErrAbandoned, cause))
}

// mayStart reports whether another flight should begin for the queue plus n items. It requires that b.mutex is held.
func (b *Batcher[In, Out]) mayStart(n int) bool {
	return b.inFlight < b.options.InFlight && !b.gathering && b.enough(b.queue.items+n)
}

// full reports whether the queue is too long for n more items.
func (b *Batcher[In, Out]) full(n int) bool {
	items := b.queue.items + n
	if items <= b.options.MaxQueue {
		return false
	}
	now := time.Now()
	if now.Sub(b.last) > calm {
		b.began = now
	}
	b.last = now
	return items > b.options.MaxBurst || now.Sub(b.began) > burst
}

func (b *Batcher[In, Out]) release(w *waiter[In, Out]) {
	if w.spent {
		return
	}
	w.in, w.out, w.caller = nil, nil, nil
	w.oneIn, w.oneOut = [1]In{}, [1]Result[Out]{}
	b.waiters.put(w)
}

// report tells the Observer how many items wait. It requires that b.mutex is held.
func (b *Batcher[In, Out]) report() {
	if b.options.Observer != nil && b.queue.items != b.reported {
		b.options.Observer.Queued(b.queue.items - b.reported)
		b.reported = b.queue.items
	}
}
