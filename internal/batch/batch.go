// Package batch is group commit: calls that come while others are under way are gathered and made as one.
//
// There is no timer. A call that finds nothing under way is made at once, together with those that other goroutines
// are just about to make; what comes meanwhile forms the next batch. So a lone call is as fast as without a Batcher.
// The technique is that of database logs (DeWitt et al., "Implementation techniques for main memory database systems",
// SIGMOD 1984).
//
// A burst may queue up, an overload that lasts may not: a long queue that stays only adds to every caller's wait. As in
// CoDel (RFC 8289), what counts is for how long the queue is too long, not by how much.
package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// What a call that was not made, or not waited for, returns.
var (
	// ErrFull: the queue is full. The call was not made.
	ErrFull = errors.New("the queue is full")
	// ErrClosed: the Batcher is closed. The call was not made.
	ErrClosed = errors.New("the batcher is closed")
	// ErrPanic: the flush panicked; the error holds the stack.
	ErrPanic = errors.New("panic")
	// ErrNotStarted: the caller's time was up while it was queued, or the queue was evicted. The call was not made; a
	// context's own error is joined to it.
	ErrNotStarted = errors.New("the time was up before the call was made")
	// ErrAbandoned: the caller's time was up while the call was being made. Its outcome is unknown; a context's own
	// error is joined to it.
	ErrAbandoned = errors.New("the time was up while the call was being made")
)

// Result is what came of one item.
type Result[Out any] struct {
	Value Out
	Err   error
}

// Flush makes one batch of calls: it sets every element of out, which is as long as in, and keeps neither. It bounds
// its own time. A panic becomes the error of every item.
type Flush[In, Out any] func(in []In, out []Result[Out])

// Options bound a Batcher. All must be positive.
type Options struct {
	InFlight int           // batches under way at once
	MaxBatch int           // weight of a batch, but one caller's items are never torn apart
	MaxQueue int           // items that wait; where there are more for longer than a burst, they are refused with ErrFull
	MaxBurst int           // items that wait during a burst; more are refused with ErrFull
	MaxWait  time.Duration // how long a caller waits in all
}

const (
	burst = 500 * time.Millisecond // how long the queue may be longer than MaxQueue
	calm  = time.Second            // how long it must not be before the next burst
)

// Batcher gathers items of concurrent callers, first come first served. It is safe for concurrent use.
type Batcher[In, Out any] struct {
	flush   Flush[In, Out]
	weigh   func(In) int
	options Options
	waiters pool[waiter[In, Out]]

	mutex    sync.Mutex
	inFlight int
	queue    queue[In, Out]
	began    time.Time // when the last burst began
	last     time.Time // when an item last met a queue longer than MaxQueue
	closed   bool
	idle     chan struct{} // closed when closed and nothing is queued or under way
}

// New returns a Batcher that calls flush, from at most options.InFlight goroutines at once. Each item weighs one.
func New[In, Out any](options Options, flush Flush[In, Out]) *Batcher[In, Out] {
	return NewWeighed(options, func(In) int { return 1 }, flush)
}

