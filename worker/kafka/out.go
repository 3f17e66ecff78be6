package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/projection"
)

const (
	// patience is how long the brokers may take to acknowledge events, before the projection is told that it fails.
	patience = 5 * time.Second
	// afterEnd is how long a stopping worker waits for the brokers.
	afterEnd = 2 * time.Second
	// resultsLast is how long the result of a delivery is kept for a retry that asks for it.
	resultsLast = time.Minute
	// manyDeliveries is when old results are looked for.
	manyDeliveries = 1024
)

// out is the handler of the projection. It hands events to the producer, and returns when the brokers have acknowledged them.
type out struct {
	topics   topics
	bursts   bool
	producer *kgo.Client
	alone    *kgo.Client // has one record in a batch
	faults   *faults

	mutex      sync.Mutex
	deliveries map[string]*delivery // by chat, until their results are taken
}

// delivery is events of one chat on their way to the brokers. The producer tries for ever, so a delivery outlasts the call of
// Handle that began it. The next call for the same events takes its result, and nothing is produced twice.
type delivery struct {
	first string        // the id of the first event
	done  chan struct{} // closed when all are answered

	mutex    sync.Mutex
	open     int // events without an answer, and one while more may be added
	events   int
	failed   int // the first event that failed; it counts where err is set
	err      error
	finished time.Time
}

// Handle implements projection.Handler.
func (o *out) Handle(ctx context.Context, events []projection.Event) error {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for handled := 0; handled < len(events); {
		d := o.deliver(ctx, waiting, events[handled:])
		if err := o.wait(waiting, ctx, d.done); err != nil {
			return projection.Handled(handled, err)
		}
		o.forget(events[0].Chat, d)
		handled = min(handled+d.acknowledged(), len(events))
		if d.err == nil {
			continue
		}
		if waiting.Err() != nil && errors.Is(d.err, waiting.Err()) { // the producer had no room
			return projection.Handled(handled, o.faults.away())
		}
		if !errors.Is(d.err, kerr.MessageTooLarge) {
			return projection.Handled(handled, fmt.Errorf("topic %s: %w", o.topics.of(events[0].Chat), d.err))
		}
		// The brokers refuse a whole batch, which may be good without its neighbours.
		if err := o.sendAlone(ctx, waiting, events[handled]); err != nil {
			return projection.Handled(handled, err)
		}
		handled++
	}
	return nil
}

// deliver returns the delivery of events, which it begins unless it is under way.
func (o *out) deliver(ctx, waiting context.Context, events []projection.Event) *delivery {
	d, begun := o.begin(events[0])
	if begun {
		return d
	}
	kept := context.WithoutCancel(ctx)
	for i, e := range events {
		d.mutex.Lock()
		d.open++
		d.events++
		stop := d.err != nil
		d.mutex.Unlock()
		if stop || waiting.Err() != nil { // nothing is produced behind a gap
			d.answer(i, waiting.Err())
			break
		}
		record := o.record(e)
		record.Context = kept
		o.producer.Produce(waiting, record, func(_ *kgo.Record, err error) { d.answer(i, err) })
	}
	d.answer(0, nil)
	return d
}

// begin returns the delivery under way that begins with an event, or a new one.
func (o *out) begin(first projection.Event) (d *delivery, begun bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if len(o.deliveries) > manyDeliveries {
		maps.DeleteFunc(o.deliveries, func(_ string, d *delivery) bool { return d.stale() })
	}
	if d := o.deliveries[first.Chat]; d != nil && d.first == first.ID && !d.stale() {
		return d, true
	}
	d = &delivery{first: first.ID, done: make(chan struct{}), open: 1}
	o.deliveries[first.Chat] = d
	return d, false
}

// forget removes a delivery whose result was taken.
func (o *out) forget(name string, d *delivery) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.deliveries[name] == d {
		delete(o.deliveries, name)
	}
}

// answer notes the answer to an event.
func (d *delivery) answer(i int, err error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if err != nil && (d.err == nil || i < d.failed) {
		d.failed, d.err = i, err
	}
	if d.open--; d.open == 0 {
		d.finished = time.Now()
		close(d.done)
	}
}

// acknowledged returns how many events were acknowledged before the first failure. The delivery is done.
func (d *delivery) acknowledged() int {
	if d.err != nil {
		return d.failed
	}
	return d.events
}

// stale reports whether the result is so old that no retry asks for it: the chat belongs to another worker now.
func (d *delivery) stale() bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return !d.finished.IsZero() && time.Since(d.finished) > resultsLast
}

// wait waits until a channel is closed. A worker that stops waits a little longer.
func (o *out) wait(waiting, ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-waiting.Done():
	}
	if ctx.Err() == nil {
		return o.faults.away()
	}
	end := time.NewTimer(afterEnd)
	defer end.Stop()
	select {
	case <-done:
		return nil
	case <-end.C:
		return ctx.Err()
	}
}

// sendAlone produces an event in a batch of its own, behind an event that was acknowledged. One that is still too large is
// rejected.
func (o *out) sendAlone(ctx, waiting context.Context, e projection.Event) error {
	record, done := o.record(e), make(chan struct{})
	record.Context = context.WithoutCancel(ctx)
	var failure error
	o.alone.Produce(waiting, record, func(_ *kgo.Record, err error) {
		failure = err
		close(done)
	})
	if err := o.wait(waiting, ctx, done); err != nil {
		return err
	}
	if errors.Is(failure, kerr.MessageTooLarge) {
		return projection.Reject(fmt.Errorf("the event has %d bytes as JSON, too many for the topic: %w", len(record.Value), failure))
	}
	return failure
}

// record returns the record of an event.
func (o *out) record(e projection.Event) *kgo.Record {
	last := e.Last()
	return &kgo.Record{
		Topic: o.topics.of(e.Chat), Key: []byte(e.Chat), Value: encode(e, o.bursts),
		Headers: []kgo.RecordHeader{{Key: "id", Value: []byte(e.ID)}, {Key: "position", Value: strconv.AppendInt(nil, last.SendTime, 10)}},
	}
}

// encode returns the JSON of an event: a message or a notice as a pull returns it, or a burst with its messages.
func encode(e projection.Event, bursts bool) []byte {
	last := e.Last()
	if !bursts || last.Notice != nil {
		return entry.AppendMessageJSON(nil, &last)
	}
	value := entry.AppendString([]byte(`{"type":"burst","chat":`), e.Chat)
	value = entry.AppendString(append(value, `,"sender":`...), last.Sender)
	value = strconv.AppendInt(append(value, `,"send_time":`...), last.SendTime, 10)
	value = append(value, `,"messages":[`...)
	for i := range e.Messages {
		if i > 0 {
			value = append(value, ',')
		}
		value = entry.AppendMessageJSON(value, &e.Messages[i])
	}
	return append(value, `]}`...)
}

// projection returns the projection whose handler o is. A nil rule makes an event of each message.
func (o *out) projection(config Config, rule *projection.Bursts) projection.Projection {
	p := projection.Projection{Name: "kafka", Handler: o, Concurrency: concurrency, FirstRetry: firstRetry, LastRetry: lastRetry}
	if config.KafkaStart == "now" {
		p.Start = chat.StartNow
	}
	if config.KafkaChats == "rooms" {
		p.Chats = func(name string) bool {
			id, err := chat.ParseID(name)
			return err == nil && id.IsRoom()
		}
	}
	if o.bursts {
		p.Bursts = rule
	}
	return p
}
