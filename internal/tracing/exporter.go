package tracing

import (
	"context"
	"errors"
	"log/slog"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporter sends spans, and says once that a collector does not take them, and once that it does again. The SDK calls it from
// one goroutine.
type exporter struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	lost int // spans since the collector took some; 0 while it takes them
}

// ExportSpans implements sdktrace.SpanExporter. Its errors end here.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil:
		if e.lost == 0 {
			e.log.Warn("the collector does not take spans; they are dropped until it does", "error", err)
		}
		e.lost += len(spans)
	case e.lost > 0:
		e.log.Info("the collector takes spans again", "lost", e.lost)
		e.lost = 0
	}
	return nil
}

func as[T any](err error, target *T) bool { return errors.As(err, target) }
