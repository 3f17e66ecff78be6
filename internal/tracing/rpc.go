package tracing

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// Call begins the span of a call of an rpc-server, at its caller or at the server.
func (t *Tracing) Call(ctx context.Context, kind trace.SpanKind, method string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	return t.Start(ctx, "IMService/"+method, trace.WithSpanKind(kind), trace.WithAttributes(
		append(attributes, semconv.RPCSystemNameKey.String("thrift"), semconv.RPCMethod("IMService/"+method))...,
	))
}

// Called records how a call ended: with the code of its answer, or with an error. Codes are those of idl_rpc.thrift.
func Called(span trace.Span, code int32, err error) {
	switch {
	case err != nil:
		Failed(span, KindOf(err))
	case code != 0:
		text := strconv.Itoa(int(code))
		span.SetAttributes(semconv.RPCResponseStatusCode(text))
		if code >= firstFault {
			Failed(span, text)
		}
	}
}

// firstFault is the first status, of HTTP and of RPC, that is the server's fault.
const firstFault = 500

// Server are the attributes of the address of a server that is called.
func Server(addr string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(addr)
	if err != nil { // a Unix socket
		return []attribute.KeyValue{semconv.ServerAddress(addr)}
	}
	number, _ := strconv.Atoi(port)
	return []attribute.KeyValue{semconv.ServerAddress(host), semconv.ServerPort(number)}
}
