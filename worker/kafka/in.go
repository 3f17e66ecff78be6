package kafka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

const (
	// holdFor is how long records are tried before the group may rebalance: less than its 60 s. The rest is fetched again.
	holdFor = 15 * time.Second
	// maxPolled is how many records are handled between two commits.
	maxPolled = 500
	// commitWithin bounds a commit.
	commitWithin = 10 * time.Second
)

// in consumes a topic and sends its records as messages, those of a partition in their order. It commits a record's offset when
// its message is stored, or when the record is in the topic of dead letters.
type in struct {
	topic, dead string
	client      *kgo.Client
	sender      Sender
	log         *slog.Logger
	hold        time.Duration

	mutex   sync.Mutex
	failing error // why records wait; nil: they do not
}

// run consumes until ctx ends.
func (c *in) run(ctx context.Context) {
	defer c.client.CloseAllowingRebalance()
	for ctx.Err() == nil {
		c.round(ctx)
	}
}

// round handles the records of one poll. Records that cannot be handled now are fetched again.
func (c *in) round(ctx context.Context) {
	fetches := c.client.PollRecords(ctx, maxPolled)
	defer c.client.AllowRebalance()
	var failed error
	fetches.EachError(func(topic string, partition int32, err error) {
		failed = fmt.Errorf("topic %s, partition %d: %w", topic, partition, err)
	})
	if ctx.Err() != nil {
		return
	}
	if failed != nil {
		c.note(failed)
		if fetches.NumRecords() == 0 {
			_ = wait(ctx, time.Second) // its end is seen by run
			return
		}
	}
	holding, cancel := context.WithTimeout(ctx, c.hold)
	defer cancel()
	var (
		handling sync.WaitGroup
		mutex    sync.Mutex
		done     []*kgo.Record // the last of each partition
	)
	rest := map[int32]kgo.EpochOffset{}
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		handling.Go(func() {
			n := c.handleAll(holding, p.Records)
			mutex.Lock()
			defer mutex.Unlock()
			if n > 0 {
				done = append(done, p.Records[n-1])
			}
			if n < len(p.Records) {
				rest[p.Partition] = kgo.EpochOffset{Epoch: p.Records[n].LeaderEpoch, Offset: p.Records[n].Offset}
			}
		})
	})
	handling.Wait()
	c.commit(ctx, done)
	if len(rest) > 0 {
		c.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{c.topic: rest})
	}
}

// commit commits the offsets behind records. If it fails, a later commit counts, or the records come again and are stored once.
func (c *in) commit(ctx context.Context, done []*kgo.Record) {
	if len(done) == 0 {
		return
	}
	committing, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	if err := c.client.CommitRecords(committing, done...); err != nil {
		c.log.Warn("offsets could not be committed; a later commit includes them, and a record that is read twice is stored once", "topic", c.topic, "error", err)
	}
}

// handleAll handles records of a partition in order. It returns how many were handled before ctx ended.
func (c *in) handleAll(ctx context.Context, records []*kgo.Record) int {
	for i, record := range records {
		if c.handle(ctx, record) != nil {
			return i
		}
	}
	return len(records)
}

// handle sends a record, or makes it a dead letter. It tries again until ctx ends.
func (c *in) handle(ctx context.Context, record *kgo.Record) error {
	message, refusal := parse(record)
	if refusal == nil {
		refusal = c.send(ctx, message)
	}
	if refusal == nil {
		return nil
	}
	if !refused(refusal) {
		return refusal
	}
	c.log.Warn("a record was refused and written to the dead-letter topic", "record", coordinates(record), "error", refusal)
	return c.retry(ctx, func() error { return c.bury(ctx, record, refusal) })
}

// send stores a message. The error is a refusal, or ctx has ended.
func (c *in) send(ctx context.Context, message chat.Message) error {
	return c.retry(ctx, func() error {
		_, err := c.sender.Send(ctx, message)
		if chat.CodeOf(err) == chat.NotFound { // with AUTH=off, every id is a room to anonymous callers
			_, again := c.sender.Send(chat.WithCaller(ctx, chat.Caller{}), message)
			if chat.CodeOf(again) != chat.Unauthenticated {
				err = again
			}
		}
		if refused(err) {
			return backoff.Permanent(err)
		}
		return err
	})
}

