package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// meta returns the Meta of a request; nil for an empty one.
func meta(by chat.Caller, requestID string) *rpc.Meta {
	m := &rpc.Meta{RequestId: optional(requestID), Caller: Caller(by)}
	if m.RequestId == nil && m.Caller == nil {
		return nil
	}
	return m
}

// described is a request with a Meta. A generated GetMeta returns nil for none.
type described interface{ GetMeta() *rpc.Meta }

// RequestIDOf returns a request's id, or "". Its Meta counts, and where it has none its own field, of an older client.
func RequestIDOf(r any) string {
	if d, ok := r.(described); ok && d.GetMeta() != nil {
		return d.GetMeta().GetRequestId()
	}
	if named, ok := r.(interface{ GetRequestId() string }); ok {
		return named.GetRequestId()
	}
	return ""
}

// RequesterOf returns the caller of a request, or nil for none. Its Meta counts, and where it has none its own field, of an
// older client.
func RequesterOf(r any) *rpc.Caller {
	if d, ok := r.(described); ok && d.GetMeta() != nil {
		return d.GetMeta().GetCaller()
	}
	if identified, ok := r.(interface{ GetCaller() *rpc.Caller }); ok {
		return identified.GetCaller()
	}
	return nil
}
