package rpcclient

import (
	"context"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/internal/wire"
)

// traced makes a span of each call that belongs to a trace, and tells the server at addr of it. Streams are left out.
func traced(traces *tracing.Tracing, addr string) endpoint.Middleware {
	server := tracing.Server(addr)
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		if traces == nil {
			return next
		}
		return func(ctx context.Context, request, response any) error {
			invocation := rpcinfo.GetRPCInfo(ctx).Invocation()
			if info := invocation.MethodInfo(); !tracing.Continues(ctx) || info != nil && info.IsStreaming() {
				return next(ctx, request, response)
			}
			ctx, span := traces.Call(ctx, trace.SpanKindClient, invocation.MethodName(), server...)
			defer span.End()
			tracing.Inject(ctx, func(name, value string) { ctx = metainfo.WithValue(ctx, name, value) })
			err := next(ctx, request, response)
			tracing.Called(span, wire.CodeOf(response), err)
			return err
		}
	}
}
