package projection

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// maxPending is how many chats with events a runner knows at a time. The others wait in the index of the partitions.
	maxPending = 20_000
	// maxKnown is how many cursors of chats without events a runner keeps in memory.
	maxKnown = 100_000
	// defaultConcurrency is how many chats are handled at the same time.
	defaultConcurrency = 16
	// firstRetry and lastRetry are the pauses after the first failure and after many.
	firstRetry, lastRetry = time.Second, 5 * time.Minute
)

// runner runs one projection in a worker.
type runner struct {
	worker *Worker
	source Source
	log    *slog.Logger
	ended  chan struct{} // closed by stop
	wake   chan struct{} // of room for one

	mutex      sync.Mutex
	projection Projection
	leases     map[int]*partition
	chats      map[string]*cursor
	waiting    map[*cursor]struct{} // those whose cursor is not known, or that have events
	dirty      map[*cursor]struct{} // those whose cursor is to be stored
	ready      []*cursor            // may be handled now, oldest first
	running    int
	paused     bool
	workers    []string  // that share the projection, at the last heartbeat
	forgot     time.Time // when partitions without chats of interest were forgotten
	stats      Stats
}

// partition is one that the worker has a lease on.
type partition struct {
	number  int
	token   int64
	start   int64 // the cursor of chats without one
	scanned int64 // all chats that moved before it are known
	floor   int64 // as the rpc-server knows it
	leased  time.Time
	swept   time.Time // when its last sweep began
	clock   int64
	leaving bool // another worker is to have it
	running int  // chats of it that are being handled

	renewed time.Time // when the renewal of the lease was asked for

	failing       int64 // since when; 0: not failing
	failingStored int64 // as the rpc-server knows it
	failure       string
	failureStored string // as the rpc-server knows it
	dead          []chat.DeadLetter
	removed       []string // chats that are gone
	revive        []string // events on their way; they are started once
	revived       []string
	handled       int64
	unsure        *chat.Commit // a commit whose answer was lost: it is made again as it is
	committed     time.Time    // when the last commit was made
}

// cursor is a chat's.
type cursor struct {
	chat      string
	partition *partition
	newest    int64 // the chat's newest position, as far as it is known
	since     int64 // the newest position when the chat was found to have events
	floor     int64 // its events before this position were handled
	known     bool  // the stored cursor was read
	given     bool  // there is a stored cursor
	at        chat.Cursor
	stored    chat.Cursor
	counts    []chat.Count // since the last commit

	queued   bool      // in ready, or being handled
	moved    time.Time // when it last went on
	due      time.Time // not before
	attempts int
	failing  time.Time // since when

	gatherer *gatherer        // with bursts
	read     int64            // the next position to add to the gatherer
	closed   [][]chat.Message // bursts on their way
}

func newRunner(w *Worker, p Projection) *runner {
	return &runner{
		worker: w, source: w.config.Source, log: w.config.Log.With("projection", p.Name), projection: p,
		ended: make(chan struct{}), wake: make(chan struct{}, 1), leases: map[int]*partition{}, chats: map[string]*cursor{},
		waiting: map[*cursor]struct{}{}, dirty: map[*cursor]struct{}{},
	}
}

func (r *runner) stop() { close(r.ended) }

func (r *runner) replace(p Projection) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if !slices.Equal(r.projection.Listed, p.Listed) {
		r.forgot = time.Time{}
	}
	r.projection = p
}

// addLeased adds the partitions that r has leases on.
func (r *runner) addLeased(numbers map[int]bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for number := range r.leases {
		numbers[number] = true
	}
}

// isOf reports whether a chat is of interest.
func (r *runner) isOf(name string) bool {
	p := r.projection
	return (p.Chats == nil || p.Chats(name)) && (len(p.Listed) == 0 || slices.Contains(p.Listed, name))
}

