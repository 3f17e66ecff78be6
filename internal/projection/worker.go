package projection

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Config says how a worker runs.
type Config struct {
	Source Source
	Log    *slog.Logger
	Name   string        // unique among workers; "" is made from the host's name, the process and chance
	Poll   time.Duration // how often to look for chats with news; 0 is 100 ms
	Sweep  time.Duration // how often all chats are compared with their cursors; 0 is 10 minutes
	// Handled is called for each event, with the position of its last message; nil: it is not.
	Handled func(projection string, position int64)
	// Trace is called before each call of a handler, and its end after it, with the error; nil: it is not.
	Trace func(ctx context.Context, projection string, events int) (_ context.Context, end func(error))
}

const (
	// beatEvery is the interval of heartbeats: a lease outlasts two that fail.
	beatEvery = 2 * time.Second
	// commitEvery is the interval of looking for cursors to store.
	commitEvery = 500 * time.Millisecond
	// commitRest is how long a partition whose cursors were stored rests before the next time: under load, storing
	// would cost Redis more than sending. A crash repeats the events of that time.
	commitRest = 2 * time.Second
	// overlap is how much of the past is looked through again: a clock that goes back may put messages there.
	overlap = 500 * time.Millisecond
	// sweepEvery is the interval of comparing all chats with their cursors, as far as pageOfSweep allows it.
	sweepEvery = 10 * time.Minute
	// pageOfSweep is how many chats one tick compares: 5,000 a second, and three million in ten minutes.
	pageOfSweep = 500
	// chatsAtOnce bounds the chats in an answer, which stays below 2 MB. Its partitions share them.
	chatsAtOnce = 32_000
	// pageOfChats is how many chats one query for moved chats returns at most.
	pageOfChats = 1000
	// movedAtEase is how many chats may move from one look to the next before looks become rarer: then a page of a chat has more
	// messages, and a message costs the rpc-servers less. Looks are up to slowest times as rare.
	movedAtEase, slowest = 150, 5
	// callWithin bounds a call of the source.
	callWithin = 5 * time.Second
)

// Worker runs projections, with others that run the same ones.
type Worker struct {
	config Config
	pages  pages

	mutex   sync.Mutex
	runners map[string]*runner
	start   func(*runner)         // runs a runner; nil before Run
	ticked  time.Time             // the last tick's time, on this machine
	sweep   *sweep                // under way, or nil
	count   atomic.Int64          // partitions, once it is known
	failed  atomic.Pointer[error] // of the last tick
	clocks  map[int]int64         // of the partitions, at the last tick
	moved   int                   // chats that moved between the last tick and the one before
}

// New returns a worker without projections.
func New(config Config) (*Worker, error) {
	if config.Source == nil || config.Log == nil {
		return nil, errors.New("a worker needs a source and a log")
	}
	if config.Name == "" {
		host, _ := os.Hostname() // "" does as well
		host = strings.Map(func(r rune) rune {
			if r < '!' || r > '~' {
				return -1
			}
			return r
		}, host)
		config.Name = fmt.Sprintf("%.30s-%d-%s", host, os.Getpid(), rand.Text()[:8])
	}
	if config.Poll == 0 {
		config.Poll = 100 * time.Millisecond
	}
	if config.Sweep == 0 {
		config.Sweep = sweepEvery
	}
	return &Worker{config: config, runners: map[string]*runner{}, pages: pages{source: config.Source}}, nil
}

// Name is the worker's name among those that share its projections.
func (w *Worker) Name() string { return w.config.Name }

// Set replaces the projections. One that runs already goes on with its new handler; one that is left out stops, and its
// partitions go to other workers. Set may be called at any time.
func (w *Worker) Set(projections []Projection) error {
	names := map[string]bool{}
	for _, p := range projections {
		if err := p.Validate(); err != nil {
			return err
		}
		if names[p.Name] {
			return fmt.Errorf("projection %s is given twice", p.Name)
		}
		names[p.Name] = true
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for name, r := range w.runners {
		if !names[name] {
			r.stop()
			delete(w.runners, name)
		}
	}
	for _, p := range projections {
		if r := w.runners[p.Name]; r != nil {
			r.replace(p)
			continue
		}
		r := newRunner(w, p)
		w.runners[p.Name] = r
		if w.start != nil {
			w.start(r)
		}
	}
	return nil
}

// Run runs the projections until ctx ends. Then it waits for the handlers, stores the cursors and releases the leases.
func (w *Worker) Run(ctx context.Context) error {
	var running sync.WaitGroup
	w.mutex.Lock()
	w.start = func(r *runner) { running.Go(func() { r.run(ctx) }) }
	for _, r := range w.runners {
		w.start(r)
	}
	w.mutex.Unlock()
	poll := time.NewTimer(w.config.Poll)
	defer poll.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case began := <-poll.C:
			w.look(ctx)
			poll.Reset(w.pause() - time.Since(began))
		}
	}
	w.mutex.Lock()
	w.start = func(*runner) {}
	w.mutex.Unlock()
	running.Wait()
	return nil
}

// pause is the time from one tick to the next.
func (w *Worker) pause() time.Duration {
	return w.config.Poll * time.Duration(min(max(w.moved, movedAtEase), slowest*movedAtEase)) / movedAtEase
}

