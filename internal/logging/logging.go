// Package logging creates a program's only slog logger, installs it in Kitex and Hertz, and carries a request's id.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Config sets level and format of the log.
type Config struct {
	LogLevel  Level  `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat string `name:"log-format" env:"LOG_FORMAT" default:"text" enum:"text,json" placeholder:"FORMAT" help:"text or json."`
}

// Level is the least level that is logged.
type Level struct{ slog.Level }

// UnmarshalText reads debug, info, warn or error. "warning" is warn too, as in other programs.
func (l *Level) UnmarshalText(text []byte) error {
	name := strings.ToLower(string(text))
	if name == "warning" {
		name = "warn"
	}
	if err := l.Level.UnmarshalText([]byte(name)); err != nil {
		return fmt.Errorf("%q is not a level: use debug, info, warn or error", text)
	}
	return nil
}

// New returns a logger and installs it in Kitex and Hertz. Callers must not log message texts or secrets.
func New(w io.Writer, config Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: config.LogLevel.Level}
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
