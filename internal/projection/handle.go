package projection

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Stats count the work of a projection in this worker.
type Stats struct {
	Name       string
	Events     int64         // handled
	Failures   int64         // calls of the handler that failed
	Dead       int64         // events that became dead letters
	Waiting    int           // chats with events
	Lag        time.Duration // age of the oldest position that was not handled
	Partitions int           // with a lease
}

// overtakenAfter is the time between a position that was handled and the next message, before which nothing can have been
// removed unseen.
const overtakenAfter = 2 * time.Second

// handle handles the next events of a chat.
func (r *runner) handle(ctx context.Context, c *cursor) {
	events, err := r.read(ctx, c)
	if err == nil && len(events) > 0 {
		err = r.call(ctx, c, events)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	defer r.wakeUp()
	r.running--
	c.partition.running--
	c.queued = false
	if r.chats[c.chat] != c || r.leases[c.partition.number] != c.partition { // the lease was lost
		return
	}
	switch {
	case chat.CodeOf(err) == chat.NotFound && len(events) == 0:
		c.partition.removed = append(c.partition.removed, c.chat)
		r.forget(c)
		r.well(c)
		return
	case ctx.Err() != nil: // nothing was wrong
	case err == nil:
		r.well(c)
	default:
		r.failed(ctx, c, events, err)
	}
	r.settle(c)
}

// settle records why a chat waits. The mutex is held.
func (r *runner) settle(c *cursor) {
	if r.chats[c.chat] != c { // it was lost while GaveUp ran
		return
	}
	c.moved = time.Now()
	if c.changed() {
		r.dirty[c] = struct{}{}
	}
	if !c.behind() {
		delete(r.waiting, c)
		return
	}
	if c.gatherer != nil && c.attempts == 0 && c.read > c.newest && len(c.closed) == 0 {
		if wait, open := c.gatherer.wait(c.partition.clock); open {
			c.due = c.moved.Add(wait)
		}
	}
	if !time.Now().Before(c.due) {
		c.queued = true
		r.ready = append(r.ready, c)
	}
}

// read returns the next events of a chat.
func (r *runner) read(ctx context.Context, c *cursor) ([]Event, error) {
	r.mutex.Lock()
	bursts, newest, from, clock := r.projection.Bursts, c.newest, c.at.Position, c.partition.clock
	if bursts == nil && c.gatherer != nil { // the projection was replaced by one without
		c.gatherer, c.closed, c.at.State = nil, nil, ""
	}
	r.mutex.Unlock()
	if bursts == nil {
		messages, err := r.pull(ctx, c, from, newest)
		events := make([]Event, len(messages))
		for i := range messages {
			events[i] = event(c.chat, messages[i:i+1])
		}
		return events, err
	}
	if c.gatherer == nil {
		c.gatherer, c.read = newGatherer(*bursts, c.at.State), from
	}
	if c.read <= newest && len(c.closed) == 0 {
		messages, err := r.pull(ctx, c, c.read, newest)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			c.closed = append(c.closed, c.gatherer.add(m)...)
			c.read = m.SendTime + 1
		}
		if len(messages) == 0 {
			c.read = newest + 1
		}
	}
	if c.read > newest {
		c.closed = append(c.closed, c.gatherer.expire(clock)...)
	}
	events := make([]Event, len(c.closed))
	for i, burst := range c.closed {
		events[i] = event(c.chat, burst)
	}
	if len(events) == 0 {
		r.advance(c, nil)
	}
	return events, nil
}

func event(name string, messages []chat.Message) Event {
	e := Event{Chat: name, Messages: messages}
	e.ID = chat.EventID(name, e.Last().SendTime)
	return e
}

