package service

import (
	"context"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/internal/wire"
)

// traced makes a span of each call whose caller says that it belongs to a trace. Calls without one are the gateways' own: they
// pull for followers, and probe. Streams are left out.
func traced(traces *tracing.Tracing) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		if traces == nil {
			return next
		}
		return func(ctx context.Context, request, response any) error {
			invocation := rpcinfo.GetRPCInfo(ctx).Invocation()
			if info := invocation.MethodInfo(); info != nil && info.IsStreaming() {
				return next(ctx, request, response)
			}
			ctx = tracing.Extract(ctx, func(name string) string {
				value, _ := metainfo.GetValue(ctx, name)
				return value
			})
			if !tracing.Continues(ctx) {
				return next(ctx, request, response)
			}
			ctx, span := traces.Call(ctx, trace.SpanKindServer, invocation.MethodName())
			defer span.End()
			err := next(ctx, request, response)
			tracing.Called(span, wire.CodeOf(response), err)
			return err
		}
	}
}
