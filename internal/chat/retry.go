package chat

import (
	"errors"
	"math"
	"time"
)

// RetryIn is a cause: the request is allowed after this time.
type RetryIn time.Duration

// Error implements error.
func (r RetryIn) Error() string { return "the next one is allowed in " + time.Duration(r).String() }

// RetryAfter returns when a request that failed with err may succeed, in whole seconds, at least one. It is 0 if that is
// not known.
func RetryAfter(err error) int {
	if wait, known := errors.AsType[RetryIn](err); known {
		return max(1, int(math.Ceil(time.Duration(wait).Seconds())))
	}
	return 0
}

// RetryAfterOrSoon returns the seconds for Retry-After: RetryAfter, or 1 if that is unknown and a retry may succeed, or 0 if
// a retry is useless.
func RetryAfterOrSoon(err error) int {
	if code := CodeOf(err); code != Unavailable && code != ResourceExhausted {
		return 0
	}
	return max(1, RetryAfter(err))
}
