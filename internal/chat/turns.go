package chat

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxTurns is how many different calls of one user may wait for their turn, and turnWait how long: a gateway gives a call
	// up after 1.7 s.
	maxTurns = 32
	turnWait = time.Second
	// After a call that took longer than cheapTurn, a user's next one waits for three times as long, but not for longer than
	// maxPause: one user takes a quarter of the time of those who share the store.
	cheapTurn = 10 * time.Millisecond
	maxPause  = 250 * time.Millisecond
)

// pauseAfter is how long a user's next call waits after one that took so long.
func pauseAfter(took time.Duration) time.Duration {
	if took <= cheapTurn {
		return 0
	}
	return min(3*took, maxPause)
}

// turns makes one call of each user at a time. The zero value is ready. It keeps nothing of users who ask for nothing.
type turns struct {
	mutex sync.Mutex
	users map[string]*userTurns
}

type userTurns struct {
	callers int           // that wait or are being answered
	turn    chan struct{} // has an element while a call is made
	waiting map[any]*turn // by what they ask
}

// turn is a call that waits for its turn, or has begun. Those who ask the same while it waits share it.
type turn struct {
	done   chan struct{} // closed when answer and err are set
	answer any
	err    error
}

// errLeft is of a call whose caller left: those who share it ask again.
var errLeft = errors.New("the caller has left")

func errTurns(user string) error {
	return Errorf(ResourceExhausted, "%s asks for more inboxes at once than are read for one user; wait for Retry-After", user)
}

// inTurn makes a call when no other one of the user is being made. Callers that ask the same while it waits share its
// answer, which they must not change: none gets one that is older than the question. asked is comparable, and its type
// names the kind of call.
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

// lead waits for the turn and makes the call, also for those who share it.
func lead[Answer any](
	ctx, waits context.Context, t *turns, u *userTurns, user string, asked any, mine *turn, call func() (Answer, error),
) (answer Answer, err error) {
	mine.err = errLeft // unless the call comes to an end
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

// join returns the call that waits, or a new one; nil where too many wait.
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

// begin has later callers wait for another call.
func (t *turns) begin(u *userTurns, asked any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(u.waiting, asked)
}
