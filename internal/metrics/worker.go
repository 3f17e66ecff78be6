package metrics

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Projection counts the work of a projection in a worker.
type Projection struct {
	Name       string
	Events     int64         // handled
	Failures   int64         // calls of the handler that failed
	Dead       int64         // events that became dead letters
	Waiting    int           // chats with events
	Lag        time.Duration // age of the oldest position that was not handled
	Partitions int           // with a lease
}

// Worker has the metrics of a worker. They are read at each scrape.
type Worker struct {
	read  atomic.Pointer[func() []Projection]
	delay *prometheus.HistogramVec
	push  *prometheus.CounterVec
}

func newWorker(f factory) *Worker {
	w := &Worker{
		delay: f.histogram("projection_delay_seconds", "From the append of a message to the end of its handling.", short, "projection"),
		push:  f.counter("push_notifications_total", "Notifications to devices of users, by the kind of their subscription and what became of them.", "kind", "outcome"),
	}
	f.registry.MustRegister(w)
	return w
}

// Projections sets the function that is read at each scrape.
func (w *Worker) Projections(read func() []Projection) {
	if w != nil {
		w.read.Store(&read)
	}
}

// Handled records the time from the append of an event's last message, in microseconds since 1970, to now.
func (w *Worker) Handled(projection string, appended int64) {
	if w != nil {
		w.delay.WithLabelValues(kindOf(projection)).Observe(max(time.Since(time.UnixMicro(appended)).Seconds(), 0))
	}
}

// Notified counts a notification: sent, removed with a subscription that is gone, or refused.
func (w *Worker) Notified(kind, outcome string) {
	if w != nil {
		w.push.WithLabelValues(kind, outcome).Inc()
	}
}

// kindOf is the label of a projection: "webhook" for all of "webhook.…", so that the number of labels is bounded.
func kindOf(projection string) string {
	kind, _, _ := strings.Cut(projection, ".")
	return kind
}

func projectionDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("pullchat_projection_"+name, help, []string{"projection"}, nil)
}

var (
	projectionEvents     = projectionDesc("events_total", "Events that were handled.")
	projectionFailures   = projectionDesc("failures_total", "Calls of a handler that failed.")
	projectionDead       = projectionDesc("dead_letters_total", "Events that could not be handled, and were left out.")
	projectionWaiting    = projectionDesc("waiting_chats", "Chats with events that were not handled.")
	projectionLag        = projectionDesc("lag_seconds", "Age of the oldest position that was not handled, of the slowest projection of this kind.")
	projectionPartitions = projectionDesc("partitions", "Partitions on which this worker has a lease.")
)

// Describe implements prometheus.Collector.
func (w *Worker) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{projectionEvents, projectionFailures, projectionDead, projectionWaiting, projectionLag, projectionPartitions} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (w *Worker) Collect(collected chan<- prometheus.Metric) {
	read := w.read.Load()
	if read == nil {
		return
	}
	kinds := map[string]*Projection{}
	for _, p := range (*read)() {
		sum := kinds[kindOf(p.Name)]
		if sum == nil {
			sum = &Projection{Name: kindOf(p.Name)}
			kinds[sum.Name] = sum
		}
		sum.Events, sum.Failures, sum.Dead = sum.Events+p.Events, sum.Failures+p.Failures, sum.Dead+p.Dead
		sum.Waiting, sum.Partitions, sum.Lag = sum.Waiting+p.Waiting, sum.Partitions+p.Partitions, max(sum.Lag, p.Lag)
	}
	for kind, p := range kinds {
		counter := func(d *prometheus.Desc, n int64) {
			collected <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), kind)
		}
		gauge := func(d *prometheus.Desc, n float64) {
			collected <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, kind)
		}
		counter(projectionEvents, p.Events)
		counter(projectionFailures, p.Failures)
		counter(projectionDead, p.Dead)
		gauge(projectionWaiting, float64(p.Waiting))
		gauge(projectionLag, p.Lag.Seconds())
		gauge(projectionPartitions, float64(p.Partitions))
	}
}
