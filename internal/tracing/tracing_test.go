package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/tracetest"
)

// start begins to send spans.
func start(t *testing.T, c Config) (traces *Tracing, stop func(), said *text) {
	t.Helper()
	said = &text{}
	traces, stop, err := c.Start("test", slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return traces, stop, said
}

// text is a log that may be read while it is written.
type text struct {
	mutex   sync.Mutex
	written strings.Builder
}

func (l *text) Write(b []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.written.Write(b)
}

func (l *text) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.written.String()
}

// TestBatchLinks: a batch of several calls is a child of the first that is recorded; it and the calls have links to each other.
func TestBatchLinks(t *testing.T) {
	collector := tracetest.Start(t)
	traces, stop, _ := start(t, Config{TracesEndpoint: collector.URL()})
	b := traces.Batcher("test")
	unsampled := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	calls := []context.Context{t.Context(), unsampled}
	for n := range 3 {
		ctx, span := traces.Start(t.Context(), fmt.Sprint("call ", n))
		defer span.End()
		calls = append(calls, ctx)
	}
	ctx, end := b.Begin(7, calls)
	_, below := traces.Start(ctx, "below")
	below.End()
	end()
	for _, call := range calls[2:] {
		trace.SpanFromContext(call).End()
	}
	ctx, end = b.Begin(2, calls[:2])
	_, below = traces.Start(ctx, "unsampled")
	below.End()
	end()
	ctx, end = b.Begin(1, calls[:1])
	if Continues(ctx) {
		t.Error("a batch without traces belongs to one")
	}
	end()
	stop()
	named := map[string]tracetest.Span{}
	for _, s := range collector.Spans() {
		named[s.GetName()] = s
	}
	batch := named["batch test"]
	if len(named) != 5 || batch.Parent() != named["call 0"].ID() || named["below"].Parent() != batch.ID() || batch.Attribute("pullchat.batch.items") != "7" {
		t.Errorf("the collector has %v, want the calls, and a batch below the first", named)
	}
	if len(batch.GetLinks()) != 3 || len(named["call 0"].GetLinks()) != 0 {
		t.Errorf("the batch has %v links, its parent %v; want 3 and 0", batch.GetLinks(), named["call 0"].GetLinks())
	}
	for n := range 3 {
		call := named[fmt.Sprint("call ", n)]
		if !batch.Links(call) || n > 0 && !call.Links(batch) {
			t.Errorf("%v and %v have no links to each other", batch, call)
		}
	}
}

// TestHandler: the handling of events is a trace of its own, with the handler's spans below it. An error is known by
// its type.
func TestHandler(t *testing.T) {
	collector := tracetest.Start(t)
	traces, stop, _ := start(t, Config{TracesEndpoint: collector.URL()})
	around, other := traces.Start(t.Context(), "around")
	ctx, end := traces.Handler()(around, "webhook.k3v9", 3)
	_, below := traces.Start(ctx, "below")
	below.End()
	end(errors.New("of alice's https://secret.example"))
	other.End()
	stop()
	named := map[string]tracetest.Span{}
	for _, s := range collector.Spans() {
		named[s.GetName()] = s
	}
	handling := named["handle webhook"]
	if handling.Parent() != "" || handling.Trace() == named["around"].Trace() || named["below"].Parent() != handling.ID() ||
		handling.Attribute("pullchat.projection") != "webhook.k3v9" || handling.Attribute("pullchat.events") != "3" || handling.Attribute("error.type") != "errors.errorString" {
		t.Errorf("the spans are %v", named)
	}
	if handling.Has("alice") || handling.Has("secret") {
		t.Errorf("the span tells the text of the error: %v", handling)
	}
}

// TestCollectorAway: a collector that refuses connections, or does not answer, holds up no span, and the log says it
// once. It gets later spans once it answers.
func TestCollectorAway(t *testing.T) {
	refuses := listen(t, "127.0.0.1:0")
	addr := refuses.Addr().String()
	if err := refuses.Close(); err != nil {
		t.Fatal(err)
	}
	traces, stop, said := start(t, Config{TracesEndpoint: "http://" + addr, TracesHeaders: "Authorization=Bearer%20hidden"})
	const spans = 20_000
	for range spans {
		_, span := traces.Start(t.Context(), "lost")
		span.End()
	}
	stop()
	if text := said.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "does not take spans") || strings.Contains(text, "hidden") {
		t.Errorf("the log is %s, want one warning", text)
	}

	hangs := listen(t, "127.0.0.1:0")
	var held sync.WaitGroup
	held.Go(func() { // accepts, and answers nothing
		for {
			conn, err := hangs.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
		}
	})
	traces, stop, said = start(t, Config{TracesEndpoint: "http://" + hangs.Addr().String()})
	for range spans {
		_, span := traces.Start(t.Context(), "lost")
		span.End()
	}
	began := time.Now()
	stop()
	if took := time.Since(began); took > 2*flushWithin {
		t.Errorf("a stop with a collector that hangs takes %v; it waits at most %v", took, flushWithin)
	}
	if text := said.String(); strings.Count(text, "level=WARN") == 0 {
		t.Errorf("the log is %s, want that spans were not sent", text)
	}
	_ = hangs.Close()
	held.Wait()
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestExporter: the log says once that spans are lost, and once that they are taken again and how many were lost.
func TestExporter(t *testing.T) {
	said := &text{}
	inner := &flaky{}
	e := &exporter{SpanExporter: inner, log: slog.New(slog.NewTextHandler(said, nil))}
	for _, fails := range []bool{false, true, true, false, false, true} {
		inner.fails = fails
		if err := e.ExportSpans(t.Context(), make([]sdktrace.ReadOnlySpan, 3)); err != nil {
			t.Error(err)
		}
	}
	if text := said.String(); strings.Count(text, "does not take spans") != 2 || strings.Count(text, "takes spans again") != 1 || !strings.Contains(text, "lost=6") {
		t.Errorf("the log is %s, want two losses and one return", text)
	}
}

