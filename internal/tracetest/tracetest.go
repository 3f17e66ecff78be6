// Package tracetest is a collector of OpenTelemetry for tests: it takes spans by OTLP over HTTP and keeps them.
package tracetest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Span is a span that a Collector has.
type Span struct {
	*traces.Span
	Service string // of its resource
	all     string // everything that came with it, as JSON
}

// Collector keeps the spans that it is sent.
type Collector struct {
	server *httptest.Server

	mutex   sync.Mutex
	spans   []Span
	headers []http.Header
}

// Start returns a Collector that listens until the test ends.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.take(r); err != nil {
			t.Errorf("the collector is sent what it cannot take: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty answer is one of success
	}))
	t.Cleanup(c.server.Close)
	return c
}

// URL is the endpoint, without the path.
func (c *Collector) URL() string { return c.server.URL }

func (c *Collector) take(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.String() != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var sent collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &sent); err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.headers = append(c.headers, r.Header)
	for _, of := range sent.GetResourceSpans() {
		service := attribute(of.GetResource().GetAttributes(), "service.name")
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				all := protojson.Format(span) + protojson.Format(of.GetResource()) + protojson.Format(scope.GetScope())
				c.spans = append(c.spans, Span{span, service, all})
			}
		}
	}
	return nil
}

// Spans returns the spans sent so far, sorted by their start.
func (c *Collector) Spans() []Span {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	spans := slices.Clone(c.spans)
	slices.SortStableFunc(spans, func(a, b Span) int {
		return int(int64(a.GetStartTimeUnixNano()) - int64(b.GetStartTimeUnixNano())) //nolint:gosec // times of a test
	})
	return spans
}

// Headers returns those of all requests.
func (c *Collector) Headers() []http.Header {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.headers)
}

// ID is the span's id in hexadecimal digits, Trace that of its trace, and Parent that of its parent or "".
func (s Span) ID() string { return hex.EncodeToString(s.GetSpanId()) }

// Trace is the id of the span's trace.
func (s Span) Trace() string { return hex.EncodeToString(s.GetTraceId()) }

// Parent is the id of the span's parent, or "".
func (s Span) Parent() string { return hex.EncodeToString(s.GetParentSpanId()) }

// Attribute returns an attribute as text; "" for none.
func (s Span) Attribute(name string) string { return attribute(s.GetAttributes(), name) }

// Links reports whether the span has a link to another one.
func (s Span) Links(to Span) bool {
	return slices.ContainsFunc(s.GetLinks(), func(l *traces.Span_Link) bool {
		return hex.EncodeToString(l.GetSpanId()) == to.ID() && hex.EncodeToString(l.GetTraceId()) == to.Trace()
	})
}

// Has reports whether a text is anywhere in the span or in the attributes of its process.
func (s Span) Has(text string) bool { return strings.Contains(s.all, text) }

// String is for messages of tests.
func (s Span) String() string {
	return fmt.Sprintf("%s %q %s %s<-%s links %d %v", s.Service, s.GetName(), s.GetKind(), s.ID(), s.Parent(), len(s.GetLinks()), s.GetAttributes())
}

func attribute(all []*common.KeyValue, name string) string {
	for _, a := range all {
		if a.GetKey() == name {
			switch v := a.GetValue().GetValue().(type) {
			case *common.AnyValue_StringValue:
				return v.StringValue
			case *common.AnyValue_IntValue:
				return fmt.Sprint(v.IntValue)
			default:
				return fmt.Sprint(v)
			}
		}
	}
	return ""
}
