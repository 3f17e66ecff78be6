// Package reload keeps a value that is read from files, and reads it again when they change: certificates and keys are renewed
// without a restart.
package reload

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// every is how often the files are looked at, at most.
const every = time.Second

// Value is a value of files as they are, or as they were when they could last be used. It is safe for concurrent use.
type Value[T any] struct {
	what  string
	files *Files
	load  func() (T, error)
	log   *slog.Logger
	now   func() time.Time

	mutex   sync.Mutex
	current T
	checked time.Time
}

// New loads a value. The parameter what names it in the log, such as "certificate". Files that cannot be used later
// leave the old value.
func New[T any](log *slog.Logger, what string, load func() (T, error), files ...string) (*Value[T], error) {
	return newAt(time.Now, log, what, load, files...)
}

func newAt[T any](now func() time.Time, log *slog.Logger, what string, load func() (T, error), files ...string) (*Value[T], error) {
	v := &Value[T]{what: what, files: Watch(files...), load: load, log: log, now: now, checked: now()}
	var err error
	v.current, err = load()
	return v, err
}

// Get returns the value. It looks at the files first, unless it has done so within a second.
func (v *Value[T]) Get() T {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if now := v.now(); now.Sub(v.checked) >= every {
		v.checked = now
		v.refresh()
	}
	return v.current
}

// Refresh looks at the files now.
func (v *Value[T]) Refresh() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.refresh()
}

// refresh loads files that have changed since they were tried last, so that a broken one gives one warning. The mutex is
// held.
func (v *Value[T]) refresh() {
	if !v.files.Changed() {
		return
	}
	value, err := v.load()
	if err != nil {
		v.log.Warn(fmt.Sprintf("the new %s cannot be used; keeping the previous value", v.what), "error", err)
		return
	}
	v.current = value
	v.log.Info(fmt.Sprintf("the %s was read again", v.what), "file", v.files.names[0])
}

// Files tells when files have changed. It is not safe for concurrent use.
type Files struct {
	names []string
	seen  []os.FileInfo // nil for one that could not be found
}

// Watch returns Files as they are now.
func Watch(names ...string) *Files {
	f := &Files{names: names}
	f.seen = f.look()
	return f
}

// Changed reports whether a file has changed, come or gone since it was last called.
func (f *Files) Changed() bool {
	found := f.look()
	if slices.EqualFunc(found, f.seen, same) {
		return false
	}
	f.seen = found
	return true
}

func (f *Files) look() []os.FileInfo {
	found := make([]os.FileInfo, len(f.names))
	for i, name := range f.names {
		if info, err := os.Stat(name); err == nil {
			found[i] = info
		}
	}
	return found
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
