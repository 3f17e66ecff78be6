package logging

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// The values of ACCESS_LOG.
const (
	AccessOn     = "on"
	AccessErrors = "errors" // requests that failed
	AccessOff    = "off"    // faults of the server only, because nothing else records their cause
)

// Access decides which requests have a line in the log. It may be set while requests are served. The zero value, and nil,
// is AccessOn.
type Access struct{ mode atomic.Pointer[string] }

// Set takes a value of ACCESS_LOG.
func (a *Access) Set(mode string) { a.mode.Store(&mode) }

// Logs reports whether a request has a line: one that failed, or any other.
func (a *Access) Logs(failed bool) bool {
	if a == nil {
		return true
	}
	mode := a.mode.Load()
	return mode == nil || *mode == AccessOn || *mode == "" || failed && *mode == AccessErrors
}

// Took is the time since start, in milliseconds.
func Took(start time.Time) slog.Attr {
	return slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000)
}

// SetUser records the authenticated user of a request for its line in the log. The context is one of WithRequestID.
func SetUser(ctx context.Context, user string) {
	if c, ok := ctx.Value(requestIDKey{}).(*identified); ok {
		c.user = user
	}
}

// User returns the user of a request, or "".
func User(ctx context.Context) string {
	if c, ok := ctx.Value(requestIDKey{}).(*identified); ok {
		return c.user
	}
	return ""
}
