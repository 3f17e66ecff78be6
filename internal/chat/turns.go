package chat

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxTurns bounds the different calls of one user that wait, and turnWait their time: a gateway gives up after 1.7 s.
	maxTurns = 32
	turnWait = time.Second
	// After a call that took longer than cheapTurn, the user's next call waits three times as long, at most maxPause. So one
	// user takes at most a quarter of the store's time.
	cheapTurn = 10 * time.Millisecond
	maxPause  = 250 * time.Millisecond
)

// pauseAfter returns the pause before a user's next call, after one that took this long.
func pauseAfter(took time.Duration) time.Duration {
	if took <= cheapTurn {
		return 0
	}
	return min(3*took, maxPause)
}

// turns makes one call of each user at a time. The zero value is ready. It has no state for users without calls.
type turns struct {
	mutex sync.Mutex
	users map[string]*userTurns
}

type userTurns struct {
	callers int           // waiting or being answered
	turn    chan struct{} // has an element while a call is made
	waiting map[any]*turn // by question
}

// turn is a call that waits or has begun. Identical calls that arrive while it waits share it.
type turn struct {
	done   chan struct{} // closed when answer and err are set
	answer any
	err    error
}

// errLeft marks a call whose caller left: callers that share it ask again.
var errLeft = errors.New("the caller has left")

func errTurns(user string) error {
	return Errorf(ResourceExhausted, "%s asks for too many inboxes at once; wait for Retry-After", user)
}

// inTurn makes a call when no other call of the user is running. Identical calls that arrive while it waits share its
// answer, which they must not change; no answer is older than its question. asked is comparable, and its type names the
// kind of call.
func inTurn[Answer any](ctx context.Context, t *turns, user string, asked any, call func() (Answer, error)) (Answer, error) {
	var none Answer
	u := t.enter(user)
	defer t.leave(user, u)
	waits, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	for {
		mine, shared := t.join(u, asked)
		switch {
		case mine == nil:
			return none, errTurns(user)
		case !shared:
			return lead(ctx, waits, t, u, user, asked, mine, call)
		}
		select {
		case <-mine.done:
		case <-waits.Done():
			return none, errTurns(user)
		}
		if !errors.Is(mine.err, errLeft) {
			answer, _ := mine.answer.(Answer)
			return answer, mine.err
		}
	}
}

// lead waits for the turn and makes the call, also for callers that share it.
func lead[Answer any](
	ctx, waits context.Context, t *turns, u *userTurns, user string, asked any, mine *turn, call func() (Answer, error),
) (answer Answer, err error) {
	mine.err = errLeft // unless the call completes
	defer close(mine.done)
	select {
	case u.turn <- struct{}{}:
		t.begin(u, asked)
	case <-waits.Done():
		t.begin(u, asked)
		return answer, errTurns(user)
	}
	t.enter(user) // until the pause is over
	began := time.Now()
	defer func() {
		time.AfterFunc(pauseAfter(time.Since(began)), func() {
			<-u.turn
			t.leave(user, u)
		})
	}()
	answer, err = call()
	if err == nil || ctx.Err() == nil {
		mine.answer, mine.err = answer, err
	}
	return answer, err
}

func (t *turns) enter(user string) *userTurns {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	u := t.users[user]
	if u == nil {
		if t.users == nil {
			t.users = map[string]*userTurns{}
		}
		u = &userTurns{turn: make(chan struct{}, 1), waiting: map[any]*turn{}}
		t.users[user] = u
	}
	u.callers++
	return u
}

func (t *turns) leave(user string, u *userTurns) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if u.callers--; u.callers == 0 {
		delete(t.users, user)
	}
}

// join returns the waiting call, or a new one; nil if too many wait.
func (t *turns) join(u *userTurns, asked any) (mine *turn, shared bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if mine, shared = u.waiting[asked]; shared {
		return mine, true
	}
	if len(u.waiting) >= maxTurns {
		return nil, false
	}
	mine = &turn{done: make(chan struct{})}
	u.waiting[asked] = mine
	return mine, false
}

// begin marks a call as begun: later callers wait for another one.
func (t *turns) begin(u *userTurns, asked any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(u.waiting, asked)
}
