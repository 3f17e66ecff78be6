package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullchat/pullchat/internal/batch"
)

// Batches have the metrics of Batchers, by name.
type Batches struct {
	size    *prometheus.HistogramVec
	wait    *prometheus.HistogramVec
	queue   *prometheus.GaugeVec
	refused *prometheus.CounterVec
}

func newBatches(f factory) *Batches {
	return &Batches{
		size: f.histogram("batch_size", "Calls in a batch.", prometheus.ExponentialBuckets(1, 2, 9), "batch"),
		wait: f.histogram("batch_wait_seconds", "Time in the queue of the oldest call of each batch.",
			[]float64{.00001, .00005, .0001, .0005, .001, .0025, .005, .01, .05, .1, .5, 1}, "batch"),
		queue:   f.gauge("batch_queue", "Calls that wait for a batch.", "batch"),
		refused: f.counter("batch_refused_total", "Calls refused because the queue was full.", "batch"),
	}
}

// of returns the observer of the Batchers of a name.
func (b *Batches) of(name string) *batcher {
	return &batcher{
		size: b.size.WithLabelValues(name), wait: b.wait.WithLabelValues(name),
		queue: b.queue.WithLabelValues(name), refused: b.refused.WithLabelValues(name),
	}
}

type batcher struct {
	size, wait prometheus.Observer
	queue      prometheus.Gauge
	refused    prometheus.Counter
}

var _ batch.Observer = (*batcher)(nil)

// Taken implements batch.Observer.
func (b *batcher) Taken(items int, waited time.Duration) {
	b.size.Observe(float64(items))
	b.wait.Observe(waited.Seconds())
}

// Queued implements batch.Observer.
func (b *batcher) Queued(change int) { b.queue.Add(float64(change)) }

// Refused implements batch.Observer.
func (b *batcher) Refused(items int) { b.refused.Add(float64(items)) }
