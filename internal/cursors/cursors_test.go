package cursors

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestCursors: a cursor moves once the client has stayed for a period after the write, and not more often than needed.
func TestCursors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		steps func(*Cursors)
		want  []string
	}{
		{"it stays", func(r *Cursors) { r.Wrote("a", 5); time.Sleep(2 * settlesAfter) }, []string{"a 5"}},
		{"it has gone before a period is over", func(r *Cursors) { r.Wrote("a", 5); time.Sleep(settlesAfter / 2); r.Leave(false) }, nil},
		{"what came last is not sure", func(r *Cursors) {
			r.Wrote("a", 5)
			time.Sleep(settlesAfter + settlesAfter/2)
			r.Wrote("a", 6)
			time.Sleep(settlesAfter)
			r.Leave(false)
			time.Sleep(10 * settlesAfter)
		}, []string{"a 5"}},
		{"it has read all", func(r *Cursors) { r.Wrote("a", 5); r.Wrote("b", 7); r.Leave(true) }, []string{"a 5", "b 7"}},
		{"all is moved already", func(r *Cursors) { r.Wrote("a", 5); time.Sleep(3 * settlesAfter); r.Leave(true) }, []string{"a 5"}},
		{"many writes", func(r *Cursors) {
			for at := range int64(100) {
				r.Wrote("a", at+1)
			}
			time.Sleep(3 * settlesAfter)
		}, []string{"a 100"}},
		{"nothing was written", func(r *Cursors) { r.Leave(true) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var moves []string
				r := &Cursors{Advance: func(chat string, to int64) { moves = append(moves, fmt.Sprint(chat, " ", to)) }}
				c.steps(r)
				synctest.Wait()
				if slices.Sort(moves); !slices.Equal(moves, c.want) {
					t.Errorf("the moves are %q, want %q", moves, c.want)
				}
			})
		})
	}
}
