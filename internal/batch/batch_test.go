package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var small = Options{InFlight: 1, MaxBatch: 4, MaxQueue: 8, MaxBurst: 8, MaxWait: time.Minute}

// recorder is a flush that doubles each item, records the batches, and waits until it is released.
type recorder struct {
	mutex   sync.Mutex
	batches [][]int
	let     chan struct{} // nil: do not wait
}

func (r *recorder) flush(_ context.Context, in []int, out []Result[int]) {
	r.mutex.Lock()
	r.batches = append(r.batches, slices.Clone(in))
	r.mutex.Unlock()
	if r.let != nil {
		<-r.let
	}
	for i, n := range in {
		if n < 0 {
			out[i].Err = fmt.Errorf("%d is negative", n)
		} else {
			out[i].Value = 2 * n
		}
	}
}

// queueUp starts Do for each number, in this order, and waits until all are under way or queued.
func queueUp(b *Batcher[int, int], ctx context.Context, numbers ...int) []*call {
	calls := make([]*call, len(numbers))
	for i, n := range numbers {
		calls[i] = &call{done: make(chan struct{})}
		go func() {
			calls[i].value, calls[i].err = b.Do(ctx, n)
			close(calls[i].done)
		}()
		synctest.Wait()
	}
	return calls
}

type call struct {
	value int
	err   error
	done  chan struct{}
}

func (c *call) want(t *testing.T, value int, err error) {
	t.Helper()
	<-c.done
	if c.value != value || !errors.Is(c.err, err) {
		t.Errorf("Do() = %d, %v; want %d, %v", c.value, c.err, value, err)
	}
}

// TestGathers: calls that arrive during a batch form the next batch, in order and up to MaxBatch.
func TestGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		calls := queueUp(b, context.Background(), 1, 2, 3, 4, 5, 6, 7)
		for range 3 {
			r.let <- struct{}{}
		}
		for i, c := range calls {
			c.want(t, 2*(i+1), nil)
		}
		if got, want := fmt.Sprint(r.batches), "[[1] [2 3 4 5] [6 7]]"; got != want {
			t.Errorf("batches = %v, want %v", got, want)
		}
	})
}

// TestAloneIsInline: a lone call is made on the caller's goroutine, so it costs no hand-over.
func TestAloneIsInline(t *testing.T) {
	var stack string
	b := New(small, func(_ context.Context, in []int, out []Result[int]) {
		stack = string(debug.Stack())
		out[0].Value = in[0]
	})
	if got, err := b.Do(context.Background(), 7); got != 7 || err != nil {
		t.Errorf("Do(7) = %d, %v; want 7", got, err)
	}
	if !strings.Contains(stack, t.Name()) {
		t.Errorf("a lone call was made on another goroutine:\n%s", stack)
	}
}

func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		options := small
		options.InFlight = 2
		b := New(options, r.flush)
		calls := queueUp(b, context.Background(), 1, 2, 3, 4)
		if got, want := fmt.Sprint(r.batches), "[[1] [2]]"; got != want {
			t.Errorf("batches under way = %v, want %v", got, want)
		}
		close(r.let)
		for i, c := range calls {
			c.want(t, 2*(i+1), nil)
		}
	})
}

// TestBatchesGrowWithTheLoad: few calls do not start beside a large batch. They start after it, with later calls.
func TestBatchesGrowWithTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		options := small
		options.InFlight = 2
		b := New(options, r.flush)
		calls := queueUp(b, context.Background(), 1, 2, 3, 4, 5, 6)
		r.let <- struct{}{} // 1 or 2, and 3 to 6 are made
		synctest.Wait()
		calls = append(calls, queueUp(b, context.Background(), 7)...)
		r.let <- struct{}{} // the other one: 7 waits beside 3 to 6
		synctest.Wait()
		if got, want := fmt.Sprint(r.batches), "[[1] [2] [3 4 5 6]]"; got != want {
			t.Errorf("batches = %v, want %v", got, want)
		}
		calls = append(calls, queueUp(b, context.Background(), 8)...)
		if got, want := fmt.Sprint(r.batches), "[[1] [2] [3 4 5 6] [7 8]]"; got != want {
			t.Errorf("batches = %v, want %v", got, want)
		}
		calls = append(calls, queueUp(b, context.Background(), 9)...)
		close(r.let)
		for i, c := range calls {
			c.want(t, 2*(i+1), nil)
		}
	})
}

// TestOneBadItem: a failing item does not affect the others.
func TestOneBadItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		calls := queueUp(b, context.Background(), 1, 2, -3, 4)
		close(r.let)
		for _, c := range calls {
			<-c.done
		}
		if calls[1].err != nil || calls[3].err != nil || calls[2].err == nil {
			t.Errorf("errors = %v, %v, %v; want one for the item in the middle", calls[1].err, calls[2].err, calls[3].err)
		}
	})
}

func TestPanicIsEveryItemsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		b := New(small, func(_ context.Context, in []int, out []Result[int]) {
			<-let
			if slices.Contains(in, 13) {
				panic("thirteen")
			}
		})
		calls := queueUp(b, context.Background(), 1, 12, 13)
		later := queueUp(b, context.Background(), 20, 21, 22)
		close(let)
		calls[0].want(t, 0, nil)
		for _, c := range calls[1:] {
			if <-c.done; c.err == nil || !strings.Contains(c.err.Error(), "thirteen") {
				t.Errorf("Do() in a batch that panics = %v, want the panic", c.err)
			}
		}
		later[2].want(t, 0, nil) // the batches after it are made
	})
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		calls := queueUp(b, context.Background(), 0, 1, 2, 3, 4, 5, 6, 7, 8)
		if _, err := b.Do(context.Background(), 9); !errors.Is(err, ErrFull) {
			t.Errorf("Do() with a full queue = %v, want ErrFull", err)
		}
		close(r.let)
		for i, c := range calls {
			c.want(t, 2*i, nil)
		}
		if got, err := b.Do(context.Background(), 9); got != 18 || err != nil {
			t.Errorf("Do() with an empty queue = %d, %v; want 18", got, err)
		}
	})
}

// TestWeight: a batch has as many items, in order, as weigh MaxBatch; at least one.
func TestWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := NewWeighed(small, func(n int) int { return n }, r.flush)
		calls := queueUp(b, context.Background(), 0, 1, 2, 1, 9, 3, 1, 1)
		close(r.let)
		for _, c := range calls {
			<-c.done
		}
		if got, want := fmt.Sprint(r.batches), "[[0] [1 2 1] [9] [3 1] [1]]"; got != want {
			t.Errorf("batches = %v, want %v", got, want)
		}
	})
}

// TestBursts queue up to MaxBurst; once a burst has lasted, MaxQueue holds until the queue was short for a while.
func TestBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		options := Options{InFlight: 1, MaxBatch: 4, MaxQueue: 3, MaxBurst: 8, MaxWait: time.Minute}
		b := New(options, func(_ context.Context, in []int, _ []Result[int]) { <-let })
		full := func() bool { // asks without staying in the queue
			ctx, cancel := context.WithCancel(context.Background())
			asked := queueUp(b, ctx, 9)[0]
			cancel()
			<-asked.done
			return errors.Is(asked.err, ErrFull)
		}
		calls := queueUp(b, context.Background(), 0, 1, 2, 3, 4, 5, 6, 7)
		if full() {
			t.Errorf("a burst is refused")
		}
		calls = append(calls, queueUp(b, context.Background(), 8)...)
		if !full() {
			t.Errorf("a queue of MaxBurst accepts a call")
		}
		<-time.After(burst + 1)
		let <- struct{}{} // 0 is made: 5 to 8 are queued
		synctest.Wait()
		if !full() {
			t.Errorf("a queue of MaxQueue accepts a call after the burst")
		}
		let <- struct{}{} // 1 to 4 are: nothing is queued
		synctest.Wait()
		if full() {
			t.Errorf("an empty queue refuses a call")
		}
		calls = append(calls, queueUp(b, context.Background(), 0, 1, 2)...)
		if !full() {
			t.Errorf("a second burst at once is accepted")
		}
		<-time.After(calm + 1)
		if full() {
			t.Errorf("a burst after a calm is refused")
		}
		close(let)
		for _, c := range calls {
			c.want(t, 0, nil)
		}
	})
}

// TestCancelledWhileQueued: the call is not made, and leaves the queue.
func TestCancelledWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		first := queueUp(b, context.Background(), 1)
		ctx, cancel := context.WithCancel(context.Background())
		stays := queueUp(b, context.Background(), 2)
		goes := queueUp(b, ctx, 3, 4)
		staysToo := queueUp(b, context.Background(), 5)
		cancel()
		for _, c := range goes {
			c.want(t, 0, ErrNotStarted)
			c.want(t, 0, context.Canceled)
		}
		if b.queue.items != 2 {
			t.Errorf("%d items are queued, want the two that stay", b.queue.items)
		}
		close(r.let)
		first[0].want(t, 2, nil)
		stays[0].want(t, 4, nil)
		staysToo[0].want(t, 10, nil)
		if got, want := fmt.Sprint(r.batches), "[[1] [2 5]]"; got != want {
			t.Errorf("batches = %v, want %v", got, want)
		}
		if _, err := b.Do(ctx, 6); !errors.Is(err, ErrNotStarted) {
			t.Errorf("Do() with a cancelled context = %v, want ErrNotStarted", err)
		}
	})
}

func TestCancelledUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		ctx, cancel := context.WithCancel(context.Background())
		calls := queueUp(b, ctx, 1)
		cancel()
		calls[0].want(t, 0, ErrAbandoned)
		next := queueUp(b, context.Background(), 2)
		close(r.let)
		next[0].want(t, 4, nil)
	})
}

// TestMaxWait: every caller's time counts from its own arrival.
func TestMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		first := queueUp(b, context.Background(), 1)
		start := time.Now()
		second := queueUp(b, context.Background(), 2)
		second[0].want(t, 0, ErrNotStarted)
		if waited := time.Since(start); waited != small.MaxWait {
			t.Errorf("waited %v, want %v", waited, small.MaxWait)
		}
		third := queueUp(b, context.Background(), 3)
		r.let <- struct{}{}
		first[0].want(t, 2, nil)
		third[0].want(t, 0, ErrAbandoned)
		<-time.After(3 * Coarse) // the watchdog meets the batch again after the wait has ended
		close(r.let)
		synctest.Wait()
	})
}

// TestMaxWaitOfOneThatLeads: the caller's goroutine makes the batch, so it gets the outcome even after MaxWait.
func TestMaxWaitOfOneThatLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		calls := queueUp(b, context.Background(), 1)
		<-time.After(2 * small.MaxWait)
		close(r.let)
		calls[0].want(t, 2, nil)
	})
}

// TestWatchdogSleeps: an idle Batcher has no goroutine and no timer, and the next call wakes it.
func TestWatchdogSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		for range 2 {
			calls := queueUp(b, context.Background(), 1, 2)
			calls[1].want(t, 0, ErrNotStarted)
			r.let <- struct{}{}
			calls[0].want(t, 2, nil)
			<-time.After(2 * Coarse)
			b.mutex.Lock()
			if b.watchdog.awake {
				t.Errorf("the watchdog looks at nothing")
			}
			b.mutex.Unlock()
		}
	})
}

func TestDoAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		one := queueUp(b, context.Background(), 1)
		done := make(chan []Result[int], 2)
		for _, in := range [][]int{{2, -3, 4}, {5, 6}} {
			go func() {
				out := make([]Result[int], len(in))
				if err := b.DoAll(context.Background(), in, out); err != nil {
					t.Errorf("DoAll(%v) = %v", in, err)
				}
				done <- out
			}()
			synctest.Wait()
		}
		close(r.let)
		one[0].want(t, 2, nil)
		first, second := <-done, <-done
		if len(first) != 3 {
			first, second = second, first
		}
		if first[0].Value != 4 || first[1].Err == nil || first[2].Value != 8 || second[0].Value != 10 || second[1].Value != 12 {
			t.Errorf("DoAll() = %v and %v, want each item's own result", first, second)
		}
		if got, want := fmt.Sprint(r.batches), "[[1] [2 -3 4] [5 6]]"; got != want {
			t.Errorf("batches = %v, want %v: one caller's items stay together", got, want)
		}
		if err := b.DoAll(context.Background(), nil, nil); err != nil || len(r.batches) != 3 {
			t.Errorf("DoAll(nothing) = %v in %d batches, want nil and none", err, len(r.batches)-3)
		}
	})
}

// TestClose: accepted calls are made and later ones rejected.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		b := New(small, r.flush)
		calls := queueUp(b, context.Background(), 1, 2, 3)
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := b.Close(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close() while calls are under way = %v, want the deadline", err)
		}
		if _, err := b.Do(context.Background(), 4); !errors.Is(err, ErrClosed) {
			t.Errorf("Do() after Close() = %v, want ErrClosed", err)
		}
		close(r.let)
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		for i, c := range calls {
			c.want(t, 2*(i+1), nil)
		}
	})
	if err := New(small, (&recorder{}).flush).Close(context.Background()); err != nil {
		t.Errorf("Close() of a new Batcher = %v, want nil", err)
	}
}

