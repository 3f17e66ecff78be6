package password

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestRegistrationsDoNotStarveLogins: while registrations wait in a full queue, a login and a change of a password wait for
// two hashes at most. Only registrations are refused.
func TestRegistrationsDoNotStarveLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const one = 40 * time.Millisecond
		h := newHasher(cheap, 1, func(_, _ []byte, _ Parameters) []byte { time.Sleep(one); return make([]byte, hashBytes) })
		var all sync.WaitGroup
		var mutex sync.Mutex
		refused := 0
		register := func() {
			if _, err := h.Hash(chat.WithHashPurpose(t.Context(), chat.HashToRegister), "x"); err != nil {
				mutex.Lock()
				defer mutex.Unlock()
				refused++
			}
		}
		for range 200 {
			all.Go(register)
		}
		synctest.Wait()
		for _, purpose := range []chat.HashPurpose{chat.HashToLogIn, chat.HashToChange} {
			for range 5 {
				began := time.Now()
				if _, _, err := h.Verify(chat.WithHashPurpose(t.Context(), purpose), "x", ""); err != nil || time.Since(began) > 3*one {
					t.Errorf("purpose %d: Verify() took %v, %v; want %v at most", purpose, time.Since(began), err, 3*one)
				}
			}
		}
		all.Wait()
		if refused < 200-waiting-1 || refused == 200 {
			t.Errorf("%d of 200 registrations were refused, want about %d", refused, 200-waiting)
		}
		if h.line.free != 1 {
			t.Errorf("%d slots are free at the end, want 1", h.line.free)
		}
	})
}

// TestALongQueueRefusesAtOnce: calls that would not be done in time are refused without a wait. The others are done within
// the time that callers have.
func TestALongQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	for _, running := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			const one = 190 * time.Millisecond // as on a loaded machine
			h := newHasher(cheap, running, func(_, _ []byte, _ Parameters) []byte { time.Sleep(one); return make([]byte, hashBytes) })
			ctx := chat.WithHashPurpose(t.Context(), chat.HashToRegister)
			if _, err := h.Hash(ctx, "x"); err != nil { // which tells how long one takes
				t.Fatal(err)
			}
			var all sync.WaitGroup
			var done, refused atomic.Int32
			for range 30 {
				all.Go(func() {
					began := time.Now()
					_, err := h.Hash(ctx, "x")
					took := time.Since(began)
					switch {
					case err == nil && took <= waitAtMost:
						done.Add(1)
					case chat.CodeOf(err) == chat.Unavailable && took == 0:
						refused.Add(1)
					default:
						t.Errorf("%d at once: Hash() = %v after %v; want it within %v, or a refusal at once", running, err, took, waitAtMost)
					}
				})
			}
			all.Wait()
			if want := int32(running) * int32(waitAtMost/one); done.Load() < want-int32(running) || done.Load() > want {
				t.Errorf("%d at once: %d were done and %d refused, want about %d done", running, done.Load(), refused.Load(), want)
			}
		})
	}
}
