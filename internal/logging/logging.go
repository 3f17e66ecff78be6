// Package logging creates a program's only slog logger, installs it in Kitex and Hertz, and carries a request's id.
package logging

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
)

// Config sets level and format of the log.
type Config struct {
	LogLevel  slog.Level `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat string     `name:"log-format" env:"LOG_FORMAT" default:"text" enum:"text,json" placeholder:"FORMAT" help:"text or json."`
}

// New returns a logger and installs it in Kitex and Hertz. Callers must not log message texts or secrets.
func New(w io.Writer, config Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: config.LogLevel}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if config.LogFormat == "json" {
		handler = slog.NewJSONHandler(w, options)
	}
	logger := slog.New(handler)
	adoptFrameworks(logger)
	return logger
}

type requestIDKey struct{}

// identified is a context with the id of its request. Every request has one, so it is a single allocation.
type identified struct {
	context.Context
	id string
}

func (c *identified) Value(key any) any {
	if key == (requestIDKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WithRequestID returns a context that carries the id of the request it serves.
func WithRequestID(ctx context.Context, id string) context.Context {
	return &identified{Context: ctx, id: id}
}

// RequestID returns the id, or "".
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(requestIDKey{}).(*identified); ok {
		return c.id
	}
	return ""
}

// NewRequestID returns 32 random hexadecimal digits.
func NewRequestID() string {
	digits := make([]byte, 0, 32)
	for range 2 {
		digits = strconv.AppendUint(digits, rand.Uint64()|1<<63, 16)
	}
	return string(digits)
}
