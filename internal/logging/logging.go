// Package logging creates a program's only slog logger, installs it in Kitex and Hertz, and carries a request's id.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// Config sets level and format of the log.
type Config struct {
	LogLevel  Level  `name:"log-level" env:"LOG_LEVEL" reload:"" default:"info" placeholder:"LEVEL" help:"Lowest level that is logged: debug, info, warn or error."`
	LogFormat string `name:"log-format" env:"LOG_FORMAT" default:"auto" enum:"auto,text,json" placeholder:"FORMAT" help:"text, json, or auto: text on a terminal, and json elsewhere."`
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

// String returns the name that UnmarshalText reads.
func (l Level) String() string { return strings.ToLower(l.Level.String()) }

// New returns a logger of a fixed level. See NewAt.
func New(w io.Writer, config Config) *slog.Logger { return NewAt(w, config, config.LogLevel.Level) }

// NewAt returns a logger and installs it in Kitex and Hertz. The level may change later. Callers must not log message texts
// or secrets.
func NewAt(w io.Writer, config Config, level slog.Leveler) *slog.Logger {
	logger := slog.New(handler(w, config.LogFormat, level))
	adoptFrameworks(logger)
	return logger
}

// handler writes for people on a terminal. Elsewhere text is key=value, for programs that read it.
func handler(w io.Writer, format string, level slog.Leveler) slog.Handler {
	onTerminal := isTerminal(w)
	switch {
	case format == "json", format != "text" && !onTerminal:
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	case onTerminal:
		plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" // https://no-color.org
		return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: plain, ReplaceAttr: escape})
	}
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
}

// escape keeps control characters of a value from the terminal. Stacks, which are ours, keep their lines.
func escape(_ []string, a slog.Attr) slog.Attr {
	if kind := a.Value.Kind(); kind != slog.KindString && kind != slog.KindAny || a.Key == slog.LevelKey || a.Key == "stack" {
		return a
	}
	text := a.Value.String()
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return a
	}
	quoted := strconv.Quote(text)
	return slog.String(a.Key, quoted[1:len(quoted)-1])
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

type requestIDKey struct{}

// identified is a context with the id of its request. Every request has one, so it is a single allocation.
type identified struct {
	context.Context
	id   string
	user string
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