// retry repeats a call until it succeeds, its error is permanent or ctx has ended.
func (c *in) retry(ctx context.Context, call func() error) error {
	pace := &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, MaxInterval: 2 * time.Second, Multiplier: 2, RandomizationFactor: 0.5}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := call()
		if permanent := new(backoff.PermanentError); errors.As(err, &permanent) {
			c.note(nil)
		} else if ctx.Err() == nil {
			c.note(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pace), backoff.WithMaxElapsedTime(0))
	return err
}

// note logs that records have to wait, and that they go on.
func (c *in) note(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch {
	case err != nil && c.failing == nil:
		c.log.Warn("records cannot be sent; retrying", "topic", c.topic, "error", err)
	case err == nil && c.failing != nil:
		c.log.Info("records are sent again", "topic", c.topic)
	}
	c.failing = err
}

// refused reports whether an error is the record's fault. With all others, the record waits.
func refused(err error) bool {
	switch chat.CodeOf(err) {
	case chat.InvalidArgument, chat.PermissionDenied, chat.NotFound, chat.Conflict, chat.TooLarge, chat.UnsupportedMediaType:
		return true
	}
	return false
}

// wish is the value of a record.
type wish struct {
	Chat   string `json:"chat"`
	Text   string `json:"text"`
	Sender string `json:"sender"`
	ID     string `json:"id"`
}

// parse returns the message of a record. One without an id gets the record's coordinates, so that it is stored once.
func parse(record *kgo.Record) (chat.Message, error) {
	var w wish
	if err := jsonobject.DecodeKnown("record", record.Value, &w); err != nil {
		return chat.Message{}, err
	}
	if w.ID == "" {
		w.ID = coordinates(record)
	}
	return chat.Message{Chat: w.Chat, Text: w.Text, Sender: w.Sender, ID: w.ID}, nil
}

// coordinates returns "topic/partition/offset", which is unique in a cluster. A hash replaces the topic where the id of a message
// would be too long.
func coordinates(record *kgo.Record) string {
	coordinates := "/" + strconv.Itoa(int(record.Partition)) + "/" + strconv.FormatInt(record.Offset, 10)
	if len(record.Topic)+len(coordinates) <= chat.MaxIDBytes {
		return record.Topic + coordinates
	}
	sum := sha256.Sum256([]byte(record.Topic))
	return hex.EncodeToString(sum[:16]) + coordinates
}

// bury produces a refused record to the topic of dead letters. A record that is too large there keeps its headers only: they say
// where it is.
func (c *in) bury(ctx context.Context, record *kgo.Record, refusal error) error {
	e := chat.AsError(refusal)
	letter := &kgo.Record{Topic: c.dead, Key: record.Key, Value: record.Value, Headers: append(slices.Clone(record.Headers),
		kgo.RecordHeader{Key: "error", Value: []byte(string(e.Code) + ": " + e.Message)},
		kgo.RecordHeader{Key: "source", Value: fmt.Appendf(nil, "%s/%d/%d", record.Topic, record.Partition, record.Offset)})}
	err := c.produce(ctx, letter)
	if errors.Is(err, kerr.MessageTooLarge) {
		letter.Key, letter.Value = nil, nil
		letter.Headers = letter.Headers[len(record.Headers):]
		err = c.produce(ctx, letter)
	}
	if err != nil {
		return fmt.Errorf("topic %s: %w", c.dead, err)
	}
	return nil
}

// produce returns when the brokers have acknowledged a record, or ctx has ended.
func (c *in) produce(ctx context.Context, record *kgo.Record) error {
	produced := *record // the producer writes to it
	answer := make(chan error, 1)
	c.client.Produce(ctx, &produced, func(_ *kgo.Record, err error) { answer <- err })
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait waits, or returns the error of a context that ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
