// Package middleware wraps every request: request id, access log, recovery, authentication, CORS, limits.
package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

const requestIDHeader = "X-Request-Id"

// RequestID echoes the client's X-Request-Id, or generates one if it is missing or unsafe to log, and puts it into the
// context.
func RequestID(ctx context.Context, c *app.RequestContext) {
	id := string(c.GetHeader(requestIDHeader))
	if !printable(id) {
		id = logging.NewRequestID()
	}
	c.Response.Header.Set(requestIDHeader, id)
	c.Next(logging.WithRequestID(ctx, id))
}

// printable: 1 to 128 bytes of visible ASCII.
func printable(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, b := range []byte(id) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}

// AccessLog writes one line for each request that access asks for: never a body, a query or a header, so no text and no
// secret. A fault of the server always has a line: nothing else records its cause.
func AccessLog(log *slog.Logger, access *logging.Access, proxies ratelimit.Proxies) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		start := time.Now()
		c.Next(ctx)
		level := slog.LevelInfo
		var e *chat.Error
		if last := c.Errors.Last(); last != nil {
			e = chat.AsError(last.Err)
		}
		status := c.Response.StatusCode()
		// A failure has a cause. An overload has none: refusing a request must not cost more than a line.
		if status >= 500 && e != nil && errors.Unwrap(e) != nil {
			level = slog.LevelWarn
		}
		if !log.Enabled(ctx, level) || level == slog.LevelInfo && !access.Logs(status >= 400) {
			return
		}
		attributes := make([]slog.Attr, 0, 10)
		attributes = append(attributes,
			slog.String("id", logging.RequestID(ctx)),
			slog.String("method", string(c.Method())),
			slog.String("route", c.FullPath()),
			slog.Int("status", status),
			logging.Took(start),
			slog.String("address", addressOf(c, proxies).String()),
		)
		if of := trace.SpanContextFromContext(ctx); of.IsSampled() {
			attributes = append(attributes, slog.String("trace", of.TraceID().String()))
		}
		if user := logging.User(ctx); user != "" {
			attributes = append(attributes, slog.String("user", user))
		}
		if e != nil {
			attributes = append(attributes, slog.String("code", string(e.Code)))
			if level == slog.LevelWarn { // the cause; a client's error may quote the client
				attributes = append(attributes, slog.Any("error", e))
			}
		}
		log.LogAttrs(ctx, level, "request", attributes...)
	}
}

// Recovery turns a panic into an internal error; the log has the stack.
func Recovery(log *slog.Logger) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		defer func() {
			if cause := recover(); cause != nil {
				log.Error("panic", "id", logging.RequestID(ctx), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				reply.Fail(c, fmt.Errorf("panic: %v", cause))
			}
		}()
		c.Next(ctx)
	}
}