// wakeUp has run look for work.
func (r *runner) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run keeps the leases, starts handlers and stores cursors, until ctx ends or stop is called.
func (r *runner) run(ctx context.Context) {
	handling, stop := context.WithCancel(ctx)
	defer stop()
	var handlers sync.WaitGroup
	beat, commit, look := time.NewTimer(0), time.NewTicker(commitEvery), time.NewTicker(r.worker.config.Poll)
	defer beat.Stop()
	defer commit.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-r.ended:
		case <-beat.C:
			r.beat(ctx)
			beat.Reset(beatEvery - rand.N(beatEvery/4)) //nolint:gosec // spreads heartbeats
			continue
		case <-commit.C:
			r.commit(ctx, commitRest)
			continue
		case <-look.C:
			r.look()
			r.launch(handling, &handlers)
			continue
		case <-r.wake:
			r.launch(handling, &handlers)
			continue
		}
		break
	}
	stop()
	handlers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), callWithin)
	defer cancel()
	r.commit(last, 0)
	r.leave(last)
}

// look puts the chats that are due into the queue.
func (r *runner) look() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := time.Now()
	for c := range r.waiting {
		if !c.queued && c.known && !now.Before(c.due) {
			c.queued = true
			r.ready = append(r.ready, c)
		}
	}
}

// launch starts the handling of chats in the queue, as many as may run.
func (r *runner) launch(ctx context.Context, handlers *sync.WaitGroup) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	most := cmp.Or(r.projection.Concurrency, defaultConcurrency)
	for _, p := range r.leases {
		if events := p.revive; len(events) > 0 && !p.leaving && !r.paused && r.running < most {
			p.revive = nil
			r.running++
			p.running++
			handlers.Go(func() { r.reviveAll(ctx, p, events) })
		}
	}
	for len(r.ready) > 0 && r.running < most {
		c := r.ready[0]
		r.ready[0] = nil
		r.ready = r.ready[1:]
		if r.chats[c.chat] != c || c.partition.leaving || r.paused || !c.behind() {
			c.queued = false
			continue
		}
		r.running++
		c.partition.running++
		handlers.Go(func() { r.handle(ctx, c) })
	}
}

// behind reports whether the chat has events before its cursor.
func (c *cursor) behind() bool { return c.newest >= c.at.Position }

// plan adds the partitions that r wants to be looked through to since, each with the lowest position that any runner wants.
func (r *runner) plan(states map[int]chat.PartitionState, back map[int]int64, since map[int]int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for number, p := range r.leases {
		state, looked := states[number]
		if !looked { // it was claimed meanwhile
			continue
		}
		p.clock = state.Clock
		if from, wentBack := back[number]; wentBack {
			p.scanned = min(p.scanned, from)
		}
		if len(r.waiting) >= maxPending {
			continue
		}
		from := max(p.scanned-overlap.Microseconds(), 0)
		if state.Newest < from {
			p.scanned = max(p.scanned, p.clock)
			continue
		}
		if lowest, planned := since[number]; !planned || from < lowest {
			since[number] = from
		}
	}
}

// found takes a page of moved chats, which was read after began. complete: there are no more. It returns whether r wants the
// pages that follow.
func (r *runner) found(q chat.MovedSince, moved []chat.MovedChat, state chat.PartitionState, complete bool, began time.Time) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p := r.leases[q.Partition]
	if p == nil {
		return false
	}
	unsure := r.noteAll(p, moved, began, false)
	if complete {
		p.scanned = max(p.scanned, state.Clock)
	} else if len(moved) > 0 {
		p.scanned = max(p.scanned, min(moved[len(moved)-1].Position, state.Clock))
	}
	p.scanned = min(p.scanned, unsure)
	return len(r.waiting) < maxPending
}

// noteAll notes the positions of chats. It returns from where another look has to tell more. Chats of a sweep do not hold the floor
// back before their cursors are known: almost all of them have nothing to handle.
func (r *runner) noteAll(p *partition, moved []chat.MovedChat, began time.Time, sweeping bool) (unsure int64) {
	unsure = chat.MaxCursor
	for _, m := range moved {
		_, known := r.chats[m.Chat]
		if !r.note(p, m, began) {
			unsure = min(unsure, m.Position)
		}
		if c := r.chats[m.Chat]; c != nil && sweeping && !known {
			c.since = max(c.since, p.scanned)
		}
	}
	return unsure
}

