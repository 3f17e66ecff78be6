package hints

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Silence is the time after which a line is pinged.
const Silence = silence

// FollowedPartitions counts the partitions of a Watch's Subscriptions: those with a confirmed subscription, and all.
func FollowedPartitions(w chat.Watch) (live, all int) {
	s := w.(*watch).subscriptions
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, f := range s.followed {
		if f.live() {
			live++
		}
	}
	return live, len(s.followed)
}

// SetIdle sets for how long a partition without followers stays subscribed.
func SetIdle(w chat.Watch, d time.Duration) {
	s := w.(*watch).subscriptions
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.idle = d
}

// SweepAll sweeps all partitions of a Watch's Subscriptions, as if every chat had been active since the last sweep.
func SweepAll(w chat.Watch) {
	s := w.(*watch).subscriptions
	for _, f := range s.followed {
		f.swept -= time.Hour.Microseconds()
	}
	for part := range slices.Chunk(s.toSweep(), partitionsAtOnce) {
		s.sweepPart(context.Background(), part)
	}
}
