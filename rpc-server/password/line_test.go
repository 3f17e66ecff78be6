package password

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestRegistrationsDoNotStarveLogins: while registrations wait in a full queue, a login and a change of a password wait for
// two hashes at most; what is too much is refused to those who register alone.
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
			t.Errorf("%d places are free at the end, want 1", h.line.free)
		}
	})
}
