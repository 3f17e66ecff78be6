package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullchat/pullchat/internal/batch"
)

// Client has the metrics of a gateway's RPC client.
type Client struct {
	batches *Batches

	calls   *prometheus.HistogramVec
	servers atomic.Pointer[func() (serving, away int)]
}

func newClient(f factory, batches *Batches) *Client {
	c := &Client{
		batches: batches,
		calls: f.histogram("rpc_client_duration_seconds", "Time that calls of rpc-servers took, by method and outcome (ok or error).",
			short, "method", "outcome"),
	}
	f.registry.MustRegister(&states{
		desc: prometheus.NewDesc("pullchat_rpc_servers", "Known rpc-servers by state: serving, or away.", []string{"state"}, nil),
		read: func() map[string]int {
			read := c.servers.Load()
			if read == nil {
				return nil
			}
			serving, away := (*read)()
			return map[string]int{"serving": serving, "away": away}
		},
	})
	return c
}

// Servers sets the function that counts the known rpc-servers at each scrape.
func (c *Client) Servers(read func() (serving, away int)) {
	if c != nil {
		c.servers.Store(&read)
	}
}

// Middleware records calls. Streams are left out.
func (c *Client) Middleware() endpoint.Middleware {
	if c == nil {
		return unmeasured
	}
	return measured(c.calls)
}

// Batcher returns the observer of a Batcher, or nil.
func (c *Client) Batcher(name string) batch.Observer {
	if c == nil {
		return nil
	}
	return c.batches.of(name)
}

func unmeasured(next endpoint.Endpoint) endpoint.Endpoint { return next }

func measured(calls *prometheus.HistogramVec) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request, response any) error {
			invocation := rpcinfo.GetRPCInfo(ctx).Invocation()
			if info := invocation.MethodInfo(); info != nil && info.IsStreaming() {
				return next(ctx, request, response)
			}
			method, began := invocation.MethodName(), time.Now()
			err := next(ctx, request, response)
			outcome := "ok"
			if err != nil {
				outcome = "error"
			}
			calls.WithLabelValues(method, outcome).Observe(time.Since(began).Seconds())
			return err
		}
	}
}

// states is a gauge by state that is read at each scrape.
type states struct {
	desc *prometheus.Desc
	read func() map[string]int
}

// Describe implements prometheus.Collector.
func (s *states) Describe(descs chan<- *prometheus.Desc) { descs <- s.desc }

// Collect implements prometheus.Collector.
func (s *states) Collect(metrics chan<- prometheus.Metric) {
	for state, n := range s.read() {
		metrics <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(n), state)
	}
}