// pull returns the messages of a chat from a position on. It asks for the message before them too: its absence tells that
// messages were removed. newest is where the chat's last message should be; where there is none, the chat has no events.
func (r *runner) pull(ctx context.Context, c *cursor, from, newest int64) ([]chat.Message, error) {
	page, err := r.worker.pages.pull(ctx, c.chat, from-1)
	if err != nil {
		return nil, err
	}
	messages, previous := after(page.Messages, from)
	if len(messages) == 0 { // perhaps a page that was read earlier
		page, err = r.source.Pull(ctx, chat.PullRequest{Chat: c.chat, Cursor: from, Limit: pullLimit})
		if err != nil {
			return nil, err
		}
		messages, _ = after(page.Messages, from)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	end := newest + 1
	if len(messages) > 0 {
		end = messages[0].SendTime
	} else if c.at.Position == from { // all were removed
		c.at.Position = newest + 1
	}
	if begins := max(from, c.floor); c.given && !previous && end-begins > overtakenAfter.Microseconds() {
		text := fmt.Sprintf("retention may have removed messages from position %d to %d before they were handled", begins, end)
		r.log.Warn(text, "chat", c.chat)
		c.partition.dead = append(c.partition.dead, chat.DeadLetter{Event: chat.EventID(c.chat, begins), Error: text, At: time.Now().UnixMicro()})
		r.stats.Dead++
	}
	return messages, nil
}

// after returns the messages from a position on, and whether there is one just before it.
func after(messages []chat.Message, from int64) (rest []chat.Message, previous bool) {
	for len(messages) > 0 && messages[0].SendTime < from {
		previous = messages[0].SendTime == from-1
		messages = messages[1:]
	}
	return messages, previous
}

// call calls the handler. It records the events handled before an error.
func (r *runner) call(ctx context.Context, c *cursor, events []Event) (err error) {
	r.mutex.Lock()
	handler := r.projection.Handler
	r.mutex.Unlock()
	var counts []chat.Count
	n := len(events)
	ctx, end := r.worker.trace(ctx, r.name(), n)
	defer func() { end(err) }()
	if counter, is := handler.(Counter); is {
		if counts, err = counter.Count(ctx, events); err != nil {
			n = 0 // the counts of those before the error are not known
		}
	} else if err = handler.Handle(ctx, events); err != nil {
		n = min(handledBefore(err), n)
	}
	if handled := r.worker.config.Handled; handled != nil {
		for _, e := range events[:n] {
			handled(r.name(), e.Last().SendTime)
		}
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.advanceLocked(c, events[:n])
	if err == nil {
		c.counts = append(c.counts, counts...)
	}
	c.partition.handled += int64(n)
	r.stats.Events += int64(n)
	return err
}

// trace calls Config.Trace. Its end gets the error that the handler meant, without Handled and Reject.
func (w *Worker) trace(ctx context.Context, name string, events int) (_ context.Context, end func(error)) {
	if w.config.Trace == nil {
		return ctx, func(error) {}
	}
	ctx, ends := w.config.Trace(ctx, name, events)
	return ctx, func(err error) {
		if h, is := errors.AsType[handled](err); is {
			err = h.error
		}
		if r, is := errors.AsType[rejected](err); is {
			err = r.error
		}
		ends(err)
	}
}

// advance moves the cursor behind events.
func (r *runner) advance(c *cursor, events []Event) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.advanceLocked(c, events)
}

func (r *runner) advanceLocked(c *cursor, events []Event) {
	if c.gatherer == nil {
		if len(events) > 0 {
			c.at.Position = events[len(events)-1].Last().SendTime + 1
		}
		return
	}
	for _, e := range events {
		c.gatherer.handled(e.Messages)
	}
	c.closed = c.closed[min(len(events), len(c.closed)):]
	c.at = c.gatherer.cursor(c.read, c.closed)
}

// well notes that the handler works. The mutex is held.
func (r *runner) well(c *cursor) {
	c.attempts, c.due, c.failing = 0, time.Time{}, time.Time{}
	if p := c.partition; p.failing != 0 && !r.anyFails(p) {
		p.failing, p.failure = 0, ""
	}
}

// anyFails reports whether a chat of a partition fails.
func (r *runner) anyFails(p *partition) bool {
	for c := range r.waiting {
		if c.partition == p && !c.failing.IsZero() {
			return true
		}
	}
	return false
}

// failed notes an error, and when the event is tried again. The mutex is held.
func (r *runner) failed(ctx context.Context, c *cursor, events []Event, err error) {
	r.stats.Failures++
	n := min(handledBefore(err), len(events))
	if isRejected(err) && n < len(events) {
		r.bury(c, events[n], err)
		return
	}
	p := c.partition
	if c.failing.IsZero() {
		c.failing = time.Now()
		if p.failing != 0 {
			c.failing = time.UnixMicro(p.failing)
		}
	}
	if p.failing == 0 {
		p.failing = c.failing.UnixMicro()
		r.log.Warn("an event cannot be handled; retrying", "chat", c.chat, "error", err)
	}
	p.failure = fmt.Sprintf("%.500s", err.Error())
	if limit := r.projection.GiveUp; limit > 0 && time.Since(c.failing) > limit && n < len(events) {
		if gaveUp := r.projection.GaveUp; gaveUp != nil {
			since := c.failing
			r.mutex.Unlock()
			gaveUp(ctx, since, err)
			r.mutex.Lock()
		} else {
			r.bury(c, events[n], err)
			return
		}
	}
	c.due = time.Now().Add(r.pause(c.attempts))
	c.attempts++
}

// pause is how long to wait after so many failures before: twice as long each time, and up to a quarter less by chance.
func (r *runner) pause(attempts int) time.Duration {
	first, last := r.projection.FirstRetry, r.projection.LastRetry
	if first == 0 {
		first = firstRetry
	}
	if last == 0 {
		last = lastRetry
	}
	pause := last
	if attempts < 30 {
		pause = min(first<<attempts, last)
	}
	return pause - rand.N(pause/4+1) //nolint:gosec // spreads retries
}

// bury makes an event a dead letter. The mutex is held.
func (r *runner) bury(c *cursor, e Event, err error) {
	r.log.Warn("an event cannot be handled and is skipped", "event", e.ID, "error", err)
	c.partition.dead = append(c.partition.dead, chat.DeadLetter{Event: e.ID, Error: fmt.Sprintf("%.500s", err.Error()), At: time.Now().UnixMicro()})
	r.stats.Dead++
	r.advanceLocked(c, []Event{e})
	r.well(c)
}

// Stats returns the counts of each projection in this worker.
func (w *Worker) Stats() []Stats {
	var all []Stats
	for _, r := range w.all() {
		all = append(all, r.snapshot())
	}
	return all
}

func (r *runner) snapshot() Stats {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s := r.stats
	s.Name, s.Waiting, s.Partitions = r.projection.Name, len(r.waiting), len(r.leases)
	for p, floor := range r.floors(false) {
		if floor > 0 && p.clock > floor {
			s.Lag = max(s.Lag, time.Duration(p.clock-floor)*time.Microsecond)
		}
	}
	return s
}
