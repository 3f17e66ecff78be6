package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal is the actions of a program's parts, in order.
type journal struct {
	mutex   sync.Mutex
	entries []string
}

func (j *journal) add(format string, args ...any) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

// part is a Part that takes a second to stop. It may end by itself after a while.
type part struct {
	name    string
	journal *journal
	ends    time.Duration // 0: only when it is stopped
	early   error         // when it ends by itself
	late    error         // when it is stopped
}

func (p part) Run(ctx context.Context) error {
	var ends <-chan time.Time
	if p.ends > 0 {
		ends = time.After(p.ends)
	}
	select {
	case <-ends:
		p.journal.add("%s ended", p.name)
		return p.early
	case <-ctx.Done():
	}
	p.journal.add("%s stops", p.name)
	<-time.After(time.Second)
	p.journal.add("%s stopped", p.name)
	return p.late
}

var stopAll = []string{"c stops", "c stopped", "b stops", "b stopped", "a stops", "a stopped"}

func TestRunStopsTheLastFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var j journal
		ended := make(chan error, 1)
		go func() {
			ended <- Run(ctx, part{name: "a", journal: &j}, part{name: "b", journal: &j}, part{name: "c", journal: &j})
		}()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("Run() = %v before it was told to stop", err)
		default:
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if !slices.Equal(j.entries, stopAll) {
			t.Errorf("the parts did %q, want %q", j.entries, stopAll)
		}
	})
}

func TestRunWithAContextThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		var j journal
		if err := Run(ctx, part{name: "a", journal: &j}, part{name: "b", journal: &j}, part{name: "c", journal: &j}); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if !slices.Equal(j.entries, stopAll) {
			t.Errorf("the parts did %q, want %q", j.entries, stopAll)
		}
	})
}

// TestRunEndsWithAnyPart: a part that ends by itself stops the others, in reverse order.
func TestRunEndsWithAnyPart(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name  string
		which int
		early error
		want  []string
	}{
		{"the first fails", 0, failed, []string{"a ended", "c stops", "c stopped", "b stops", "b stopped"}},
		{"the middle fails", 1, failed, []string{"b ended", "c stops", "c stopped", "a stops", "a stopped"}},
		{"the last fails", 2, failed, []string{"c ended", "b stops", "b stopped", "a stops", "a stopped"}},
		{"the last ends well", 2, nil, []string{"c ended", "b stops", "b stopped", "a stops", "a stopped"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				parts := []part{{name: "a", journal: &j}, {name: "b", journal: &j}, {name: "c", journal: &j}}
				parts[c.which].ends = time.Minute
				parts[c.which].early = c.early
				err := Run(t.Context(), parts[0], parts[1], parts[2])
				if !errors.Is(err, c.early) {
					t.Errorf("Run() = %v, want %v", err, c.early)
				}
				if !slices.Equal(j.entries, c.want) {
					t.Errorf("the parts did %q, want %q", j.entries, c.want)
				}
			})
		})
	}
}

func TestRunJoinsAllErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		a, b, c := errors.New("a late"), errors.New("b early"), errors.New("c late")
		err := Run(t.Context(), part{name: "a", journal: &j, late: a}, part{name: "b", journal: &j, ends: time.Hour, early: b},
			part{name: "c", journal: &j, late: c})
		for _, want := range []error{a, b, c} {
			if !errors.Is(err, want) {
				t.Errorf("Run() = %v, want %q in it", err, want)
			}
		}
	})
}

func TestRunOfNothing(t *testing.T) {
	if err := Run(t.Context()); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
