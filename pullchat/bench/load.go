package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sent is a message that the server has acknowledged or may have stored.
type sent struct {
	chat, number int
	sendTime     int64 // 0: no clear answer
	acked        time.Time
}

// worker is one connection's load.
type worker struct {
	number   int
	random   *rand.Rand
	conn     *connection
	count    int    // messages sent so far
	messages []sent // in the order in which they were sent
	latency  *hdrhistogram.Histogram
	statuses map[int]int // of the measurement; 0 counts requests without an answer
	wrong    int         // pages with wrong content
	done     *atomic.Int64
}

func newRandom(worker int) *rand.Rand { return rand.New(rand.NewPCG(1, uint64(worker))) }

// Latencies are recorded from 1 µs to 1 minute with three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// measure runs all workers through warm-up and measurement.
func (r *run) measure(ctx context.Context) (*Report, error) {
	var done atomic.Int64
	for n := range r.Connections {
		user := senderName(n)
		if r.again.path != "" { // of one user
			user = r.name
		}
		conn, err := r.as(user)
		if err != nil {
			return nil, err
		}
		defer conn.close()
		r.workers = append(r.workers, &worker{
			number: n, random: newRandom(n), conn: conn,
			latency: newHistogram(), statuses: map[int]int{}, done: &done,
		})
	}
	start := time.Now()
	from := start.Add(r.Warmup)
	until := from.Add(r.Duration)
	var group sync.WaitGroup
	for _, w := range r.workers {
		group.Go(func() { r.work(ctx, w, start, from, until) })
	}
	before, after, err := r.watch(ctx, &done, from, until)
	group.Wait()
	if err != nil {
		return nil, err
	}
	return r.report(before, after), ctx.Err()
}

// watch reads the processes' CPU time at both ends of the measurement, and writes a progress line each second.
func (r *run) watch(ctx context.Context, done *atomic.Int64, from, until time.Time) (before, after []time.Duration, err error) {
	<-time.After(time.Until(from))
	if before, err = cpuTimes(r.Processes); err != nil {
		return nil, nil, err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := done.Load()
	for end := time.After(time.Until(until)); ; {
		select {
		case <-tick.C:
			now := done.Load()
			fmt.Fprintf(r.progress, "%3.0f s  %d requests/s\n", time.Since(from).Seconds(), now-last)
			last = now
		case <-end:
			after, err = cpuTimes(r.Processes)
			return before, after, err
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// work makes requests until the end. With a rate, each request has a due time, and its latency counts from then. So a
// stall counts for all requests that it delays (no coordinated omission).
func (r *run) work(ctx context.Context, w *worker, start, from, until time.Time) {
	interval := time.Duration(0)
	if r.Rate > 0 {
		interval = time.Duration(float64(time.Second) * float64(r.Connections) / r.Rate)
	}
	due := start.Add(interval * time.Duration(w.number) / time.Duration(r.Connections))
	for ctx.Err() == nil {
		begin := time.Now()
		if interval > 0 {
			if wait := due.Sub(begin); wait > 0 {
				<-time.After(wait)
			}
			begin = due
			due = due.Add(interval)
		}
		if !begin.Before(until) {
			return
		}
		status := r.request(ctx, w)
		w.done.Add(1)
		if w.conn.retryAfter > 0 && interval == 0 { // as asked, but spread out
			<-time.After(w.conn.retryAfter/2 + time.Duration(w.random.Int64N(int64(w.conn.retryAfter))))
		}
		if begin.Before(from) {
			continue
		}
		w.statuses[status]++
		if status == 200 {
			_ = w.latency.RecordValue(max(1, time.Since(begin).Microseconds()))
		}
	}
}

func (r *run) request(ctx context.Context, w *worker) int {
	switch {
	case r.again.path != "":
		return r.repeat(ctx, w)
	case r.Kind == Send || r.Kind == Live || r.Kind == Mixed && w.random.IntN(10) == 0:
		return r.send(ctx, w)
	}
	return r.pull(ctx, w)
}

func (r *run) send(ctx context.Context, w *worker) int {
	m := sent{chat: r.draw(w), number: w.count}
	w.count++
	status, sendTime, err := w.conn.send(ctx, r.chat(m.chat), senderName(w.number), r.text(w.number, m.number))
	m.sendTime, m.acked = sendTime, time.Now()
	if status == 200 || err != nil || status >= 500 {
		w.messages = append(w.messages, m)
	}
	return status
}

func (r *run) pull(ctx context.Context, w *worker) int {
	chat := r.draw(w)
	cursor, reverse := int64(0), true // the newest page
	if r.Kind == Pull || w.random.IntN(5) == 0 {
		// A page from anywhere that has a whole page after it.
		within := max(1, r.History-r.Limit)
		cursor, reverse = r.histories[chat*r.History+w.random.IntN(within)].sendTime, false
	}
	status, body, err := w.conn.pull(ctx, r.chat(chat), cursor, r.Limit, reverse)
	if err != nil {
		return 0
	}
	if status == 200 && bytes.Count(body, []byte(`"send_time":`)) != min(r.Limit, r.History) {
		w.wrong++
	}
	return status
}

func senderName(worker int) string { return fmt.Sprint("w", worker) }

// text returns a text unique in the run. It has the configured length if that is long enough.
func (r *run) text(worker, number int) []byte {
	text := fmt.Appendf(nil, "%d/%d ", worker, number)
	for len(text) < r.TextBytes {
		text = append(text, 'x')
	}
	return text
}

// fillHistories stores every chat's history before a run that reads.
func (r *run) fillHistories(ctx context.Context) error {
	r.histories = make([]sent, r.Chats*r.History)
	var next atomic.Int64
	var group sync.WaitGroup
	failed := make(chan error, 1)
	for range min(r.Chats, 32) {
		conn, err := r.service()
		if err != nil {
			return err
		}
		defer conn.close()
		group.Go(func() {
			for chat := int(next.Add(1)) - 1; chat < r.Chats; chat = int(next.Add(1)) - 1 {
				for i := range r.History {
					number := chat*r.History + i
					status, sendTime, err := conn.send(ctx, r.chat(chat), r.historian(chat), r.text(-1, number))
					if err != nil || status != 200 {
						select {
						case failed <- errors.Join(fmt.Errorf("status %d", status), err):
						default:
						}
						return
					}
					r.histories[number] = sent{chat: chat, number: number, sendTime: sendTime}
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
