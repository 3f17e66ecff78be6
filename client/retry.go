package client

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// call asks one server after the other until an attempt succeeds, fails for good, or the policy or ctx ends it.
func (c *Client) call(ctx context.Context, r request, into any) error {
	limited, cancel := context.WithTimeout(ctx, c.policy.Total+max(0, r.wait))
	defer cancel()
	waitsUntil := time.Now().Add(r.wait)
	if err := limited.Err(); err != nil {
		return err
	}
	turns, pace, result := c.servers.turns(), newPace(limited, c.policy), &RetryError{ID: r.id, unknown: r.unknown}
	for {
		asked := turns.take()
		result.Attempts++
		failed := c.attempt(limited, r, asked, into)
		if failed == nil {
			return nil
		}
		result.Unknown = result.Unknown || r.stores && failed.arrived
		if limited.Err() != nil {
			return result.cutShort(failed.err)
		}
		result.Err = failed.err
		if failed.refused {
			asked.refused()
		}
		wait, inTime := pace.next(failed, turns)
		if !inTime || !r.repeats(failed) || result.Attempts == c.policy.Attempts {
			return result.ended()
		}
		c.notify(Repeat{Attempt: result.Attempts, Server: asked.base, Err: failed.err, Wait: wait})
		if err := sleep(limited, wait); err != nil {
			return result.cutShort(err)
		}
		r.wait = time.Until(waitsUntil).Truncate(time.Millisecond)
	}
}

// repeats says whether another attempt may help, and cannot store a second message.
func (r request) repeats(failed *failure) bool {
	return failed.passes && (!r.stores || r.id != "" || !failed.arrived)
}

// ended is the error of a call that gives up.
func (e *RetryError) ended() error {
	if e.Attempts == 1 && !e.Unknown {
		return e.Err
	}
	return e
}

// cutShort is the error of a call whose context ended with err. The error of the last whole attempt stays in it,
// because it says more about the server.
func (e *RetryError) cutShort(err error) error {
	if e.Err != nil {
		err = fmt.Errorf("%w; before that: %w", err, e.Err)
	}
	e.Err = err
	return e.ended()
}

// pace is how long one call waits before its repeats: full jitter, a random time between nothing and a limit that
// doubles (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Not safe for concurrent use.
type pace struct {
	exponential backoff.ExponentialBackOff
	ends        time.Time // the end of the call
}

// newPace begins the pace of a call, whose ctx has a deadline where next is used. The library draws from an interval around a middle; with
// this factor it goes from nothing to twice the middle.
func newPace(ctx context.Context, p Policy) *pace {
	ends, _ := ctx.Deadline()
	return &pace{ends: ends, exponential: backoff.ExponentialBackOff{
		InitialInterval: p.Wait / 2, MaxInterval: p.MaxWait / 2, Multiplier: 2, RandomizationFactor: 1,
	}}
}

// next returns the wait after a failure, and false if it would last beyond the end. It is 0 if a server could not be
// reached and there is another one. Jitter is added to Retry-After, so that clients do not return together.
func (p *pace) next(failed *failure, turns *turns) (time.Duration, bool) {
	wait := p.after(failed, turns)
	return wait, wait < time.Until(p.ends)
}

// after is next for an endless Follow.
func (p *pace) after(failed *failure, turns *turns) time.Duration {
	wait := failed.after
	if !failed.refused || !turns.awake() {
		wait += p.exponential.NextBackOff()
	}
	return wait
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
