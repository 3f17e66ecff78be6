package projection

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestCommitRests: a busy partition stores its cursors every two seconds, and at once where it ends.
func TestCommitRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &runner{leases: map[int]*partition{}, chats: map[string]*cursor{}, dirty: map[*cursor]struct{}{}, waiting: map[*cursor]struct{}{}}
		p := &partition{}
		r.leases[0] = p
		c := &cursor{chat: "room", partition: p, known: true}
		commits := func(rest time.Duration) int {
			c.at = chat.Cursor{Position: c.at.Position + 1}
			r.dirty[c] = struct{}{}
			list := r.gather(rest)
			stored := make([]bool, len(list))
			for i := range stored {
				stored[i] = true
			}
			r.committed(list, stored, nil)
			return len(list)
		}
		if commits(commitRest) != 1 {
			t.Error("the first event of a partition is not stored at once")
		}
		n := 0
		for range 20 {
			<-time.After(commitEvery)
			n += commits(commitRest)
		}
		if n != 5 {
			t.Errorf("a partition that is always busy stores %d times in 10 s, want 5", n)
		}
		<-time.After(commitEvery)
		if commits(0) != 1 {
			t.Error("a partition that ends is not stored")
		}
	})
}
