package batch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// waiter is one caller with its items. It is reused unless its caller gave up.
type waiter[In, Out any] struct {
	in     []In
	out    []Result[Out]
	weight int
	done   chan struct{} // one element: ending the wait never blocks on the caller
	err    error         // why the items were not flushed, set before done
	spent  bool          // it must not be reused

	entered time.Time       // when it was queued, if there is an Observer
	caller  context.Context // if there is a Tracer

	oneIn  [1]In // the items of Do
	oneOut [1]Result[Out]

	// ended is set by the goroutine that ends the wait: a flight, the watchdog, or the end of the caller's context.
	// Only that goroutine sets the results.
	ended atomic.Bool

	// The Batcher's mutex guards these. A flight may list waiters that were reused since; the watchdog reads only these
	// fields and ended, which begin sets under the mutex.
	arrived    time.Time
	leads      bool // its goroutine makes its batch
	queued     bool
	prev, next *waiter[In, Out]
}

func newWaiter[In, Out any]() *waiter[In, Out] {
	return &waiter[In, Out]{done: make(chan struct{}, 1)}
}

// begin resets the waiter. It requires that the Batcher's mutex is held.
func (w *waiter[In, Out]) begin(now time.Time) {
	w.arrived, w.leads, w.err = now, false, nil
	w.ended.Store(false)
}

// end ends the wait with an error, unless it has ended.
func (w *waiter[In, Out]) end(err error) {
	if w.ended.CompareAndSwap(false, true) {
		w.err = err
		w.done <- struct{}{}
	}
}

// deliver ends the wait with the results, unless it has ended.
func (w *waiter[In, Out]) deliver(results []Result[Out]) {
	if w.ended.CompareAndSwap(false, true) {
		copy(w.out, results)
		w.done <- struct{}{}
	}
}

// queue is a doubly linked first-in first-out list. A caller that gives up removes its waiter.
type queue[In, Out any] struct {
	first, last *waiter[In, Out]
	items       int
}

func (q *queue[In, Out]) push(w *waiter[In, Out]) {
	w.queued, w.prev, w.next = true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.items += len(w.in)
}

func (q *queue[In, Out]) remove(w *waiter[In, Out]) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued, w.prev, w.next = false, nil, nil
	q.items -= len(w.in)
}

// take moves waiters from the front to batch: up to a weight, and at least one.
func (q *queue[In, Out]) take(batch []*waiter[In, Out], weight int) []*waiter[In, Out] {
	for q.first != nil && (len(batch) == 0 || q.first.weight <= weight) {
		w := q.first
		q.remove(w)
		batch = append(batch, w)
		weight -= w.weight
	}
	return batch
}

// pool is a sync.Pool of one type.
type pool[T any] struct {
	pool sync.Pool
	make func() *T
}

func (p *pool[T]) get() *T {
	if item, ok := p.pool.Get().(*T); ok {
		return item
	}
	return p.make()
}

func (p *pool[T]) put(item *T) { p.pool.Put(item) }