// TestUnderLoad: of many callers some give up. Every result is the caller's own, and each item is made at most once.
func TestUnderLoad(t *testing.T) {
	var made [4000]atomic.Int32
	b := New(Options{InFlight: 2, MaxBatch: 64, MaxQueue: 1000, MaxBurst: 1000, MaxWait: time.Minute}, func(_ context.Context, in []int, out []Result[int]) {
		for i, n := range in {
			made[n].Add(1)
			out[i].Value = 2 * n
		}
	})
	var group sync.WaitGroup
	for caller := range 40 {
		group.Go(func() {
			for i := range 100 {
				n := caller*100 + i
				ctx, cancel := context.WithCancel(context.Background())
				if n%3 == 0 {
					go cancel()
				}
				switch got, err := b.Do(ctx, n); {
				case err == nil && (got != 2*n || made[n].Load() != 1):
					t.Errorf("Do(%d) = %d, made %d times", n, got, made[n].Load())
				case errors.Is(err, ErrNotStarted) && made[n].Load() != 0:
					t.Errorf("Do(%d) was made although it was not started", n)
				case err != nil && n%3 != 0:
					t.Errorf("Do(%d) = %v, want a result", n, err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	for n := range made {
		if made[n].Load() > 1 {
			t.Errorf("%d was made %d times", n, made[n].Load())
		}
	}
}

func BenchmarkDo(b *testing.B) {
	double := func(_ context.Context, in []int, out []Result[int]) {
		for i, n := range in {
			out[i].Value = 2 * n
		}
	}
	options := Options{InFlight: 2, MaxBatch: 128, MaxQueue: 4096, MaxBurst: 4096, MaxWait: time.Second}
	b.Run("alone", func(b *testing.B) {
		batcher := New(options, double)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = batcher.Do(context.Background(), 1)
		}
	})
	b.Run("together", func(b *testing.B) {
		batcher := New(options, double)
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = batcher.Do(context.Background(), 1)
			}
		})
	})
}

// watched is an Observer.
type watched struct{ sizes, queued, refused []int }

func (w *watched) Taken(items int, _ time.Duration) { w.sizes = append(w.sizes, items) }
func (w *watched) Queued(change int)                { w.queued = append(w.queued, change) }
func (w *watched) Refused(items int)                { w.refused = append(w.refused, items) }

// TestObserver: the Observer is told the size of each batch, the length of the queue and the number of refused calls.
func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{let: make(chan struct{})}
		w := &watched{}
		b := New(Options{InFlight: 1, MaxBatch: 10, MaxQueue: 2, MaxBurst: 2, MaxWait: time.Minute, Observer: w}, r.flush)
		calls := queueUp(b, context.Background(), 1, 2, 3, 4)
		calls[3].want(t, 0, ErrFull)
		<-time.After(2 * Coarse)
		close(r.let)
		calls[2].want(t, 6, nil)
		synctest.Wait()
		b.mutex.Lock()
		defer b.mutex.Unlock()
		if got, want := fmt.Sprint(w.sizes, w.queued, w.refused), "[1 2] [2 -2] [1]"; got != want {
			t.Errorf("sizes, queue and refusals = %v, want %v", got, want)
		}
	})
}

type named struct{}

// spans is a Tracer. It notes the callers of each batch, and gives a batch the context of its number.
type spans struct {
	begun []string
	ended int
}

func (s *spans) Begin(items int, calls []context.Context) (context.Context, func()) {
	names := make([]any, len(calls))
	for i, ctx := range calls {
		names[i] = ctx.Value(named{})
	}
	s.begun = append(s.begun, fmt.Sprint(items, names))
	return context.WithValue(context.Background(), named{}, len(s.begun)), func() { s.ended++ }
}

// TestTracer: a batch is begun with the contexts of its callers, is made in the Tracer's context, and ends before its callers
// are told.
func TestTracer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := &recorder{let: make(chan struct{})}, &spans{}
		options := small
		options.Tracer = s
		var made []any
		b := New(options, func(ctx context.Context, in []int, out []Result[int]) {
			made = append(made, ctx.Value(named{}))
			r.flush(ctx, in, out)
			if len(in) > 2 {
				panic("a batch that panics ends too")
			}
		})
		as := func(name string) context.Context { return context.WithValue(t.Context(), named{}, name) }
		calls := slices.Concat(queueUp(b, as("a"), 1), queueUp(b, as("b"), 2), queueUp(b, as("c"), 3))
		many := make(chan error)
		for range 2 {
			r.let <- struct{}{}
			synctest.Wait()
		}
		for i, c := range calls {
			c.want(t, 2*(i+1), nil)
		}
		go func() { many <- b.DoAll(as("d"), []int{4, 5, 6}, make([]Result[int], 3)) }()
		r.let <- struct{}{}
		if err := <-many; err != nil {
			t.Error(err)
		}
		if got, want := fmt.Sprint(s.begun, s.ended, made), "[1 [a] 2 [b c] 3 [d]] 3 [1 2 3]"; got != want {
			t.Errorf("batches, ends and contexts = %v, want %v", got, want)
		}
	})
}
