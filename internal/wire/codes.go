package wire

import (
	"math"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

var codes = map[chat.Code]rpc.Code{
	chat.InvalidArgument:      rpc.Code_INVALID_ARGUMENT,
	chat.Unauthenticated:      rpc.Code_UNAUTHENTICATED,
	chat.TokenInvalid:         rpc.Code_TOKEN_INVALID,
	chat.TokenExpired:         rpc.Code_TOKEN_EXPIRED,
	chat.PermissionDenied:     rpc.Code_PERMISSION_DENIED,
	chat.NotFound:             rpc.Code_NOT_FOUND,
	chat.Conflict:             rpc.Code_CONFLICT,
	chat.TooLarge:             rpc.Code_TOO_LARGE,
	chat.UnsupportedMediaType: rpc.Code_UNSUPPORTED_MEDIA_TYPE,
	chat.ResourceExhausted:    rpc.Code_RESOURCE_EXHAUSTED,
	chat.Internal:             rpc.Code_INTERNAL,
	chat.Unavailable:          rpc.Code_UNAVAILABLE,
	chat.DeadlineExceeded:     rpc.Code_DEADLINE_EXCEEDED,
}

// status returns the part of an error for clients: its code and message, never its cause.
func status(err error) (int32, string) {
	e := chat.AsError(err)
	return int32(codes[e.Code]), e.Message
}

// retryAfter is when a request that failed may succeed, in seconds; nil if that is not known.
func retryAfter(err error) *int32 {
	seconds := int32(min(chat.RetryAfter(err), math.MaxInt32))
	if seconds == 0 {
		return nil
	}
	return &seconds
}

// errorAfter is errorOf with the time to wait in seconds; 0 is not known.
func errorAfter(code int32, message string, seconds int32) error {
	err := errorOf(code, message)
	if err == nil || seconds <= 0 {
		return err
	}
	e := chat.AsError(err)
	return chat.Wrap(chat.RetryIn(time.Duration(seconds)*time.Second), e.Code, e.Message)
}

// errorOf returns nil for success. An unknown code, of a newer server, is Internal.
func errorOf(code int32, message string) error {
	if code == int32(rpc.Code_OK) {
		return nil
	}
	for domain, thrift := range codes {
		if thrift == rpc.Code(code) {
			return chat.Errorf(domain, "%s", message)
		}
	}
	return chat.Errorf(chat.Internal, "%s", message)
}

// CodeOf returns the code of a call's answer, as Kitex' middleware has it; 0 for none.
func CodeOf(answer any) int32 {
	if result, ok := answer.(interface{ GetResult() any }); ok {
		if response, ok := result.GetResult().(interface{ GetCode() int32 }); ok {
			return response.GetCode()
		}
	}
	return 0
}
