package handler

import (
	"context"
	"errors"
	"strconv"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// statuses maps each code to its HTTP status.
var statuses = map[chat.Code]int{
	chat.InvalidArgument:      consts.StatusBadRequest,
	chat.Unauthenticated:      consts.StatusUnauthorized,
	chat.TokenInvalid:         consts.StatusUnauthorized,
	chat.TokenExpired:         consts.StatusUnauthorized,
	chat.PermissionDenied:     consts.StatusForbidden,
	chat.NotFound:             consts.StatusNotFound,
	chat.Conflict:             consts.StatusConflict,
	chat.TooLarge:             consts.StatusRequestEntityTooLarge,
	chat.UnsupportedMediaType: consts.StatusUnsupportedMediaType,
	chat.ResourceExhausted:    consts.StatusTooManyRequests,
	chat.Internal:             consts.StatusInternalServerError,
	chat.Unavailable:          consts.StatusServiceUnavailable,
	chat.DeadlineExceeded:     consts.StatusGatewayTimeout,
}

// Fail answers with an error in the error shape, and keeps it for the access log. The answer has the code and the message,
// never the cause.
func Fail(c *app.RequestContext, err error) {
	e := chat.AsError(err)
	if seconds := retryAfter(err); seconds > 0 {
		c.Response.Header.Set("Retry-After", strconv.Itoa(seconds))
	}
	_ = c.Error(err)
	status := statuses[e.Code]
	if status == consts.StatusUnauthorized {
		c.Response.Header.Set("WWW-Authenticate", challenge(e.Code))
	}
	if errors.Is(err, errSlowBody) { // HTTP has a status of its own for it
		status = consts.StatusRequestTimeout
	}
	reply(c, status, &api.ErrorResponse{Code: string(e.Code), Message: e.Message})
	c.Abort()
}

// challenge returns the header of a 401 (RFC 6750, 3), with an error if there was a token.
func challenge(code chat.Code) string {
	switch code {
	case chat.TokenInvalid:
		return `Bearer realm="pullchat", error="invalid_token", error_description="the token is not good"`
	case chat.TokenExpired:
		return `Bearer realm="pullchat", error="invalid_token", error_description="the token has expired"`
	}
	return `Bearer realm="pullchat"`
}

// retryAfter returns when the client may try again, in seconds: 1 if that is not known, and 0 if it is of no use.
func retryAfter(err error) int {
	if code := chat.CodeOf(err); code != chat.Unavailable && code != chat.ResourceExhausted {
		return 0
	}
	return max(1, chat.RetryAfter(err))
}

// NoRoute answers requests without a route.
func NoRoute(_ context.Context, c *app.RequestContext) {
	Fail(c, chat.Errorf(chat.NotFound, "there is no %q; /openapi.yaml lists what there is", c.Path()))
}

// NoMethod answers a method that a route's path does not have, with 405, which is not in statuses.
func NoMethod(c *app.RequestContext, allowed string) {
	Fail(c, chat.Errorf(chat.NotFound, "%s does not answer %s; it answers %s", c.Path(), c.Method(), allowed))
	c.Response.Header.Set("Allow", allowed)
	c.SetStatusCode(consts.StatusMethodNotAllowed)
}

const jsonType = "application/json; charset=utf-8"

// reply answers with JSON.
func reply(c *app.RequestContext, status int, body any) {
	c.SetStatusCode(status)
	c.Response.Header.SetContentType(jsonType)
	c.Response.SetBodyRaw(encode(body))
}
