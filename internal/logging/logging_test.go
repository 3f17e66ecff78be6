package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/kitex/pkg/klog"
)

func TestNewLogsFromItsLevelOn(t *testing.T) {
	for _, c := range []struct {
		name  string
		level slog.Level
		want  []string
	}{
		{"debug", slog.LevelDebug, []string{"DEBUG", "INFO", "WARN", "ERROR"}},
		{"info", slog.LevelInfo, []string{"INFO", "WARN", "ERROR"}},
		{"warn", slog.LevelWarn, []string{"WARN", "ERROR"}},
		{"error", slog.LevelError, []string{"ERROR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			logger := New(&out, Config{LogLevel: Level{c.level}, LogFormat: "json"})
			logger.Debug("m")
			logger.Info("m")
			logger.Warn("m")
			logger.Error("m")
			if got := levels(t, &out); !slices.Equal(got, c.want) {
				t.Errorf("New(%s) logs %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func TestNewWritesItsFormat(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"json":    {Config{LogFormat: "json"}, `"level":"INFO","msg":"two words","n":1}` + "\n"},
		"text":    {Config{LogFormat: "text"}, `level=INFO msg="two words" n=1` + "\n"},
		"default": {Config{}, `"level":"INFO","msg":"two words","n":1}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			New(&out, c.config).Info("two words", "n", 1)
			if got := out.String(); !strings.HasSuffix(got, c.want) {
				t.Errorf("New(%+v).Info() = %q, want it to end with %q", c.config, got, c.want)
			}
		})
	}
}

// TestFrameworksLogThroughOurs: every method of both frameworks logs one line to the program's logger, at its mapped
// level and with its origin.
func TestFrameworksLogThroughOurs(t *testing.T) {
	var out bytes.Buffer
	New(&out, Config{LogLevel: Level{levelTrace}, LogFormat: "json"})
	ctx := context.Background()
	type plain = func(...any)
	type format = func(string, ...any)
	type withContext = func(context.Context, string, ...any)
	system := hlog.SystemLogger()
	for _, c := range []struct {
		level                      string
		kitex, hertz, hertzSystem  plain
		kitexf, hertzf, hertzfSys  format
		kitexCtx, hertzCtx, sysCtx withContext
	}{
		{"DEBUG-4", klog.Trace, hlog.Trace, system.Trace, klog.Tracef, hlog.Tracef, system.Tracef, klog.CtxTracef, hlog.CtxTracef, system.CtxTracef},
		{"DEBUG", klog.Debug, hlog.Debug, system.Debug, klog.Debugf, hlog.Debugf, system.Debugf, klog.CtxDebugf, hlog.CtxDebugf, system.CtxDebugf},
		{"DEBUG", klog.Info, hlog.Info, system.Info, klog.Infof, hlog.Infof, system.Infof, klog.CtxInfof, hlog.CtxInfof, system.CtxInfof},
		{"INFO", klog.Notice, hlog.Notice, system.Notice, klog.Noticef, hlog.Noticef, system.Noticef, klog.CtxNoticef, hlog.CtxNoticef, system.CtxNoticef},
		{"WARN", klog.Warn, hlog.Warn, system.Warn, klog.Warnf, hlog.Warnf, system.Warnf, klog.CtxWarnf, hlog.CtxWarnf, system.CtxWarnf},
		{"ERROR", klog.Error, hlog.Error, system.Error, klog.Errorf, hlog.Errorf, system.Errorf, klog.CtxErrorf, hlog.CtxErrorf, system.CtxErrorf},
		// fatal does not end the process either
		{"ERROR", klog.Fatal, hlog.Fatal, system.Fatal, klog.Fatalf, hlog.Fatalf, system.Fatalf, klog.CtxFatalf, hlog.CtxFatalf, system.CtxFatalf},
	} {
		for from, log := range map[string]struct {
			plain  plain
			format format
			ctx    withContext
		}{
			"kitex":        {c.kitex, c.kitexf, c.kitexCtx},
			"hertz":        {c.hertz, c.hertzf, c.hertzCtx},
			"hertz system": {c.hertzSystem, c.hertzfSys, c.sysCtx},
		} {
			out.Reset()
			log.plain("port ", 80)
			log.format("port %d", 80)
			log.ctx(ctx, "port %d", 80)
			got := lines(t, &out)
			if len(got) != 3 {
				t.Errorf("%s at %s logs %d lines, want 3", from, c.level, len(got))
			}
			for _, line := range got {
				// Hertz's own logger marks its lines.
				message := strings.TrimPrefix(line["msg"].(string), "HERTZ: ")
				if line["level"] != c.level || message != "port 80" || line["from"] != strings.Fields(from)[0] {
					t.Errorf("%s logs %v, want %s %q", from, line, c.level, "port 80")
				}
			}
		}
	}
}

// TestFrameworksNoise: lines that clients or a missing server cause repeatedly are logged at debug.
func TestFrameworksNoise(t *testing.T) {
	var out bytes.Buffer
	New(&out, Config{LogLevel: Level{slog.LevelInfo}, LogFormat: "json"})
	klog.CtxWarnf(t.Context(), "KITEX: auto retry retryable error, to_service=%s", "pullchat")
	hlog.SystemLogger().Errorf(hlog.EngineErrorFormat, "EOF", "127.0.0.1:1")
	klog.CtxErrorf(t.Context(), "KITEX: processing ttstream request error, remoteAddr=%s, error=%s", "127.0.0.1:1", "broken pipe")
	klog.Errorf("KITEX: stream[%d] send Rst Frame failed, err: %v", 1, "broken pipe")
	if out.Len() > 0 {
		t.Errorf("the log is %s, want nothing at level info", &out)
	}
}

// TestFrameworksDoNotSetOurLogger: neither framework can change the program's logger.
func TestFrameworksDoNotSetOurLogger(t *testing.T) {
	var out, other bytes.Buffer
	New(&out, Config{LogLevel: Level{slog.LevelWarn}, LogFormat: "json"})
	klog.SetLevel(klog.LevelTrace)
	klog.SetOutput(&other)
	hlog.SetLevel(hlog.LevelFatal)
	hlog.SetOutput(&other)
	klog.Notice("m")
	klog.Warn("m")
	hlog.Notice("m")
	hlog.Warn("m")
	if got, want := levels(t, &out), []string{"WARN", "WARN"}; !slices.Equal(got, want) {
		t.Errorf("after SetLevel and SetOutput the log has %q, want %q", got, want)
	}
	if other.Len() > 0 {
		t.Errorf("SetOutput() took %q away", other.String())
	}
}

func TestNewRequestID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]bool{}
	for range 10_000 {
		id := NewRequestID()
		if !form.MatchString(id) {
			t.Fatalf("NewRequestID() = %q, want 32 hexadecimal digits", id)
		}
		if seen[id] {
			t.Fatalf("NewRequestID() = %q, twice", id)
		}
		seen[id] = true
	}
}

func TestRequestIDTravelsInTheContext(t *testing.T) {
	if got := RequestID(t.Context()); got != "" {
		t.Errorf("RequestID(a context without) = %q, want none", got)
	}
	ctx := WithRequestID(t.Context(), "first")
	if got := RequestID(ctx); got != "first" {
		t.Errorf("RequestID() = %q, want first", got)
	}
	if got := RequestID(WithRequestID(ctx, "second")); got != "second" {
		t.Errorf("RequestID() = %q, want the innermost", got)
	}
}

func lines(t *testing.T, out io.Reader) (lines []map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(out)
	for decoder.More() {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("the log is not JSON lines: %v", err)
		}
		lines = append(lines, line)
	}
	return lines
}

func levels(t *testing.T, out io.Reader) (levels []string) {
	t.Helper()
	for _, line := range lines(t, out) {
		levels = append(levels, line["level"].(string))
	}
	return levels
}

// TestHertzTellsNothingOfClients: Hertz's lines quote invalid requests, and the log must not.
func TestHertzTellsNothingOfClients(t *testing.T) {
	var out bytes.Buffer
	New(&out, Config{LogLevel: Level{levelTrace}, LogFormat: "json"})
	err := fmt.Errorf("error when reading request headers: invalid header name: %q", "Authorization: Bearer hunter2")
	for _, logger := range []hlog.FullLogger{hlog.SystemLogger(), hlog.DefaultLogger()} {
		logger.Errorf("Error=%s, remoteAddr=%s", err.Error(), "127.0.0.1:4711")
		logger.Errorf("Error=%v, remoteAddr=%s", err, "127.0.0.1:4711")
		logger.CtxWarnf(t.Context(), "%s %q", []byte("hunter2"), err)
		logger.Debug("body ", []byte("hunter2"), err)
		logger.Infof("took %d of %v", 7, io.EOF)
	}
	if text := out.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "127.0.0.1:4711") || !strings.Contains(text, "took 7 of EOF") {
		t.Errorf("the log is %s, want addresses and numbers and nothing of the client's", text)
	}
}
