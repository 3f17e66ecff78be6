package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/internal/batch"
)

// Batcher returns the tracer of Batchers of a name, or nil.
func (t *Tracing) Batcher(name string) batch.Tracer {
	if t == nil {
		return nil
	}
	return batches{t, name}
}

type batches struct {
	*Tracing
	name string
}

// Begin implements batch.Tracer. A batch has a span if one of its calls is recorded: a child of the first such call,
// with links to all of them. The other calls get a link to the span, so that each leads to its batch. If none is
// recorded, the batch has the context of its first call, which is not recorded either.
func (b batches) Begin(items int, calls []context.Context) (_ context.Context, end func()) {
	var first, parent trace.Span
	var links []trace.Link
	for _, call := range calls {
		span := trace.SpanFromContext(call)
		of := span.SpanContext()
		switch {
		case !of.IsValid():
			continue
		case of.IsSampled():
			links = append(links, trace.Link{SpanContext: of})
			if parent == nil {
				parent = span
			}
		}
		if first == nil {
			first = span
		}
	}
	switch {
	case first == nil:
		return context.Background(), func() {}
	case parent == nil:
		return trace.ContextWithSpan(context.Background(), first), func() {}
	}
	ctx, span := b.Start(trace.ContextWithSpan(context.Background(), parent), "batch "+b.name, trace.WithLinks(links...),
		trace.WithAttributes(attribute.String("pullchat.batch", b.name), attribute.Int("pullchat.batch.items", items)))
	link := trace.Link{SpanContext: span.SpanContext()}
	for _, call := range calls {
		if other := trace.SpanFromContext(call); other != parent && other.IsRecording() {
			other.AddLink(link)
		}
	}
	return ctx, func() { span.End() }
}
