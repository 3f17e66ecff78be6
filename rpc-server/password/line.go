package password

import (
	"context"
	"slices"
	"sync"

	"github.com/pullchat/pullchat/internal/chat"
)

// line is where calls wait for one of a few places. Each purpose has a queue of its own, and the queues take turns: however
// many register, a login waits for one of them at most, and for one change of a password.
type line struct {
	mutex  sync.Mutex
	free   int
	most   int // that wait in one queue
	queues [chat.HashPurposes][]chan struct{}
	next   int // the queue whose turn it is
}

func newLine(places, most int) *line { return &line{free: places, most: most} }

// enter waits for a place until ctx ends. False is that there is none, or that too many wait already.
func (l *line) enter(ctx context.Context, purpose chat.HashPurpose) bool {
	l.mutex.Lock()
	if l.free > 0 {
		l.free--
		l.mutex.Unlock()
		return true
	}
	if len(l.queues[purpose]) >= l.most {
		l.mutex.Unlock()
		return false
	}
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
		l.pass() // the place came at the same time
	}
	return false
}

// leave gives the place to the next one.
func (l *line) leave() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
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
