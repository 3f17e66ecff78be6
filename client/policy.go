package client

import (
	"errors"
	"time"
)

// Policy bounds the retries of a call. A call is retried after the statuses 429, 502, 503 and 504, after connections that
// are refused or break, and after attempts that time out. Any other failure is final. Before a retry it waits a random time
// of at most Wait, then at most twice as long, up to MaxWait, and adds Retry-After. The call's context is a bound too. A
// zero field means its default.
type Policy struct {
	Attempts int           // of one call, including the first; default 10, and 1 disables retries
	Total    time.Duration // of a call with all attempts and waits; default 10 s
	Attempt  time.Duration // of one attempt; default 3 s, because a server answers within 2 s
	Wait     time.Duration // before the first retry, at most; default 100 ms
	MaxWait  time.Duration // before any retry, at most; default 2 s, or Wait if that is more
}

func (p Policy) complete() (Policy, error) {
	if p.Attempts < 0 || p.Total < 0 || p.Attempt < 0 || p.Wait < 0 || p.MaxWait < 0 {
		return p, errors.New("a retry policy may not have negative values")
	}
	defaults := Policy{Attempts: 10, Total: 10 * time.Second, Attempt: 3 * time.Second, Wait: 100 * time.Millisecond, MaxWait: 2 * time.Second}
	for _, field := range []struct{ is, byDefault *time.Duration }{
		{&p.Total, &defaults.Total},
		{&p.Attempt, &defaults.Attempt},
		{&p.Wait, &defaults.Wait},
		{&p.MaxWait, &defaults.MaxWait},
	} {
		if *field.is == 0 {
			*field.is = *field.byDefault
		}
	}
	if p.Attempts == 0 {
		p.Attempts = defaults.Attempts
	}
	p.MaxWait = max(p.MaxWait, p.Wait)
	return p, nil
}

// Repeat is a failed attempt before a retry.
type Repeat struct {
	Attempt int           // its number; the first is 1
	Server  string        // the base URL that it went to
	Err     error         // why it failed
	Wait    time.Duration // until the next one
}

// Option configures a Client.
type Option func(*Client)

// WithPolicy sets the bounds of retries.
func WithPolicy(p Policy) Option { return func(c *Client) { c.policy = p } }

// WithNotify calls f before each wait for a retry, in the goroutine of the call.
func WithNotify(f func(Repeat)) Option { return func(c *Client) { c.notify = f } }

// WithIDs generates the IDs of messages without one by f, instead of 26 random letters and digits. They must be unique, and
// f safe for concurrent use. With a nil f such messages have no ID, and a send is retried only if it certainly did not
// arrive.
func WithIDs(f func() string) Option { return func(c *Client) { c.newID = f } }