// NewWeighed is New for items that are not alike: weigh says how much of a batch one of them is.
func NewWeighed[In, Out any](options Options, weigh func(In) int, flush Flush[In, Out]) *Batcher[In, Out] {
	b := &Batcher[In, Out]{flush: flush, weigh: weigh, options: options, idle: make(chan struct{})}
	b.waiters.make = newWaiter[In, Out]
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

// DoAll makes several calls in one batch and sets every element of out, which is as long as in. It returns nil, or
// one of the package's errors, which then holds for every item; out may still be written to after ErrAbandoned.
func (b *Batcher[In, Out]) DoAll(ctx context.Context, in []In, out []Result[Out]) error {
	w := b.waiters.get()
	w.in, w.out = in, out
	if err := b.wait(ctx, w); err != nil {
		return err
	}
	b.release(w)
	return nil
}

// Close refuses further calls and waits until all that were accepted are made, or until ctx ends.
func (b *Batcher[In, Out]) Close(ctx context.Context) error {
	b.mutex.Lock()
	if !b.closed {
		b.closed = true
		b.closeIfIdle()
	}
	b.mutex.Unlock()
	select {
	case <-b.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Evict ends the wait of all that are queued, with ErrNotStarted. What is under way goes on.
func (b *Batcher[In, Out]) Evict() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for b.queue.first != nil {
		w := b.queue.first
		b.queue.remove(w)
		w.err = ErrNotStarted
		w.done <- struct{}{}
	}
}

func (b *Batcher[In, Out]) closeIfIdle() {
	if b.closed && b.inFlight == 0 && b.queue.items == 0 {
		close(b.idle)
	}
}

// wait lets the waiter's items be flushed. After an error the waiter must not be used again: a flush may hold it.
func (b *Batcher[In, Out]) wait(ctx context.Context, w *waiter[In, Out]) error {
	if err := ctx.Err(); err != nil {
		return errors.Join(ErrNotStarted, err)
	}
	w.weight = 0
	for _, item := range w.in {
		w.weight += b.weigh(item)
	}
	b.mutex.Lock()
	leads := b.inFlight < b.options.InFlight
	switch {
	case b.closed:
		b.mutex.Unlock()
		return ErrClosed
	case leads:
		b.inFlight++
	case b.full(len(w.in)):
		b.mutex.Unlock()
		return ErrFull
	}
	b.queue.push(w)
	b.mutex.Unlock()
	if leads && ctx.Done() == nil { // nobody can ask this caller to stop waiting, so its goroutine can do the work
		b.lead()
		<-w.done
		return w.err
	}
	if leads {
		go b.lead()
	}
	return b.await(ctx, w)
}

// full says whether the queue is too long for n more items.
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

func (b *Batcher[In, Out]) await(ctx context.Context, w *waiter[In, Out]) error {
	w.timer.Reset(b.options.MaxWait)
	defer w.timer.Stop()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
	case <-w.timer.C:
	}
	b.mutex.Lock()
	queued := w.queued
	if queued {
		b.queue.remove(w)
		b.closeIfIdle()
	}
	b.mutex.Unlock()
	if queued {
		return errors.Join(ErrNotStarted, ctx.Err())
	}
	return errors.Join(ErrAbandoned, ctx.Err())
}

func (b *Batcher[In, Out]) release(w *waiter[In, Out]) {
	w.in, w.out = nil, nil
	w.oneIn, w.oneOut = [1]In{}, [1]Result[Out]{}
	b.waiters.put(w)
}

// lead makes one batch, and lets another goroutine go on with what has queued up meanwhile. Before, it lets those run
// who are ready to: some may be about to make a call.
func (b *Batcher[In, Out]) lead() {
	runtime.Gosched()
	var f flight[In, Out]
	if !b.take(&f) {
		return
	}
	b.make(&f)
	b.mutex.Lock()
	more := b.queue.items > 0
	if !more {
		b.land()
	}
	b.mutex.Unlock()
	if more {
		go b.drain()
	}
}

// drain makes batch after batch until nothing is queued.
func (b *Batcher[In, Out]) drain() {
	var f flight[In, Out]
	for b.take(&f) {
		b.make(&f)
	}
}

// land ends a flight; b.mutex is held.
func (b *Batcher[In, Out]) land() {
	b.inFlight--
	b.closeIfIdle()
}

// flight is one batch under way.
type flight[In, Out any] struct {
	waiters []*waiter[In, Out]
	in      []In
	out     []Result[Out]
}

// take fills the flight from the queue. Where nothing is queued it ends it.
func (b *Batcher[In, Out]) take(f *flight[In, Out]) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.queue.items == 0 {
		b.land()
		return false
	}
	f.waiters = b.queue.take(f.waiters[:0], b.options.MaxBatch)
	return true
}

// make flushes what was taken and tells its waiters.
func (b *Batcher[In, Out]) make(f *flight[In, Out]) {
	if len(f.waiters) == 1 {
		w := f.waiters[0]
		b.safely(w.in, w.out)
		w.done <- struct{}{}
		return
	}
	f.in = f.in[:0]
	for _, w := range f.waiters {
		f.in = append(f.in, w.in...)
	}
	f.out = slices.Grow(f.out[:0], len(f.in))[:len(f.in)]
	clear(f.out)
	b.safely(f.in, f.out)
	rest := f.out
	for _, w := range f.waiters {
		rest = rest[copy(w.out, rest):]
		w.done <- struct{}{}
	}
	clear(f.in) // let go what was asked and answered
	clear(f.out)
}

// safely turns a panic of flush into every item's error.
func (b *Batcher[In, Out]) safely(in []In, out []Result[Out]) {
	defer func() {
		if cause := recover(); cause != nil {
			for i := range out {
				out[i] = Result[Out]{Err: fmt.Errorf("%w in a batch of %d: %v\n%s", ErrPanic, len(in), cause, debug.Stack())}
			}
		}
	}()
	b.flush(in, out)
}
