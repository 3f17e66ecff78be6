package chat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns: one call of a user runs at a time. Identical calls that wait share one answer. No answer is older than its
// question, and no state remains.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all turns
		var mutex sync.Mutex
		running, most, calls := 0, 0, 0
		ask := func(user, asked string) (time.Time, error) {
			return inTurn(t.Context(), &all, user, asked, func() (time.Time, error) {
				began := time.Now()
				mutex.Lock()
				calls++
				running++
				most = max(most, running)
				mutex.Unlock()
				time.Sleep(10 * time.Millisecond)
				mutex.Lock()
				running--
				mutex.Unlock()
				return began, nil
			})
		}
		var waits sync.WaitGroup
		for i := range 100 {
			waits.Go(func() {
				time.Sleep(time.Duration(i%7) * time.Millisecond)
				asked := time.Now()
				began, err := ask("alice", fmt.Sprint("question ", i%3))
				if err != nil || began.Before(asked) {
					t.Errorf("an answer of %v to a question of %v, %v", began, asked, err)
				}
			})
		}
		waits.Wait()
		if most != 1 || calls > 8 {
			t.Errorf("%d calls of one user, up to %d at once; want one at a time, and shared", calls, most)
		}
		most = 0
		for i := range 5 {
			waits.Go(func() { _, _ = ask(fmt.Sprint("user", i), "the same") })
		}
		waits.Wait()
		if most != 5 {
			t.Errorf("%d calls of five users at once, want 5", most)
		}
		time.Sleep(maxPause + time.Millisecond)
		synctest.Wait()
		if len(all.users) != 0 {
			t.Errorf("%d users are remembered, want none", len(all.users))
		}
	})
}

// TestTurnsAreBounded: where a user's calls are slow, the next ones are refused after a second, and at once where many wait.
func TestTurnsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all turns
		refused := map[time.Duration]int{}
		var mutex sync.Mutex
		var waits sync.WaitGroup
		began := time.Now()
		for i := range maxTurns + 11 {
			waits.Go(func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				_, err := inTurn(t.Context(), &all, "alice", i, func() (int, error) { time.Sleep(3 * time.Second); return 0, nil })
				if CodeOf(err) == ResourceExhausted {
					mutex.Lock()
					defer mutex.Unlock()
					refused[time.Since(began).Truncate(100*time.Millisecond)]++
				}
			})
		}
		waits.Wait()
		time.Sleep(maxPause + time.Millisecond)
		synctest.Wait()
		if refused[0] != 10 || refused[time.Second] != maxTurns || len(all.users) != 0 {
			t.Errorf("refused %v, want 10 at once and %d after a second", refused, maxTurns)
		}
	})
}

// TestTurnsGoOn: if the caller that would make a shared call leaves, another one makes it. After a panic the next calls have
// their turns.
func TestTurnsGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all turns
		hold := make(chan struct{})
		var waits sync.WaitGroup
		waits.Go(func() {
			defer func() { _ = recover() }()
			_, _ = inTurn(t.Context(), &all, "alice", "first", func() (int, error) { <-hold; panic("a fault") })
		})
		synctest.Wait()
		leaves, leave := context.WithCancel(t.Context())
		waits.Go(func() {
			if _, err := inTurn(leaves, &all, "alice", "second", func() (int, error) { return 1, nil }); err == nil {
				t.Error("the caller that left was answered")
			}
		})
		synctest.Wait()
		waits.Go(func() {
			if n, err := inTurn(t.Context(), &all, "alice", "second", func() (int, error) { return 2, nil }); n != 2 || err != nil {
				t.Errorf("who shared the call of one that left has %d, %v; want 2", n, err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		close(hold)
		waits.Wait()
		time.Sleep(maxPause + time.Millisecond)
		synctest.Wait()
		if len(all.users) != 0 {
			t.Error("a user is left behind")
		}
	})
}

// TestTurnsPause: a user whose calls are dear has a quarter of the time; the answers do not wait for the pause.
func TestTurnsPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for took, want := range map[time.Duration]int{20 * time.Millisecond: 14, 5 * time.Millisecond: 200} {
			var all turns
			calls, began := 0, time.Now()
			for time.Since(began) < time.Second {
				asked := time.Now()
				var made time.Time
				_, _ = inTurn(t.Context(), &all, "alice", calls, func() (int, error) { made = time.Now(); time.Sleep(took); return 0, nil })
				if calls++; time.Since(made) != took || made.Sub(asked) > 3*took {
					t.Fatalf("a call of %v was made after %v, and answered after %v", took, made.Sub(asked), time.Since(made))
				}
			}
			if calls != want {
				t.Errorf("%d calls of %v in a second, want %d", calls, took, want)
			}
			time.Sleep(maxPause)
		}
	})
}

// TestTurnsShareErrors: an error is shared too.
func TestTurnsShareErrors(t *testing.T) {
	t.Parallel()
	var all turns
	broken := errors.New("broken")
	if _, err := inTurn(t.Context(), &all, "alice", 1, func() (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}
