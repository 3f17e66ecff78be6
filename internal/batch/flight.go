package batch

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// flight is one batch under way. Flights are reused.
type flight[In, Out any] struct {
	own     *waiter[In, Out]   // the waiter whose goroutine makes the batch, or nil
	waiters []*waiter[In, Out] // written under the Batcher's mutex
	items   int
	in      []In
	out     []Result[Out]
	callers []context.Context // if there is a Tracer
}

// enough reports whether so many items justify a batch beside those under way. With nothing under way, one item is
// enough; otherwise items wait until a flight ends. It requires that b.mutex is held.
func (b *Batcher[In, Out]) enough(items int) bool { return items > 0 && 2*items >= b.underWay }

// lead makes one batch, and lets another goroutine continue with the queue. First it yields to runnable goroutines,
// which may be about to make a call. own is the waiter of this goroutine, or nil.
func (b *Batcher[In, Out]) lead(own *waiter[In, Out]) {
	runtime.Gosched()
	f := b.spare.get()
	f.own = own
	b.mutex.Lock()
	b.gathering = false
	taken := b.take(f)
	if taken && b.mayStart(0) { // the queue holds more than one batch
		b.inFlight++
		more := b.spare.get()
		b.take(more)
		go b.drain(more)
	}
	b.mutex.Unlock()
	if !taken {
		return
	}
	b.make(f)
	f.own = nil
	if b.next(f) {
		go b.drain(f)
	}
}

// drain makes batch after batch. The first one is taken already.
func (b *Batcher[In, Out]) drain(f *flight[In, Out]) {
	for more := true; more; more = b.next(f) {
		b.make(f)
	}
}

// next takes the next batch, or ends the flight.
func (b *Batcher[In, Out]) next(f *flight[In, Out]) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.underWay -= f.items
	b.flights = slices.DeleteFunc(b.flights, func(each *flight[In, Out]) bool { return each == f })
	return b.take(f)
}

// take fills the flight from the queue. If too little is queued, it ends the flight. It requires that b.mutex is held.
func (b *Batcher[In, Out]) take(f *flight[In, Out]) bool {
	if !b.enough(b.queue.items) {
		b.land(f)
		return false
	}
	queued := b.queue.items
	f.waiters = b.queue.take(f.waiters[:0], b.options.MaxBatch)
	f.items = queued - b.queue.items
	if b.options.Observer != nil {
		b.options.Observer.Taken(f.items, time.Since(f.waiters[0].entered))
		b.report()
	}
	for _, w := range f.waiters {
		w.leads = w == f.own
	}
	b.flights = append(b.flights, f)
	b.underWay += f.items
	return true
}

// land ends the flight. It requires that b.mutex is held.
func (b *Batcher[In, Out]) land(f *flight[In, Out]) {
	clear(f.waiters)
	b.spare.put(f)
	b.inFlight--
	if b.closed && b.inFlight == 0 {
		close(b.idle)
	}
}

// make flushes the batch and delivers the results to its waiters.
func (b *Batcher[In, Out]) make(f *flight[In, Out]) {
	if len(f.waiters) == 1 {
		w := f.waiters[0]
		b.safely(f, w.in, w.out)
		w.end(nil)
		return
	}
	f.in = f.in[:0]
	for _, w := range f.waiters {
		f.in = append(f.in, w.in...)
	}
	f.out = slices.Grow(f.out[:0], len(f.in))[:len(f.in)]
	clear(f.out)
	b.safely(f, f.in, f.out)
	rest := f.out
	for _, w := range f.waiters {
		items := len(w.in)
		w.deliver(rest[:items])
		rest = rest[items:]
	}
	clear(f.in) // release requests and results
	clear(f.out)
}

// safely makes a flight's batch. It converts a panic of flush into every item's error.
func (b *Batcher[In, Out]) safely(f *flight[In, Out], in []In, out []Result[Out]) {
	ctx, end := b.trace(f)
	defer end()
	defer func() {
		if cause := recover(); cause != nil {
			for i := range out {
				out[i] = Result[Out]{Err: fmt.Errorf("%w in a batch of %d: %v\n%s", ErrPanic, len(in), cause, debug.Stack())}
			}
		}
	}()
	b.flush(ctx, in, out)
}

// trace returns the context of a flight's batch, and a function that ends its span.
func (b *Batcher[In, Out]) trace(f *flight[In, Out]) (ctx context.Context, end func()) {
	if b.options.Tracer == nil {
		return context.Background(), untraced
	}
	for _, w := range f.waiters {
		f.callers = append(f.callers, w.caller)
	}
	ctx, end = b.options.Tracer.Begin(f.items, f.callers)
	clear(f.callers)
	f.callers = f.callers[:0]
	return ctx, end
}

func untraced() {}
