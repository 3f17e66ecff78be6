// Package tracing makes the spans of the servers, and sends them to a collector of OpenTelemetry. docs/traces.md describes
// them.
//
// No attribute has a text, a token, a URL, or the name of a user, a chat or a room. A nil pointer means that tracing is
// off: the program then installs nothing of this package, so requests cost the same as without it.
package tracing

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/internal/buildinfo"
)

// Tracing are the spans of one process.
type Tracing struct{ trace.Tracer }

// scope is the name of the instrumentation.
const scope = "github.com/pullchat/pullchat"

const (
	// flushWithin bounds how long a stop waits for a collector.
	flushWithin = 3 * time.Second
	// exportWithin bounds one request to the collector, and retryWithin a batch of spans with its repeats.
	exportWithin = 5 * time.Second
	retryWithin  = 15 * time.Second
)

// Start begins to send the spans of a program until stop is called, which sends those that are left. A collector that does
// not answer is no error: its spans are dropped once the SDK's queue is full. Without an endpoint Start returns nil.
func (c Config) Start(program string, log *slog.Logger) (t *Tracing, stop func(), err error) {
	if !c.on() {
		return nil, func() {}, nil
	}
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	to, _ := c.url()
	headers, _ := c.headers()
	sender, err := otlptracehttp.New(context.Background(), // which only prepares
		otlptracehttp.WithEndpointURL(to), otlptracehttp.WithHeaders(headers), otlptracehttp.WithTimeout(exportWithin),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: retryWithin,
		}),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("traces-endpoint: %w", err)
	}
	of, err := describe(program)
	if err != nil {
		log.Warn("OTEL_RESOURCE_ATTRIBUTES cannot be read in full", "error", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) })) // the SDK has no other way
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&exporter{SpanExporter: sender, log: log}), sdktrace.WithResource(of),
	)
	log.Info("traces are sent", "to", to)
	return &Tracing{provider.Tracer(scope, trace.WithInstrumentationVersion(buildinfo.Get().Version))}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.Warn("the last spans were not sent", "error", err)
		}
	}, nil
}

// describe returns the attributes of the process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence. The
// SDK's own detectors of the process are left out: a command line may have secrets.
func describe(program string) (*resource.Resource, error) {
	name := "pullchat"
	if program != name {
		name += "-" + program
	}
	host, _ := os.Hostname()
	return resource.New(context.Background(),
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName(name), semconv.ServiceVersion(buildinfo.Get().Version), semconv.HostName(cmp.Or(host, "unknown"))),
		resource.WithFromEnv(),
	)
}

// format reads and writes the headers traceparent and tracestate (https://www.w3.org/TR/trace-context/).
var format propagation.TraceContext

// Extract returns a context with the span of a caller, if get finds one in its headers. Malformed headers are ignored.
func Extract(ctx context.Context, get func(name string) string) context.Context {
	return format.Extract(ctx, carrier{get: get})
}

// Inject tells a callee of the span in ctx.
func Inject(ctx context.Context, set func(name, value string)) {
	format.Inject(ctx, carrier{set: set})
}

// carrier implements propagation.TextMapCarrier.
type carrier struct {
	get func(string) string
	set func(string, string)
}

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(name string) string { return c.get(name) }

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(name, value string) { c.set(name, value) }

// Keys implements propagation.TextMapCarrier.
func (carrier) Keys() []string { return format.Fields() }

// Response returns the value of the header traceresponse, which names a span as traceparent does.
func Response(of trace.SpanContext) string {
	return fmt.Sprintf("00-%s-%s-%s", of.TraceID(), of.SpanID(), of.TraceFlags()&trace.FlagsSampled)
}

// Continues reports whether ctx belongs to a trace. Background work has no trace and no spans.
func Continues(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsValid() }

// Detached returns a context with the span of ctx, and nothing else: it does not end.
func Detached(ctx context.Context) context.Context {
	span := trace.SpanFromContext(ctx)
	if !span.SpanContext().IsValid() {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), span)
}

// Failed marks a span as failed. kind is of a closed set, and is all that is recorded: the text of an error may quote a user.
func Failed(span trace.Span, kind string) {
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, "")
}

// KindOf names the type of an error.
func KindOf(err error) string {
	var timeout interface{ Timeout() bool }
	if as(err, &timeout) && timeout.Timeout() {
		return "timeout"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
}

// Commands is Command for a transport; nil if tracing is off.
func (t *Tracing) Commands(transport string) func(ctx context.Context, name string) (context.Context, func(code string)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, name string) (context.Context, func(code string)) {
		return t.Command(ctx, transport, name)
	}
}

// Handler returns a function that begins the spans of handlers of projections; nil if tracing is off.
func (t *Tracing) Handler() func(ctx context.Context, projection string, events int) (context.Context, func(error)) {
	if t == nil {
		return nil
	}
	return t.handling
}

// handling begins the span of events of one chat that a projection handles: a trace of its own. Its attributes tell neither the
// chat nor its users. end is called once.
func (t *Tracing) handling(ctx context.Context, projection string, events int) (_ context.Context, end func(error)) {
	kind, _, _ := strings.Cut(projection, ".") // "webhook" for all of "webhook.…"
	ctx, span := t.Start(ctx, "handle "+kind, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("pullchat.projection", projection), attribute.Int("pullchat.events", events),
	))
	return ctx, func(err error) {
		if err != nil {
			Failed(span, KindOf(err))
		}
		span.End()
	}
}

// Command begins the span of a command of a client that stays connected. It is a trace of its own with a link to the span of
// the connection, if that has one: a connection may last for days. name is of a closed set. end is called once.
func (t *Tracing) Command(ctx context.Context, transport, name string) (_ context.Context, end func(code string)) {
	if t == nil {
		return ctx, func(string) {}
	}
	options := []trace.SpanStartOption{trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("pullchat.transport", transport), attribute.String("pullchat.command", name),
	)}
	if connection := trace.LinkFromContext(ctx); connection.SpanContext.IsValid() {
		options = append(options, trace.WithLinks(connection))
	}
	ctx, span := t.Start(ctx, transport+" "+name, options...)
	return ctx, func(code string) {
		if code != "" {
			span.SetAttributes(attribute.String("pullchat.code", code))
		}
		span.End()
	}
}
