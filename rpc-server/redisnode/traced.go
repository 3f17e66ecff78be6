package redisnode

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/internal/tracing"
)

// traced is a hook that makes spans of the round trips of a client which belong to a trace. A span has the names of commands,
// never their keys and arguments.
type traced struct {
	traces *tracing.Tracing
	server []attribute.KeyValue
}

func newTraced(traces *tracing.Tracing, client *redis.Client) traced {
	return traced{traces, append(tracing.Server(client.Options().Addr), semconv.DBSystemNameRedis)}
}

func (traced) DialHook(dial redis.DialHook) redis.DialHook { return dial }

func (t traced) ProcessHook(process redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		ctx, end := t.begin(ctx, command)
		err := process(ctx, command)
		end(err)
		return err
	}
}

func (t traced) ProcessPipelineHook(process redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		ctx, end := t.begin(ctx, commands...)
		err := process(ctx, commands)
		end(err)
		return err
	}
}

func (t traced) begin(ctx context.Context, commands ...redis.Cmder) (_ context.Context, end func(error)) {
	if len(commands) == 0 || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, func(error) {}
	}
	name := strings.ToUpper(commands[0].Name())
	attributes := make([]attribute.KeyValue, 0, len(t.server)+2)
	attributes = append(attributes, t.server...)
	if len(commands) > 1 {
		attributes = append(attributes, semconv.DBOperationBatchSize(len(commands)))
		for _, c := range commands {
			if !strings.EqualFold(c.Name(), name) {
				name = ""
				break
			}
		}
		name = strings.TrimSuffix("PIPELINE "+name, " ")
	}
	ctx, span := t.traces.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(append(attributes, semconv.DBOperationName(name))...))
	return ctx, func(err error) {
		if err != nil && !errors.Is(err, redis.Nil) {
			tracing.Failed(span, tracing.KindOf(err))
		}
		span.End()
	}
}
