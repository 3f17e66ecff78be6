package redisnode

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// NewPace returns the backoff after failures at Redis: 50 ms to 1 s, with half of it random.
func NewPace() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, Multiplier: 2, RandomizationFactor: 0.5,
	}
}

// Pause waits. It returns false at once when done is closed.
func Pause(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	}
}
