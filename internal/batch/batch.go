// Package batch is group commit: calls that come while others are under way are gathered and made as one.
//
// There is no timer. A call that finds nothing under way is made at once, on the caller's goroutine, so that a lone
// call is as fast as without a Batcher; what comes meanwhile forms the next batch. The technique is that of database
// logs (DeWitt et al., "Implementation techniques for main memory database systems", SIGMOD 1984).
package batch

import (
	"context"
	"errors"
	"fmt"
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
	// ErrNotStarted: the caller's time was up while it was queued. The call was not made; a context's own error is
	// joined to it.
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
	MaxBatch int           // items in a batch, but one caller's items are never torn apart
	MaxQueue int           // items that wait; more are refused with ErrFull
	MaxWait  time.Duration // how long a caller waits in all
}

// Batcher gathers items of concurrent callers, first come first served. It is safe for concurrent use.
type Batcher[In, Out any] struct {
	flush   Flush[In, Out]
	options Options
	waiters pool[waiter[In, Out]]

	mutex    sync.Mutex
	inFlight int
	queue    queue[In, Out]
	closed   bool
	idle     chan struct{} // closed when closed and nothing is queued or under way
}

// New returns a Batcher that calls flush, from at most options.InFlight goroutines at once.
func New[In, Out any](options Options, flush Flush[In, Out]) *Batcher[In, Out] {
	b := &Batcher[In, Out]{flush: flush, options: options, idle: make(chan struct{})}
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
	b.mutex.Lock()
	switch {
	case b.closed:
		b.mutex.Unlock()
		return ErrClosed
	case b.inFlight < b.options.InFlight:
		b.inFlight++
		b.mutex.Unlock()
		if ctx.Done() == nil {
			b.lead(w) // nobody can ask this caller to stop waiting, so its goroutine can do the work
			<-w.done
			return nil
		}
		go b.lead(w)
	case b.queue.items+len(w.in) > b.options.MaxQueue:
		b.mutex.Unlock()
		return ErrFull
	default:
		b.queue.push(w)
		b.mutex.Unlock()
	}
	return b.await(ctx, w)
}

func (b *Batcher[In, Out]) await(ctx context.Context, w *waiter[In, Out]) error {
	w.timer.Reset(b.options.MaxWait)
	defer w.timer.Stop()
	select {
	case <-w.done:
		return nil
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

// lead flushes one waiter's items, and lets another goroutine go on with what has queued up meanwhile.
func (b *Batcher[In, Out]) lead(w *waiter[In, Out]) {
	b.safely(w.in, w.out)
	w.done <- struct{}{}
	b.mutex.Lock()
	more := b.queue.items > 0
	if !more {
		b.inFlight--
		b.closeIfIdle()
	}
	b.mutex.Unlock()
	if more {
		go b.drain()
	}
}

// drain flushes batch after batch until nothing is queued.
func (b *Batcher[In, Out]) drain() {
	var batch []*waiter[In, Out]
	var in []In
	var out []Result[Out]
	for {
		b.mutex.Lock()
		batch = b.queue.take(batch[:0], b.options.MaxBatch)
		if len(batch) == 0 {
			b.inFlight--
			b.closeIfIdle()
			b.mutex.Unlock()
			return
		}
		b.mutex.Unlock()
		in = in[:0]
		for _, w := range batch {
			in = append(in, w.in...)
		}
		out = slices.Grow(out[:0], len(in))[:len(in)]
		clear(out)
		b.safely(in, out)
		rest := out
		for _, w := range batch {
			rest = rest[copy(w.out, rest):]
			w.done <- struct{}{}
		}
		clear(in) // let go what was asked and answered
		clear(out)
	}
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
