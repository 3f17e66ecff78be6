// Package kafka connects chats with topics of Kafka. Out: a projection produces every message. In: the records of a topic are
// sent as messages. docs/kafka.md describes the records.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

const (
	// concurrency is how many chats are produced at the same time. They share batches.
	concurrency = 64
	// firstRetry and lastRetry are the pauses of the projection after failures. The producer has its own retries.
	firstRetry, lastRetry = 500 * time.Millisecond, 5 * time.Second
	// linger is how long a batch waits for more records.
	linger = 5 * time.Millisecond
	// maxBufferedBytes bounds the records that wait for the brokers in memory. More messages wait in the logs of the
	// chats.
	maxBufferedBytes = 64 << 20

	metadataMinAge  = time.Second
	dialTimeout     = 5 * time.Second
	connIdleTimeout = 5 * time.Minute
)

// pause is how long to wait after so many failures in a row: 100 ms to 2 s, up to a quarter less by chance.
func pause(failures int) time.Duration {
	d := min(100*time.Millisecond<<min(max(failures-1, 0), 10), 2*time.Second)
	return d - rand.N(d/4) //nolint:gosec // spreads retries
}

// Sender stores messages: chat.Service.
type Sender interface {
	Send(context.Context, chat.Message) (chat.Receipt, error)
}

// Sink is the worker's part that talks to Kafka.
type Sink struct {
	config      Config
	log         *slog.Logger
	out         *out // nil: no messages go out
	in          *in  // nil: no records come in
	err         error
	projections []projection.Projection
}

// New returns a Sink. No broker need be there yet. Run returns the error of a configuration that cannot be used.
func New(config Config, rule *projection.Bursts, sender Sender, log *slog.Logger) *Sink {
	s := &Sink{config: config, log: log.With("sink", "kafka")}
	if len(config.KafkaBrokers) > 0 {
		s.err = s.open(rule, sender)
	}
	return s
}

func (s *Sink) open(rule *projection.Bursts, sender Sender) error {
	options, err := s.config.client()
	if err != nil {
		return err
	}
	broken := &faults{log: s.log, last: map[string]error{}}
	options = append(options, kgo.WithHooks(broken))
	if s.config.KafkaTopic != "" {
		topics, err := parseTopics(s.config.KafkaTopic)
		if err != nil {
			return err
		}
		o := &out{topics: topics, bursts: s.config.KafkaEvents == "bursts", faults: broken, deliveries: map[string]*delivery{}}
		if o.producer, err = kgo.NewClient(options...); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
		if o.alone, err = kgo.NewClient(append(options, kgo.MaxBufferedRecords(1))...); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
		s.out, s.projections = o, []projection.Projection{o.projection(s.config, rule)}
	}
	if s.config.KafkaInTopic != "" {
		s.in = &in{topic: s.config.KafkaInTopic, dead: s.config.deadTopic(), sender: sender, log: s.log, hold: holdFor}
		options = append(options, kgo.ConsumeTopics(s.in.topic), kgo.ConsumerGroup(s.config.KafkaInGroup), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())
		if s.in.client, err = kgo.NewClient(options...); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
	}
	return nil
}

// Projections returns the projection that produces messages, if they go out.
func (s *Sink) Projections() []projection.Projection { return s.projections }

// Run consumes records until ctx ends. Then it waits a moment for records that are being sent.
func (s *Sink) Run(ctx context.Context, _ func()) error {
	if s.err != nil {
		return s.err
	}
	var running sync.WaitGroup
	defer running.Wait()
	if s.in != nil {
		running.Go(func() { s.in.run(ctx) })
	}
	if s.out != nil {
		<-ctx.Done()
		s.out.close(ctx)
	}
	return nil
}

// close waits for the acknowledgements of the produced records, and ends the producers.
func (o *out) close(ctx context.Context) {
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterEnd)
	defer cancel()
	_ = o.producer.Flush(flushing) // the next worker produces records without an acknowledgement again
	o.producer.Close()
	o.alone.Close()
}

// faults notes which brokers cannot be reached, and why. It is a kgo.Hook.
type faults struct {
	log   *slog.Logger
	mutex sync.Mutex
	last  map[string]error // by the broker's address
}

var _ kgo.HookBrokerConnect = (*faults)(nil)

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (f *faults) OnBrokerConnect(broker kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	address := net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port)))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, failed := f.last[address]
	switch {
	case err != nil:
		f.last[address] = err
		if !failed {
			f.log.Warn("a broker cannot be reached; retrying", "broker", address, "error", err)
		}
	case failed:
		delete(f.last, address)
		f.log.Info("a broker is reached again", "broker", address)
	}
}

// away returns why the brokers have not answered, as far as it is known.
func (f *faults) away() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for address, err := range f.last {
		return fmt.Errorf("the brokers do not acknowledge; %s: %w", address, err)
	}
	return errors.New("the brokers do not acknowledge")
}