// hasRoom reports whether r takes more chats.
func (r *runner) hasRoom() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.waiting) < maxPending
}

// note takes the newest position of a chat. It returns false where the position is before the chat's cursor, and the cursor has
// moved since began: then another look has to tell whether messages were lost.
func (r *runner) note(p *partition, m chat.MovedChat, began time.Time) bool {
	c := r.chats[m.Chat]
	if c != nil && c.partition != p { // of an earlier lease
		r.forget(c)
		c = nil
	}
	if c == nil {
		if !r.isOf(m.Chat) {
			return true
		}
		c = &cursor{chat: m.Chat, partition: p, newest: m.Position, since: m.Position, floor: p.scanned}
		r.chats[m.Chat] = c
		r.waiting[c] = struct{}{}
		return true
	}
	if !c.known {
		c.newest = max(c.newest, m.Position)
		return true
	}
	was := c.behind()
	switch {
	case m.Position > c.newest:
		c.newest = m.Position
		if c.attempts == 0 { // a burst may close early
			c.due = time.Time{}
		}
	case m.Position < c.at.Position-1 && c.given:
		if was || c.queued || !c.moved.Before(began) {
			return false
		}
		r.wentBack(c, m.Position)
	}
	if !was && c.behind() {
		c.since, c.floor = m.Position, p.scanned
		r.waiting[c] = struct{}{}
	}
	return true
}

// backBy is how much of a chat is handled again whose newest position is before its cursor.
const backBy = 10 * time.Minute

// wentBack sets the cursor of a chat back that has lost messages which were handled: Redis came back with older data.
// Newer messages may have positions before the cursor.
func (r *runner) wentBack(c *cursor, newest int64) {
	r.log.Warn("the log of a chat ends before the cursor; handling its last events again", "chat", c.chat, "end", newest, "cursor", c.at.Position)
	c.newest, c.given = newest, false
	c.at = chat.Cursor{Position: max(newest-backBy.Microseconds(), c.partition.start, 1)}
	c.read, c.gatherer, c.closed = c.at.Position, nil, nil
}

// readCursors reads the cursors of chats that were found.
func (r *runner) readCursors(ctx context.Context) {
	r.mutex.Lock()
	var chats []string
	for c := range r.waiting {
		if !c.known {
			chats = append(chats, c.chat)
		}
		if len(chats) == pageOfChats {
			break
		}
	}
	name := r.projection.Name
	r.mutex.Unlock()
	if len(chats) > 0 {
		cursors, err := r.source.Cursors(ctx, name, chats)
		if err != nil || len(cursors) != len(chats) {
			return // the next tick asks again
		}
		r.setCursors(chats, cursors)
	}
	r.look()
	r.wakeUp()
}

func (r *runner) setCursors(chats []string, cursors []chat.Cursor) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for i, name := range chats {
		c := r.chats[name]
		if c == nil || c.known {
			continue
		}
		c.known, c.given = true, cursors[i].Position > 0
		c.at, c.stored = cursors[i], cursors[i]
		if !c.given {
			c.at.Position = max(c.partition.start, 1)
		}
		c.read = c.at.Position
		if c.given && c.newest < c.at.Position-1 {
			r.wentBack(c, c.newest)
		}
		c.since = min(c.since, c.newest)
		if !c.behind() {
			delete(r.waiting, c)
		}
	}
	r.trim()
}

// trim forgets cursors that can be read again, where too many are known.
func (r *runner) trim() {
	if len(r.chats) <= maxKnown+maxPending {
		return
	}
	for _, c := range r.chats {
		if _, waits := r.waiting[c]; !waits && !c.queued && !c.changed() {
			r.forget(c)
		}
		if len(r.chats) <= maxKnown {
			return
		}
	}
}

// forget removes a chat.
func (r *runner) forget(c *cursor) {
	delete(r.waiting, c)
	delete(r.dirty, c)
	if r.chats[c.chat] == c {
		delete(r.chats, c.chat)
	}
}
