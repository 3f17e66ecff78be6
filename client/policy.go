package client

import (
	"errors"
	"time"
)

// Policy bounds how a call is repeated. It is repeated after the statuses 429, 502, 503 and 504, after connections that
// are refused or break, and after attempts that take too long; everything else is final. Before a repeat it waits for a
// random time, at most Wait, then at most twice as long, up to MaxWait; that comes on top of what a Retry-After asks
// for. The context of a call is a bound as well. A zero field means its default.
type Policy struct {
	Attempts int           // of one call, the first one included; default 10, and 1 repeats nothing
	Total    time.Duration // of a call with all attempts and waits; default 10 s
	Attempt  time.Duration // of one attempt; default 3 s, because a server answers within 2 s
	Wait     time.Duration // before the first repeat, at most; default 100 ms
	MaxWait  time.Duration // before any repeat, at most; default 2 s, or Wait where that is more
}

func (p Policy) complete() (Policy, error) {
	if p.Attempts < 0 || p.Total < 0 || p.Attempt < 0 || p.Wait < 0 || p.MaxWait < 0 {
		return p, errors.New("nothing in a retry policy may be negative")
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

// Repeat is an attempt that failed and will be followed by another.
type Repeat struct {
	Attempt int           // its number; the first is 1
	Server  string        // the base URL that it went to
	Err     error         // what it failed with
	Wait    time.Duration // until the next one
}

// Option changes what New makes.
type Option func(*Client)

// WithPolicy sets how calls are repeated.
func WithPolicy(p Policy) Option { return func(c *Client) { c.policy = p } }

// WithNotify has f called before each wait for a repeat, in the goroutine of the call.
func WithNotify(f func(Repeat)) Option { return func(c *Client) { c.notify = f } }

// WithIDs has f make the IDs of messages that have none, instead of 26 random letters and digits. They must be new for
// each message, and f safe for concurrent use. A nil f leaves such messages without; then a send is repeated only where
// it certainly did not arrive.
func WithIDs(f func() string) Option { return func(c *Client) { c.newID = f } }
