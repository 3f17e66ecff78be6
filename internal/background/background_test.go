package background_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/background"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pace is 2 s, 4 s, … until it is reset.
type pace struct{ last time.Duration }

func (p *pace) NextBackOff() time.Duration { p.last += 2 * time.Second; return p.last }
func (p *pace) Reset()                     { p.last = 0 }

func TestStepsAndPauses(t *testing.T) {
	errAway := errors.New("away")
	results := []error{nil, errAway, errAway, nil, errAway, background.ErrDone}
	for name, c := range map[string]struct {
		retry background.Pace
		want  []int // seconds since the start
	}{
		"with a pace of its own": {&pace{}, []int{0, 10, 12, 16, 26, 28}},
		"without one":            {nil, []int{0, 10, 20, 30, 40, 50}},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, left, failed := time.Now(), results, 0
			var at []int
			job := background.Job{Every: 10 * time.Second, Timeout: time.Second, Retry: c.retry, Failed: func(err error) {
				if failed++; !errors.Is(err, errAway) {
					t.Errorf("%s: Failed(%v), want what the step returned", name, err)
				}
			}, Step: func(context.Context) error {
				at = append(at, int(time.Since(began).Seconds()))
				result := left[0]
				left = left[1:]
				return result
			}}
			if err := job.Run(t.Context()); err != nil || failed != 3 {
				t.Errorf("%s: Run() = %v with %d failures, want nil with 3", name, err, failed)
			}
			if len(at) != len(c.want) {
				t.Fatalf("%s: steps at %v s, want %v", name, at, c.want)
			}
			for i := range at {
				if at[i] != c.want[i] {
					t.Errorf("%s: steps at %v s, want %v", name, at, c.want)
					break
				}
			}
		})
	}
}

// TestAStepThatHangs ends with its timeout, and the next one comes.
func TestAStepThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, steps := time.Now(), 0
		var failed error
		job := background.Job{Every: time.Second, Timeout: 5 * time.Second, Failed: func(err error) { failed = err }, Step: func(ctx context.Context) error {
			if steps++; steps > 1 {
				return background.ErrDone
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		_ = job.Run(t.Context())
		if took := time.Since(began); took != 6*time.Second || !errors.Is(failed, context.DeadlineExceeded) {
			t.Errorf("Run() took %v and failed with %v, want 6s and the deadline", took, failed)
		}
	})
}

// TestAStepThatPanics is one that failed.
func TestAStepThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := 0
		var failed error
		job := background.Job{Every: time.Second, Timeout: time.Second, Failed: func(err error) { failed = err }, Step: func(context.Context) error {
			if steps++; steps > 1 {
				return background.ErrDone
			}
			panic("a bug")
		}}
		if _ = job.Run(t.Context()); steps != 2 || failed == nil || !strings.Contains(failed.Error(), "panic: a bug") {
			t.Errorf("Run() made %d steps and failed with %v, want 2 and the panic", steps, failed)
		}
	})
}

func TestOnce(t *testing.T) {
	steps, failed := 0, 0
	_ = background.Job{Once: true, Timeout: time.Second, Failed: func(error) { failed++ }, Step: func(context.Context) error {
		steps++
		return errors.New("no")
	}}.Run(t.Context())
	if steps != 1 || failed != 1 {
		t.Errorf("Run() made %d steps with %d failures, want one of each", steps, failed)
	}
}

// TestTheEndIsNoFailure: a step that was cut off by the end of its job is not reported.
func TestTheEndIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = background.Run(ctx, background.Job{
			Every: time.Hour, Timeout: time.Minute, Failed: func(err error) { t.Errorf("Failed(%v)", err) },
			Step: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		})
	})
}

// TestStartAndStop races Start with Stop: each started job ends before Stop returns, and none starts later. Goleak
// finds goroutines that are left.
func TestStartAndStop(t *testing.T) {
	for range 200 {
		var runner background.Runner
		var stopped atomic.Bool
		var starting sync.WaitGroup
		job := background.Job{Every: time.Microsecond, Timeout: time.Second, Step: func(ctx context.Context) error {
			if stopped.Load() {
				t.Error("a step after Stop()")
			}
			return ctx.Err()
		}}
		once := job
		once.Step = func(context.Context) error { return background.ErrDone }
		for range 4 {
			starting.Go(func() {
				for range 3 {
					runner.Start(job)
					runner.Start(once)
				}
			})
		}
		for range 2 {
			starting.Go(func() { runner.Stop(); stopped.Store(true) })
		}
		starting.Wait()
		if runner.Start(job) {
			t.Fatal("Start() after Stop() = true")
		}
	}
}
