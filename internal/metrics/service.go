package metrics

import (
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullchat/pullchat/internal/batch"
)

// Service has the metrics of an rpc-server.
type Service struct {
	refusals *Refusals
	batches  *Batches

	calls       *prometheus.HistogramVec
	redis       *prometheus.HistogramVec
	redisErrors *prometheus.CounterVec
	nodes       atomic.Pointer[func() map[string]int]
	pool        atomic.Pointer[func() Pool]
	jobs        *prometheus.HistogramVec
	jobFailures *prometheus.CounterVec
}

func newService(f factory, batches *Batches, refusals *Refusals) *Service {
	s := &Service{
		refusals: refusals, batches: batches,
		calls: f.histogram("rpc_server_duration_seconds", "Time that this rpc-server took to answer calls, by method and outcome (ok or error).",
			short, "method", "outcome"),
		redis: f.histogram("redis_duration_seconds", "Round trips to Redis: a command by itself by its name, or a pipeline.",
			short, "operation"),
		redisErrors: f.counter("redis_errors_total", "Round trips to Redis with an error.", "operation"),
		jobs:        f.histogram("background_duration_seconds", "Runs of background work by task.", append(short[4:len(short):len(short)], 10, 60, 600), "task"),
		jobFailures: f.counter("background_failures_total", "Runs of background work that failed.", "task"),
	}
	f.registry.MustRegister(
		&states{
			desc: prometheus.NewDesc("pullchat_redis_nodes",
				"Known Redis nodes by state: answering, away, or short of replicas.", []string{"state"}, nil),
			read: func() map[string]int {
				if read := s.nodes.Load(); read != nil {
					return (*read)()
				}
				return nil
			},
		},
		&pool{service: s},
	)
	return s
}

// Middleware records the calls that are answered. Streams are left out.
func (s *Service) Middleware() endpoint.Middleware {
	if s == nil {
		return unmeasured
	}
	return measured(s.calls)
}

// Batcher returns the observer of a Batcher, or nil.
func (s *Service) Batcher(name string) batch.Observer {
	if s == nil {
		return nil
	}
	return s.batches.of(name)
}

// Redis sets the functions that are read at each scrape: the number of nodes by state, and the pool of connections.
func (s *Service) Redis(nodes func() map[string]int, pool func() Pool) {
	if s != nil {
		s.nodes.Store(&nodes)
		s.pool.Store(&pool)
	}
}

// Job records a run of background work.
func (s *Service) Job(name string, took time.Duration, err error) {
	if s == nil {
		return
	}
	s.jobs.WithLabelValues(name).Observe(took.Seconds())
	failures := s.jobFailures.WithLabelValues(name) // 0 too, so that a first failure is an increase
	if err != nil {
		failures.Inc()
	}
}

// RoundTrip records a round trip to Redis: a command by itself, by its name, or a pipeline.
func (s *Service) RoundTrip(operation string, took time.Duration, failed bool) {
	s.redis.WithLabelValues(operation).Observe(took.Seconds())
	failures := s.redisErrors.WithLabelValues(operation)
	if failed {
		failures.Inc()
	}
}

// Pool is the state of the connections to Redis.
type Pool struct {
	Total, Idle      uint32
	Timeouts, Misses uint32 // since the start
}

// pool reads the connections to Redis at each scrape.
type pool struct{ service *Service }

var (
	poolConnections = prometheus.NewDesc("pullchat_redis_pool_connections", "Connections to Redis, in use and idle.", []string{"state"}, nil)
	poolTimeouts    = prometheus.NewDesc("pullchat_redis_pool_timeouts_total", "Commands that got no connection to Redis in time.", nil, nil)
	poolMisses      = prometheus.NewDesc("pullchat_redis_pool_misses_total", "Commands that found no idle connection to Redis.", nil, nil)
)

// Describe implements prometheus.Collector.
func (pool) Describe(descs chan<- *prometheus.Desc) {
	descs <- poolConnections
	descs <- poolTimeouts
	descs <- poolMisses
}

// Collect implements prometheus.Collector.
func (p pool) Collect(metrics chan<- prometheus.Metric) {
	read := p.service.pool.Load()
	if read == nil {
		return
	}
	stats := (*read)()
	idle := min(stats.Idle, stats.Total)
	metrics <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(stats.Total-idle), "used")
	metrics <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(idle), "idle")
	metrics <- prometheus.MustNewConstMetric(poolTimeouts, prometheus.CounterValue, float64(stats.Timeouts))
	metrics <- prometheus.MustNewConstMetric(poolMisses, prometheus.CounterValue, float64(stats.Misses))
}
