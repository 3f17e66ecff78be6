// Package reply writes the answers of HTTP: objects, and errors in the error shape, each code with its status. The routes
// of plain text get errors as a line.
package reply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/terminal"
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
	if seconds := chat.RetryAfterOrSoon(err); seconds > 0 {
		c.Response.Header.Set("Retry-After", strconv.Itoa(seconds))
	}
	_ = c.Error(err)
	status := statuses[e.Code]
	if status == consts.StatusUnauthorized {
		challenge := challenge(e.Code)
		if plain(c.Path()) {
			challenge = `Basic realm="pullchat", charset="UTF-8", ` + challenge // RFC 7617
		}
		c.Response.Header.Set("WWW-Authenticate", challenge)
	}
	if errors.Is(err, ErrSlowBody) { // HTTP has a status of its own for it
		status = consts.StatusRequestTimeout
	}
	if plain(c.Path()) {
		c.SetStatusCode(status)
		c.SetContentType(PlainType)
		c.Response.SetBodyRaw(Line(e))
	} else {
		JSON(c, status, &api.ErrorResponse{Code: string(e.Code), Message: e.Message})
	}
	c.Abort()
}

// plain reports whether a path is answered in plain text, errors too.
func plain(path []byte) bool {
	return bytes.HasPrefix(path, []byte("/send/")) || bytes.HasPrefix(path, []byte("/receive/"))
}

// Line returns an error as one line of plain text: the code and the message.
func Line(e *chat.Error) []byte {
	return fmt.Appendf(nil, "%s: %s\n", e.Code, terminal.Printable(e.Message))
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

// ErrSlowBody marks a deadline that the client missed, not a server behind.
var ErrSlowBody = errors.New("the request took too long to arrive")

// The media types of answers.
const (
	JSONType  = "application/json; charset=utf-8"
	PlainType = "text/plain; charset=utf-8"
)

// JSON answers with an object.
func JSON(c *app.RequestContext, status int, body any) {
	c.SetStatusCode(status)
	c.Response.Header.SetContentType(JSONType)
	c.Response.SetBodyRaw(jsonobject.Encode(body))
}