type flaky struct{ fails bool }

func (f *flaky) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	if f.fails {
		return errors.New("the collector is away")
	}
	return nil
}

func (*flaky) Shutdown(context.Context) error { return nil }

// TestResource: a process is known by its program, unless OpenTelemetry's variables say otherwise. Its command line is not sent.
func TestResource(t *testing.T) {
	for name, c := range map[string]struct {
		service, attributes, want string
	}{
		"its own":                  {"", "", "pullchat-test"},
		"OTEL_SERVICE_NAME":        {"chat", "", "chat"},
		"OTEL_RESOURCE_ATTRIBUTES": {"", "service.name=other,deployment.environment.name=staging", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_SERVICE_NAME", c.service)
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", c.attributes)
			collector := tracetest.Start(t)
			traces, stop, _ := start(t, Config{TracesEndpoint: collector.URL() + "/", TracesHeaders: "Authorization=Bearer%20TOKEN,x-tenant=chat"})
			_, span := traces.Start(t.Context(), "one")
			span.End()
			stop()
			spans := collector.Spans()
			if len(spans) != 1 || spans[0].Service != c.want || spans[0].Has("process.") || !spans[0].Has("service.version") ||
				c.attributes != "" && !spans[0].Has("staging") {
				t.Errorf("the collector has %v, want one span of %s", spans, c.want)
			}
			for _, h := range collector.Headers() {
				if h.Get("Authorization") != "Bearer TOKEN" || h.Get("X-Tenant") != "chat" {
					t.Errorf("the headers are %v", h)
				}
			}
		})
	}
}

// TestConfig: invalid settings are refused before anything starts, and the error does not repeat secrets.
func TestConfig(t *testing.T) {
	for _, c := range []struct{ endpoint, headers, sampler, protocol, want string }{
		{"http://127.0.0.1:4318", "", "", "", ""},
		{"https://collector.example.org/otlp/", "a=b, c=d%2Ce,", "parentbased_traceidratio", "http/protobuf", ""},
		{"", "", "", "", ""},
		{"127.0.0.1:4318", "", "", "", "traces-endpoint"},
		{"grpc://127.0.0.1:4317", "", "", "", "traces-endpoint"},
		{"http://", "", "", "", "traces-endpoint"},
		{"http://me:hidden@127.0.0.1:4318", "", "", "", "traces-headers"},
		{"http://me:hidden@127.0.0.1:4318 ", "", "", "", "traces-endpoint"},
		{"http://127.0.0.1:4318/?key=hidden", "", "", "", "traces-endpoint"},
		{"http://127.0.0.1:4318", "hidden", "", "", "traces-headers"},
		{"http://127.0.0.1:4318", "a b=hidden", "", "", "traces-headers"},
		{"http://127.0.0.1:4318", "a=hidden%0d%0ab", "", "", "traces-headers"},
		{"http://127.0.0.1:4318", "", "sometimes", "", "OTEL_TRACES_SAMPLER"},
		{"http://127.0.0.1:4318", "", "", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL"},
	} {
		t.Setenv("OTEL_TRACES_SAMPLER", c.sampler)
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", c.protocol)
		err := Config{TracesEndpoint: c.endpoint, TracesHeaders: c.headers}.Validate()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("Validate(%q, %q) = %v, want %q", c.endpoint, c.headers, err, c.want)
		}
	}
	if got, _ := (Config{TracesEndpoint: "https://c.example.org/otlp/v1/traces"}).url(); got != "https://c.example.org/otlp/v1/traces" {
		t.Errorf("the path is there already, and spans go to %s", got)
	}
}

// TestOff: without an endpoint, and by OpenTelemetry's own switches, nothing runs, and nil does nothing.
func TestOff(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct{ variable, value, endpoint string }{
		{"OTEL_TRACES_SAMPLER", "", ""},
		{"OTEL_SDK_DISABLED", "true", "http://127.0.0.1:4318"},
		{"OTEL_TRACES_EXPORTER", "none", "http://127.0.0.1:4318"},
	} {
		t.Run(c.variable, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			traces, stop, err := Config{TracesEndpoint: c.endpoint}.Start("test", slog.New(slog.DiscardHandler))
			if traces != nil || err != nil {
				t.Errorf("Start() = %v, %v, want nothing", traces, err)
			}
			stop()
			if traces.Batcher("test") != nil || traces.Commands("test") != nil || traces.Handler() != nil {
				t.Error("tracing that is off traces")
			}
			ctx, end := traces.Command(t.Context(), "test", "test")
			end("")
			if ctx != t.Context() {
				t.Error("a command has another context")
			}
		})
	}
}

// TestDetached: a context without its deadline keeps its span, and costs nothing without one.
func TestDetached(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n := testing.AllocsPerRun(100, func() { _ = Detached(ctx) }); n != 0 || Detached(ctx) != context.Background() {
		t.Errorf("Detached() of a context without a span allocates %v times", n)
	}
	of := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})
	if got := Detached(trace.ContextWithSpanContext(ctx, of)); got.Err() != nil || !trace.SpanContextFromContext(got).Equal(of) {
		t.Errorf("Detached() = %v, want the span alone", got)
	}
}
