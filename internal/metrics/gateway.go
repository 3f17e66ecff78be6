package metrics

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The transports of live delivery, and that of plain requests.
const (
	HTTP      = "http"
	Poll      = "poll" // a pull that waits
	SSE       = "sse"
	WebSocket = "websocket"
	Telnet    = "telnet"
	Device    = "device"
)

// Gateway has the metrics of an http-server, and of a tcp-server those that are not of HTTP.
type Gateway struct {
	refusals *Refusals
	all      prometheus.Gatherer // of the process

	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	waits       prometheus.Observer
	streams     *prometheus.HistogramVec
	connections *prometheus.GaugeVec
	followers   *prometheus.GaugeVec
	delay       *prometheus.HistogramVec
	logins      *prometheus.CounterVec
}

func newGateway(f factory, refusals *Refusals) *Gateway {
	return &Gateway{
		refusals: refusals,
		requests: f.counter("http_requests_total", "HTTP requests by route, method and status.", "route", "method", "code"),
		duration: f.histogram("http_request_duration_seconds", "Time from a request's arrival to its answer, without waits and streams.",
			short, "route", "method"),
		waits: f.histogram("http_wait_duration_seconds", "Time that pulls with wait took.", long).WithLabelValues(),
		streams: f.histogram("stream_duration_seconds", "Lifetime of event streams, WebSockets, telnet sessions and device connections that have ended.",
			hours, "transport"),
		connections: f.gauge("connections", "Open connections: of requests, event streams, WebSockets, telnet and devices.", "transport"),
		followers:   f.gauge("followers", "Followed chats, each counted once for every client that follows it.", "transport"),
		delay: f.histogram("delivery_delay_seconds",
			"Time from a message's append, by the clock of Redis, to its write to a follower who waited for it.", short, "transport"),
		logins: f.counter("logins_total", "Attempts to log in by outcome.", "outcome"),
	}
}

// Connections counts connections that opened, or closed if change is negative.
func (g *Gateway) Connections(transport string, change int) {
	if g != nil {
		g.connections.WithLabelValues(transport).Add(float64(change))
	}
}

// Streams counts a connection as a stream from now until ended is called.
func (g *Gateway) Streams(transport string) (ended func()) {
	if g == nil {
		return func() {}
	}
	g.Connections(HTTP, -1)
	over := g.Opened(transport)
	return func() {
		over()
		g.Connections(HTTP, 1)
	}
}

// Opened counts a connection that is of its transport from the beginning, until ended is called.
func (g *Gateway) Opened(transport string) (ended func()) {
	if g == nil {
		return func() {}
	}
	began := time.Now()
	g.Connections(transport, 1)
	return func() {
		g.streams.WithLabelValues(transport).Observe(time.Since(began).Seconds())
		g.Connections(transport, -1)
	}
}

// Followers counts chats that are followed from now on, or not any more if change is negative.
func (g *Gateway) Followers(transport string, change int) {
	if g != nil {
		g.followers.WithLabelValues(transport).Add(float64(change))
	}
}

// Delivered records how long after its append a message was written to a follower who waited for it. Clocks that differ
// can make the delay negative; it then counts as 0.
func (g *Gateway) Delivered(transport string, delay time.Duration) {
	if g != nil {
		g.delay.WithLabelValues(transport).Observe(max(0, delay.Seconds()))
	}
}

// Login counts an attempt to log in: "ok", "wrong", "refused" by a rate, "failed" for all else.
func (g *Gateway) Login(outcome string) {
	if g != nil {
		g.logins.WithLabelValues(outcome).Inc()
	}
}

// Requests are the requests of all routes.
type Requests struct {
	routes  map[[2]string]*Route // by path and method
	unknown *Route
	waits   prometheus.Observer
}

// Route has the requests of a route and method.
type Route struct {
	stream   bool
	requests *prometheus.CounterVec
	duration prometheus.Observer
	codes    sync.Map // status: its prometheus.Counter
}

// Unknown is the label of requests that belong to no route, and of their method.
const Unknown = "unknown"

// NewRequests returns the Requests of a gateway. Routes are added before the first request.
func (g *Gateway) NewRequests() *Requests {
	if g == nil {
		return nil
	}
	r := &Requests{routes: map[[2]string]*Route{}, waits: g.waits}
	r.unknown = g.route(Unknown, Unknown, false)
	return r
}

func (g *Gateway) route(path, method string, stream bool) *Route {
	labels := prometheus.Labels{"route": path, "method": method}
	route := &Route{stream: stream, requests: g.requests.MustCurryWith(labels)}
	if !stream {
		route.duration = g.duration.With(labels)
	}
	return route
}

// Add adds a route. The time of a stream's request says nothing, so it is not recorded.
func (g *Gateway) Add(r *Requests, path string, stream bool, methods ...string) {
	for _, method := range slices.Compact(methods) {
		r.routes[[2]string{path, method}] = g.route(path, method, stream)
	}
}

// Done records a request. waited says that it waited for a message.
func (r *Requests) Done(path, method string, status int, took time.Duration, waited bool) {
	if r == nil {
		return
	}
	route, known := r.routes[[2]string{path, method}]
	if !known {
		route = r.unknown
	}
	counter, known := route.codes.Load(status)
	if !known {
		counter = route.requests.WithLabelValues(strconv.Itoa(status))
		route.codes.Store(status, counter)
	}
	counter.(prometheus.Counter).Inc() //nolint:errcheck // nothing else is stored
	switch {
	case waited:
		r.waits.Observe(took.Seconds())
	case !route.stream:
		route.duration.Observe(took.Seconds())
	}
}

// Refusals count the requests that rates and bounds refuse.
type Refusals struct{ refused *prometheus.CounterVec }

func newRefusals(f factory) *Refusals {
	return &Refusals{f.counter("refusals_total", "What rates and bounds have refused, by kind.", "kind")}
}

// Refusal counts the requests that a rate or bound has refused.
func (g *Gateway) Refusal(kind string) {
	if g != nil {
		g.refusals.refused.WithLabelValues(kind).Inc()
	}
}

// Refusal counts the requests that a rate or bound has refused.
func (s *Service) Refusal(kind string) {
	if s != nil {
		s.refusals.refused.WithLabelValues(kind).Inc()
	}
}
