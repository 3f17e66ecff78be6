package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/netpoll"
)

// levelTrace is below slog.LevelDebug: the frameworks' traces do not help operators.
const levelTrace = slog.LevelDebug - 4

// adoptFrameworks sends the log lines of Kitex and Hertz to the program's logger. Their info lines, which are about
// start-up, become debug.
func adoptFrameworks(logger *slog.Logger) {
	klog.SetLogger(kitexLogger{frameworkLogger{logger: logger.With("from", "kitex")}})
	hlog.SetLogger(newHertzLogger(logger))
	netpoll.SetLoggerOutput(slog.NewLogLogger(logger.With("from", "netpoll").Handler(), slog.LevelWarn).Writer())
	hlog.SetSystemLogger(newHertzLogger(logger))
}

type (
	kitexLogger struct{ frameworkLogger }
	hertzLogger struct{ frameworkLogger }
)

func newHertzLogger(logger *slog.Logger) hertzLogger {
	return hertzLogger{frameworkLogger{logger: logger.With("from", "hertz"), of: harmless}}
}

func (kitexLogger) SetLevel(klog.Level) {}
func (hertzLogger) SetLevel(hlog.Level) {}

// CtxWarnf logs failed connection attempts at debug: the request that fails has its own line.
func (l kitexLogger) CtxWarnf(ctx context.Context, f string, v ...any) {
	if strings.Contains(f, "auto retry") {
		l.CtxDebugf(ctx, f, v...)
		return
	}
	l.frameworkLogger.CtxWarnf(ctx, f, v...)
}

// brokenStreams are the formats that Kitex logs when the other end of a stream disappears. The client opens another
// stream, and the handler logs its own errors.
var brokenStreams = []string{
	"KITEX: processing ttstream request error, remoteAddr=%s, error=%s", // one with a stack differs
	"KITEX: stream[%d] send Rst Frame failed, err: %v",
}

// CtxErrorf is for debugging where it is about one stream.
func (l kitexLogger) CtxErrorf(ctx context.Context, f string, v ...any) {
	if slices.Contains(brokenStreams, f) {
		l.CtxDebugf(ctx, f, v...)
		return
	}
	l.frameworkLogger.CtxErrorf(ctx, f, v...)
}

// Errorf does as CtxErrorf.
func (l kitexLogger) Errorf(f string, v ...any) { l.CtxErrorf(context.Background(), f, v...) }

// notLogged replaces values of Hertz that may come from a client: its errors quote headers, with their tokens, and
// bodies.
const notLogged = "(not logged)"

// harmless replaces all values that may come from a client. Without a format, strings are Hertz's own.
func harmless(values []any, formatted bool) []any {
	kept := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, bool, time.Duration, net.Addr,
			*net.OpError, syscall.Errno:
			kept[i] = v
		case string:
			if kept[i] = v; formatted && !isAddress(v) {
				kept[i] = notLogged
			}
		default:
			if kept[i] = any(notLogged); v == io.EOF || v == io.ErrUnexpectedEOF { //nolint:errorlint // these two and no other text that may wrap them
				kept[i] = v
			}
		}
	}
	return kept
}

func isAddress(text string) bool {
	_, withPort := netip.ParseAddrPort(text)
	_, alone := netip.ParseAddr(text)
	return withPort == nil || alone == nil
}

// Errorf logs errors of one connection at the level debug: clients must not fill the log with errors.
func (l hertzLogger) Errorf(f string, v ...any) {
	if strings.Contains(f, "remoteAddr=") {
		l.Debugf(f, v...)
		return
	}
	l.frameworkLogger.Errorf(f, v...)
}

// frameworkLogger has the methods that klog.FullLogger and hlog.FullLogger share.
type frameworkLogger struct {
	logger *slog.Logger
	of     func(values []any, formatted bool) []any // selects the values to log; nil means all
}

func (frameworkLogger) SetOutput(io.Writer) {}

func (l frameworkLogger) log(ctx context.Context, level slog.Level, values ...any) {
	if l.logger.Enabled(ctx, level) {
		if l.of != nil {
			values = l.of(values, false)
		}
		l.logger.Log(ctx, level, fmt.Sprint(values...))
	}
}

func (l frameworkLogger) logf(ctx context.Context, level slog.Level, format string, values ...any) {
	if l.logger.Enabled(ctx, level) {
		if l.of != nil {
			values = l.of(values, true)
		}
		l.logger.Log(ctx, level, fmt.Sprintf(format, values...))
	}
}

func (l frameworkLogger) Trace(v ...any)  { l.log(context.Background(), levelTrace, v...) }
func (l frameworkLogger) Debug(v ...any)  { l.log(context.Background(), slog.LevelDebug, v...) }
func (l frameworkLogger) Info(v ...any)   { l.log(context.Background(), slog.LevelDebug, v...) }
func (l frameworkLogger) Notice(v ...any) { l.log(context.Background(), slog.LevelInfo, v...) }
func (l frameworkLogger) Warn(v ...any)   { l.log(context.Background(), slog.LevelWarn, v...) }
func (l frameworkLogger) Error(v ...any)  { l.log(context.Background(), slog.LevelError, v...) }

// Fatal does not end the process: that is for main to decide.
func (l frameworkLogger) Fatal(v ...any) { l.log(context.Background(), slog.LevelError, v...) }

func (l frameworkLogger) Tracef(f string, v ...any) {
	l.logf(context.Background(), levelTrace, f, v...)
}

func (l frameworkLogger) Debugf(f string, v ...any) {
	l.logf(context.Background(), slog.LevelDebug, f, v...)
}

func (l frameworkLogger) Infof(f string, v ...any) {
	l.logf(context.Background(), slog.LevelDebug, f, v...)
}

func (l frameworkLogger) Noticef(f string, v ...any) {
	l.logf(context.Background(), slog.LevelInfo, f, v...)
}

func (l frameworkLogger) Warnf(f string, v ...any) {
	l.logf(context.Background(), slog.LevelWarn, f, v...)
}

func (l frameworkLogger) Errorf(f string, v ...any) {
	l.logf(context.Background(), slog.LevelError, f, v...)
}

func (l frameworkLogger) Fatalf(f string, v ...any) {
	l.logf(context.Background(), slog.LevelError, f, v...)
}

func (l frameworkLogger) CtxTracef(ctx context.Context, f string, v ...any) {
	l.logf(ctx, levelTrace, f, v...)
}

func (l frameworkLogger) CtxDebugf(ctx context.Context, f string, v ...any) {
	l.logf(ctx, slog.LevelDebug, f, v...)
}

func (l frameworkLogger) CtxInfof(ctx context.Context, f string, v ...any) {
	l.logf(ctx, slog.LevelDebug, f, v...)
}

func (l frameworkLogger) CtxNoticef(ctx context.Context, f string, v ...any) {
	l.logf(ctx, slog.LevelInfo, f, v...)
}

func (l frameworkLogger) CtxWarnf(ctx context.Context, f string, v ...any) {
	l.logf(ctx, slog.LevelWarn, f, v...)
}

func (l frameworkLogger) CtxErrorf(ctx context.Context, f string, v ...any) {
	l.logf(ctx, slog.LevelError, f, v...)
}

func (l frameworkLogger) CtxFatalf(ctx context.Context, f string, v ...any) {
	l.logf(ctx, slog.LevelError, f, v...)
}
