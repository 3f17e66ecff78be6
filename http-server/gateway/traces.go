package gateway

import (
	"context"
	"slices"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/protocol/consts"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/tracing"
)

// trace makes a span of each request, but for health checks, if traces are on.
func (s *Server) trace(engine *server.Hertz, all []route) {
	if s.config.Traces == nil {
		return
	}
	health := pathsOf(all, func(r route) bool { return r.health })
	engine.Use(func(ctx context.Context, c *app.RequestContext) {
		if slices.Contains(health, c.FullPath()) {
			c.Next(ctx)
			return
		}
		ctx, span := startRequest(ctx, c, s.config.Traces)
		c.Next(ctx)
		describeAnswer(c, span)
		if f, ok := ctx.Value(connKey{}).(*framed); ok && c.Hijacked() { // the request lasts as long as its stream
			f.conn.over = func() { span.End() }
			return
		}
		span.End()
	})
}

// traceResponse is the header that tells the client of the request's span (W3C Trace Context, Level 2).
const traceResponse = "traceresponse"

// startRequest begins the span of a request. Its parent is that of the header traceparent; of two such headers none counts.
func startRequest(ctx context.Context, c *app.RequestContext, traces *tracing.Tracing) (context.Context, trace.Span) {
	ctx = tracing.Extract(ctx, func(name string) string {
		if values := c.Request.Header.GetAll(name); len(values) == 1 {
			return values[0]
		}
		return ""
	})
	method, route := knownMethod(string(c.Method())), c.FullPath()
	name, attributes := method, []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(method)}
	if route != "" {
		name += " " + route
		attributes = append(attributes, semconv.HTTPRoute(route))
	}
	ctx, span := traces.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
	c.Response.Header.Set(traceResponse, tracing.Response(span.SpanContext()))
	return ctx, span
}

// knownMethod returns the method, or a constant for an unknown one: spans must not have names that clients choose.
func knownMethod(method string) string {
	switch method {
	case methodGet, methodHead, methodPost, methodPut, methodPatch, methodDelete, consts.MethodOptions:
		return method
	}
	return "_OTHER" // as OpenTelemetry calls all others
}

// describeAnswer adds the attributes that are known after the handlers to the span.
func describeAnswer(c *app.RequestContext, span trace.Span) {
	if !span.IsRecording() {
		return
	}
	kind := "request"
	switch {
	case c.Hijacked():
		kind = "stream"
	case request.Waited(c):
		kind = "wait"
	}
	status := c.Response.StatusCode()
	span.SetAttributes(attribute.String("pullchat.kind", kind), semconv.HTTPResponseStatusCode(status))
	code := ""
	if last := c.Errors.Last(); last != nil {
		code = string(chat.CodeOf(last.Err))
		span.SetAttributes(attribute.String("pullchat.code", code))
	}
	if status >= consts.StatusInternalServerError {
		tracing.Failed(span, code)
	}
}
