package reload

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// replace replaces files as programs do that renew certificates: it writes another file and renames it.
func replace(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// TestValue: two files are one value, if both fit. An invalid value is logged once and leaves the old value.
func TestValue(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first, second := filepath.Join(folder, "first"), filepath.Join(folder, "second")
	load := func() (string, error) {
		a, err := os.ReadFile(first)
		b, err2 := os.ReadFile(second)
		if err = errors.Join(err, err2); err == nil && string(a) != string(b) {
			err = errors.New("they differ")
		}
		return string(a), err
	}
	both := func(content string) { replace(t, first, content); replace(t, second, content) }
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	if _, err := New(logger, "pair", load, first, second); err == nil || log.Len() > 0 {
		t.Errorf("New() without files = %v and logs %q, want an error", err, &log)
	}
	both("1")
	now := time.Now()
	v, err := newAt(func() time.Time { return now }, logger, "pair", load, first, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what     string
		do       func()
		later    time.Duration
		want     string
		warnings int
	}{
		{"unchanged", func() {}, time.Hour, "1", 0},
		{"changed a moment ago", func() { both("2") }, every - 1, "1", 0},
		{"changed a second ago", func() {}, 1, "2", 0},
		{"changed, and looked at", func() { both("3"); v.Refresh() }, 0, "3", 0},
		{"broken", func() { replace(t, first, "x") }, time.Hour, "3", 1},
		{"still broken", func() {}, time.Hour, "3", 1},
		{"gone", func() { _ = os.Remove(first) }, time.Hour, "3", 2},
		{"still gone", func() {}, time.Hour, "3", 2},
		{"whole again", func() { both("4") }, time.Hour, "4", 2},
		{"the second alone", func() { replace(t, second, "5") }, time.Hour, "4", 3},
	} {
		step.do()
		now = now.Add(step.later)
		if got := v.Get(); got != step.want {
			t.Errorf("%s: Get() = %s, want %s", step.what, got, step.want)
		}
		if got := strings.Count(log.String(), "level=WARN msg=\"the new pair cannot be used"); got != step.warnings {
			t.Errorf("%s: the log has %d warnings, want %d: %s", step.what, got, step.warnings, &log)
		}
	}
	if got := strings.Count(log.String(), "the pair was read again"); got != 3 {
		t.Errorf("the log has %d new values, want 3: %s", got, &log)
	}
}
