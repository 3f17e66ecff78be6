package password

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// line is where calls wait for one of a few slots. Each purpose has a queue of its own, and the queues take turns: however
// many register, a login waits for one of them at most, and for one change of a password.
type line struct {
	mutex  sync.Mutex
	slots  int
	free   int
	most   int // that wait in one queue
	queues [chat.HashPurposes][]chan struct{}
	next   int           // the queue whose turn it is
	took   time.Duration // of late, by each call in its slot; 0 is not known yet
}

func newLine(slots, most int) *line { return &line{slots: slots, free: slots, most: most} }

// enter waits for a slot. It returns false at once if too many wait already, or if the call would not be done within
// this time, as far as is known; and once the call cannot be done within it any more, or ctx ends.
func (l *line) enter(ctx context.Context, purpose chat.HashPurpose, within time.Duration) bool {
	l.mutex.Lock()
	if l.free > 0 {
		l.free--
		l.mutex.Unlock()
		return true
	}
	if len(l.queues[purpose]) >= l.most || l.turn(purpose)+l.took > within {
		l.mutex.Unlock()
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, within-l.took)
	defer cancel()
	turn := make(chan struct{})
	l.queues[purpose] = append(l.queues[purpose], turn)
	l.mutex.Unlock()
	select {
	case <-turn:
		return true
	case <-ctx.Done():
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if at := slices.Index(l.queues[purpose], turn); at >= 0 {
		l.queues[purpose] = slices.Delete(l.queues[purpose], at, at+1)
	} else {
		l.pass() // the slot came at the same time
	}
	return false
}

// turn is how long the next one in a queue would wait, as far as is known. The mutex is held.
func (l *line) turn(purpose chat.HashPurpose) time.Duration {
	ahead := 1
	for i, queue := range l.queues {
		if chat.HashPurpose(i) == purpose {
			ahead += len(queue)
		} else {
			ahead += min(len(queue), len(l.queues[purpose])+1)
		}
	}
	return l.took * time.Duration(ahead) / time.Duration(l.slots)
}

// leave gives the slot to the next one. The call took this long in it.
func (l *line) leave(took time.Duration) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.took == 0 {
		l.took = took
	}
	l.took += (took - l.took) / 8
	l.pass()
}

func (l *line) pass() {
	for range l.queues {
		queue := &l.queues[l.next]
		l.next = (l.next + 1) % len(l.queues)
		if len(*queue) > 0 {
			close((*queue)[0])
			*queue = slices.Delete(*queue, 0, 1)
			return
		}
	}
	l.free++
}
