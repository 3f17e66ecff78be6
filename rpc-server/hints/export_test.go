package hints

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Silence is the time after which a line is pinged.
const Silence = silence

// Topics counts the partitions of a Watch's Hub: those with a confirmed subscription, and all.
func Topics(w chat.Watch) (live, all int) {
	h := w.(*watch).hub
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, t := range h.topics {
		if t.live() {
			live++
		}
	}
	return live, len(h.topics)
}

// SetIdle sets for how long a partition without followers stays subscribed.
func SetIdle(w chat.Watch, d time.Duration) {
	h := w.(*watch).hub
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.idle = d
}

// SweepAll sweeps all partitions of a Watch's Hub, as if every chat had been active since the last sweep.
func SweepAll(w chat.Watch) {
	h := w.(*watch).hub
	for _, t := range h.topics {
		t.swept -= time.Hour.Microseconds()
	}
	for part := range slices.Chunk(h.toSweep(), partitionsAtOnce) {
		h.sweepPart(context.Background(), part)
	}
}
