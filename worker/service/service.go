// Package service assembles a worker: the sinks of the configuration, and the projections that feed them.
package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/worker/kafka"
	"github.com/pullchat/pullchat/worker/push"
	"github.com/pullchat/pullchat/worker/webhook"
	"github.com/pullchat/pullchat/worker/words"
)

// Config is a worker's configuration. Each kind of sink has its part.
type Config struct {
	Bursts  Bursts         `embed:""`
	Push    push.Config    `embed:""`
	Kafka   kafka.Config   `embed:""`
	Webhook webhook.Config `embed:""`

	Metrics *metrics.Worker  `kong:"-"` // nil: off
	Traces  *tracing.Tracing `kong:"-"` // nil: off
}

// Bursts says which messages are one event for the sinks that gather them.
type Bursts struct {
	BurstMessages int           `name:"burst-messages" env:"BURST_MESSAGES" default:"10" placeholder:"N" help:"A burst (messages of one sender in one chat) ends after this many messages."`
	BurstQuiet    time.Duration `name:"burst-quiet" env:"BURST_QUIET" default:"3s" placeholder:"DURATION" help:"A burst ends when the sender is silent for this long."`
	BurstLongest  time.Duration `name:"burst-longest" env:"BURST_LONGEST" default:"10s" placeholder:"DURATION" help:"A burst ends this long after its first message."`
}

// Rule is the rule that they state.
func (b Bursts) Rule() *projection.Bursts {
	return &projection.Bursts{Messages: b.BurstMessages, Quiet: b.BurstQuiet, Longest: b.BurstLongest}
}

// Validate names every value that cannot work. Kong calls it.
func (b Bursts) Validate() error { return b.Rule().Validate() }

// Source has the methods of the rpc-servers that a worker needs.
type Source interface {
	projection.Source
	kafka.Sender
	words.Source
	webhook.Registry
	push.Source
}

// Sink is a kind of consumer.
type Sink interface {
	// Projections returns those that are to run now. It is called again and again: it must be cheap.
	Projections() []projection.Projection
	// Run does the sink's work besides, until ctx ends. It calls changed when Projections has others to return.
	Run(ctx context.Context, changed func()) error
}

// caller is the service as which a worker makes its calls.
var caller = chat.Caller{User: "worker", Service: true}

// Worker is a worker with its sinks.
type Worker struct {
	log    *slog.Logger
	worker *projection.Worker
	sinks  []Sink
}

// New returns a worker. No rpc-server need be there yet.
func New(config Config, source Source, log *slog.Logger) (*Worker, error) {
	settings := projection.Config{Source: source, Log: log, Trace: config.Traces.Handler()}
	if config.Metrics != nil {
		settings.Handled, config.Push.Notified = config.Metrics.Handled, config.Metrics.Notified
	}
	worker, err := projection.New(settings)
	if err != nil {
		return nil, err
	}
	config.Metrics.Projections(func() []metrics.Projection {
		var all []metrics.Projection
		for _, s := range worker.Stats() {
			all = append(all, metrics.Projection(s))
		}
		return all
	})
	return &Worker{log: log, worker: worker, sinks: sinks(config, source, log)}, nil
}

// sinks are those of a configuration.
func sinks(config Config, source Source, log *slog.Logger) []Sink {
	return []Sink{
		kafka.New(config.Kafka, config.Bursts.Rule(), source, log),
		words.New(source, log),
		webhook.New(config.Webhook, source, config.Bursts.Rule(), log),
		push.New(config.Push, config.Bursts.Rule(), source, log),
	}
}

// Ready returns why no events can be found at present, or nil.
func (w *Worker) Ready() error { return w.worker.Ready() }

// Run runs the projections until ctx ends. Then it stores their cursors and releases the leases.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(chat.WithCaller(ctx, caller))
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var mutex sync.Mutex
	update := func() {
		mutex.Lock()
		defer mutex.Unlock()
		var all []projection.Projection
		for _, sink := range w.sinks {
			all = append(all, sink.Projections()...)
		}
		if err := w.worker.Set(all); err != nil {
			w.log.Error("the projections cannot be run", "error", err)
		}
	}
	update()
	failed := make(chan error, len(w.sinks))
	for _, sink := range w.sinks {
		running.Go(func() {
			if err := sink.Run(ctx, update); err != nil && ctx.Err() == nil {
				failed <- err
				cancel()
			}
		})
	}
	w.log.Info("worker runs", "name", w.worker.Name())
	err := w.worker.Run(ctx)
	running.Wait()
	w.log.Info("worker stopped")
	select {
	case failure := <-failed:
		return failure
	default:
		return err
	}
}