// look makes a tick, and says once that ticks fail.
func (w *Worker) look(ctx context.Context) {
	err := w.tick(ctx)
	if ctx.Err() != nil {
		return
	}
	before := w.failed.Load()
	if err == nil {
		w.failed.Store(nil)
		return
	}
	w.failed.Store(&err)
	if before == nil {
		w.config.Log.Warn("the rpc-servers cannot be asked for moved chats; retrying", "error", err)
	}
}

// Ready returns why no events can be found at present, or nil.
func (w *Worker) Ready() error {
	if failed := w.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// all returns the runners.
func (w *Worker) all() []*runner {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	runners := make([]*runner, 0, len(w.runners))
	for _, r := range w.runners {
		runners = append(runners, r)
	}
	return runners
}

// tick finds the chats that have moved, once for all projections.
func (w *Worker) tick(ctx context.Context) error {
	w.moved = 0
	runners := w.all()
	leased := map[int]bool{}
	for _, r := range runners {
		r.addLeased(leased)
	}
	if len(leased) == 0 {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	began := time.Now()
	states, err := w.states(call, slices.Sorted(maps.Keys(leased)))
	if err != nil {
		return err
	}
	before := w.clocks
	back := w.clocksWentBack(states, began)
	since := map[int]int64{}
	for _, r := range runners {
		r.plan(states, back, since)
	}
	if err := w.scan(call, runners, states, since, before, began); err != nil {
		return err
	}
	if err := w.sweepOn(call, runners, began); err != nil {
		return err
	}
	w.pages.turn()
	for _, r := range runners {
		r.readCursors(call)
	}
	return nil
}

// states returns the states of partitions by their numbers.
func (w *Worker) states(ctx context.Context, numbers []int) (map[int]chat.PartitionState, error) {
	list, err := w.config.Source.PartitionStates(ctx, numbers)
	if err == nil && len(list) != len(numbers) {
		err = fmt.Errorf("%d states came for %d partitions", len(list), len(numbers))
	}
	if err != nil {
		return nil, err
	}
	states := make(map[int]chat.PartitionState, len(list))
	for i, state := range list {
		states[numbers[i]] = state
	}
	return states, nil
}

// partitionCount returns how many partitions there are, which never changes.
func (w *Worker) partitionCount(ctx context.Context) (int, error) {
	if n := w.count.Load(); n > 0 {
		return int(n), nil
	}
	states, err := w.config.Source.PartitionStates(ctx, nil)
	w.count.Store(int64(len(states)))
	return len(states), err
}

// clocksWentBack returns, for each partition whose clock went back, from where chats may have been overlooked.
func (w *Worker) clocksWentBack(states map[int]chat.PartitionState, now time.Time) map[int]int64 {
	elapsed := now.Sub(w.ticked)
	var back map[int]int64
	for p, state := range states {
		if before, known := w.clocks[p]; known && state.Clock < before+elapsed.Microseconds()-overlap.Microseconds() {
			if back == nil {
				back = map[int]int64{}
			}
			back[p] = max(state.Clock-elapsed.Microseconds()-time.Second.Microseconds(), 0)
		}
	}
	w.ticked, w.clocks = now, make(map[int]int64, len(states))
	for p, state := range states {
		w.clocks[p] = state.Clock
	}
	return back
}

// scan reads the moved chats of partitions, page by page, and gives each page to the runners. before are the clocks of the last tick.
func (w *Worker) scan(ctx context.Context, runners []*runner, states map[int]chat.PartitionState, since, before map[int]int64, began time.Time) error {
	queries := make([]chat.MovedSince, 0, len(since))
	for partition, from := range since {
		queries = append(queries, chat.MovedSince{Partition: partition, Since: from, Limit: min(chatsAtOnce/len(since), pageOfChats)})
	}
	for len(queries) > 0 && slices.ContainsFunc(runners, (*runner).hasRoom) {
		asked := atOnce(queries)
		moved, err := w.config.Source.Moved(ctx, asked)
		if err != nil {
			return err
		}
		if len(moved) != len(asked) {
			return fmt.Errorf("%d pages of moved chats came for %d partitions", len(moved), len(asked))
		}
		more := slices.Clone(queries[len(asked):])
		for i, q := range asked {
			complete := len(moved[i]) < q.Limit
			w.moved += newer(moved[i], before[q.Partition])
			wanted := false
			for _, r := range runners {
				wanted = r.found(q, moved[i], states[q.Partition], complete, began) || wanted
			}
			if !complete && wanted {
				more = append(more, next(q, moved[i], pageOfChats))
			}
		}
		queries = more
	}
	return nil
}

// atOnce returns the queries that one call makes.
func atOnce(queries []chat.MovedSince) []chat.MovedSince {
	chats := 0
	for i, q := range queries {
		if chats += q.Limit; chats > chatsAtOnce && i > 0 {
			return queries[:i]
		}
	}
	return queries
}

// newer counts the chats that have moved since a time. They are in the order of their positions.
func newer(moved []chat.MovedChat, than int64) int {
	first, _ := slices.BinarySearchFunc(moved, than, func(m chat.MovedChat, t int64) int { return cmp.Compare(m.Position, t) })
	return len(moved) - first
}

// next is the query for the page after a full one. Chats may share a position: where they fill a page, the next one is larger.
func next(q chat.MovedSince, page []chat.MovedChat, limit int) chat.MovedSince {
	newest := page[len(page)-1].Position
	if newest == q.Since {
		if q.Limit == chat.MaxMoved { // that many share one microsecond
			q.Since++
		}
		q.Limit = min(2*q.Limit, chat.MaxMoved)
		return q
	}
	q.Since, q.Limit = newest, limit
	return q
}
