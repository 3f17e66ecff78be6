// Package background runs the work that a server does besides requests: sweeps, probes, renewals. Every job has a timeout
// for each step, and an owner who waits for its end.
package background

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// ErrDone is returned by a step after which its job is complete.
var ErrDone = errors.New("done")

// Job is work that is repeated.
type Job struct {
	// Name is the name of the job for Observe.
	Name string
	// Observe is called after each step; nil: no call. ErrDone and the end of the job's context are not errors.
	Observe Observe
	// Step does the work once. It must return soon after its context ends.
	Step func(context.Context) error
	// Timeout bounds one step. 0: the step bounds itself.
	Timeout time.Duration
	// Every is the pause after a step.
	Every time.Duration
	// Once ends the job after its first step.
	Once bool
	// Retry has the pauses after steps that failed; nil is Every.
	Retry Pace
	// Failed receives the error of each failed step, and a panic of a step as an error. nil: errors are ignored, and a
	// panic ends the process.
	Failed func(error)
}

// Observe gets the duration of a job's step, and its error.
type Observe func(job string, took time.Duration, err error)

// Pace decides how long to wait after failures. Those of cenkalti/backoff are.
type Pace interface {
	NextBackOff() time.Duration
	Reset() // after a success
}

// Run repeats the job until a step returns ErrDone, or ctx ends, and returns nil.
func (j Job) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, began := j.Every, time.Now()
		err := j.step(ctx)
		if j.Observe != nil {
			failed := err
			if errors.Is(err, ErrDone) || ctx.Err() != nil {
				failed = nil
			}
			j.Observe(j.Name, time.Since(began), failed)
		}
		switch {
		case errors.Is(err, ErrDone):
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // an interrupted step is not a failure
		case err != nil:
			if j.Failed != nil {
				j.Failed(err)
			}
			if j.Retry != nil {
				wait = j.Retry.NextBackOff()
			}
		case j.Retry != nil:
			j.Retry.Reset()
		}
		if j.Once {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

func (j Job) step(ctx context.Context) (err error) {
	if j.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.Timeout)
		defer cancel()
	}
	if j.Failed != nil {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			}
		}()
	}
	return j.Step(ctx)
}

// Run runs jobs until ctx ends, waits for them, and returns nil.
func Run(ctx context.Context, jobs ...Job) error {
	var running sync.WaitGroup
	for _, job := range jobs {
		running.Go(func() { _ = job.Run(ctx) })
	}
	running.Wait()
	<-ctx.Done() // also where all jobs are complete
	return nil
}

// Runner runs jobs that begin at any time. Its zero value is ready. It is safe for concurrent use.
type Runner struct {
	Observe Observe // of all jobs; nil: nothing is told. It is set before the first Start

	mutex   sync.Mutex
	stopped bool
	ctx     context.Context // of all jobs, because one for each costs requests that start a job; nil before the first
	end     context.CancelFunc
	running sync.WaitGroup
}

// Start runs a job in the background. It returns false after Stop; then the job does not run.
func (r *Runner) Start(job Job) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.stopped {
		return false
	}
	if job.Observe == nil {
		job.Observe = r.Observe
	}
	if r.ctx == nil {
		r.ctx, r.end = context.WithCancel(context.Background())
	}
	ctx := r.ctx
	r.running.Go(func() { _ = job.Run(ctx) })
	return true
}

// Stop ends all jobs and waits for them. It may be called again.
func (r *Runner) Stop() {
	r.mutex.Lock()
	r.stopped = true
	if r.end != nil {
		r.end()
	}
	r.mutex.Unlock()
	r.running.Wait()
}
