// Package metrics has every metric of the servers, and serves them to Prometheus. docs/metrics.md lists them.
//
// No label names a user, a chat or a room: the number of series does not grow with the users. A nil pointer is a set of
// metrics that is off. Its methods do nothing, so that callers need not ask.
package metrics

import (
	"cmp"
	"regexp"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/pullchat/pullchat/internal/buildinfo"
)

// Metrics are the metrics of one process. Each server gets its part; pullchat serve has all of them.
type Metrics struct {
	registry *prometheus.Registry
	gateway  *Gateway
	client   *Client
	service  *Service
	worker   *Worker
	ready    atomic.Pointer[func() error]
}

// New returns metrics that are on.
func New() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(),
	)
	f := factory{registry}
	batches, refusals := newBatches(f), newRefusals(f)
	gateway := newGateway(f, refusals)
	gateway.all = registry
	return &Metrics{
		registry: registry,
		gateway:  gateway,
		client:   newClient(f, batches),
		service:  newService(f, batches, refusals),
		worker:   newWorker(f),
	}
}

// Gateway returns the metrics of an http-server.
func (m *Metrics) Gateway() *Gateway {
	if m == nil {
		return nil
	}
	return m.gateway
}

// Client returns the metrics of a gateway's RPC client.
func (m *Metrics) Client() *Client {
	if m == nil {
		return nil
	}
	return m.client
}

// Service returns the metrics of an rpc-server.
func (m *Metrics) Service() *Service {
	if m == nil {
		return nil
	}
	return m.service
}

// Worker returns the metrics of a worker.
func (m *Metrics) Worker() *Worker {
	if m == nil {
		return nil
	}
	return m.worker
}

// Ready sets the answer of /readyz: 200 for nil, otherwise 503 with the error. Without it there is no /readyz.
func (m *Metrics) Ready(ready func() error) {
	if m != nil {
		m.ready.Store(&ready)
	}
}

// Gatherer returns the metrics for a scrape.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// buildInfo is always 1. Its labels are the build's.
func buildInfo() prometheus.Collector {
	build := buildinfo.Get()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pullchat_build_info", Help: "Always 1. The labels are the version of the program, its revision and the version of Go.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": cmp.Or(build.Commit, "unknown"), "go": build.Go},
	})
	info.Set(1)
	return info
}

// Buckets of durations in seconds. The deadlines of the servers are about two seconds; a wait lasts a minute at most.
var (
	short = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	long  = []float64{.1, .5, 1, 2.5, 5, 10, 15, 20, 25, 30, 60}
	hours = []float64{1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}
)

// factory makes metrics and registers them. All names begin with pullchat_.
type factory struct{ registry prometheus.Registerer }

func (f factory) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pullchat", Name: name, Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "pullchat", Name: name, Help: help}, labels)
	f.registry.MustRegister(g)
	return g
}

func (f factory) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "pullchat", Name: name, Help: help, Buckets: buckets}, labels)
	f.registry.MustRegister(h)
	return h
}

// Names returns the names of all metrics, also of those without a series yet.
func (m *Metrics) Names() (names []string) {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.registry.Describe(descs)
	}()
	for d := range descs {
		if name := fqName.FindStringSubmatch(d.String()); name != nil {
			names = append(names, name[1])
		}
	}
	return names
}

// fqName finds the name in the text of a Desc, which has no method for it.
var fqName = regexp.MustCompile(`fqName: "([^"]+)"`)
