package live

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// few is a Share of 150 chats.
type few struct{ taken atomic.Int64 }

func (f *few) Take() error {
	if f.taken.Load() >= 150 {
		return chat.Errorf(chat.ResourceExhausted, "150 is the limit")
	}
	f.taken.Add(1)
	return nil
}
func (f *few) Add(n int) { f.taken.Add(int64(n)) }
func (f *few) Left() int { return max(0, 150-int(f.taken.Load())) }

// TestSessionsOfOneShare: followed chats count until they are no longer followed, over all sessions. Inboxes follow as
// many chats as are left, but for a minimum.
func TestSessionsOfOneShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, share, inboxes := newWorld(), &few{}, &shifting{}
		hub := run(t, w, w, Config{Inboxes: inboxes})
		wants := func(what string, want int64) {
			t.Helper()
			if got := share.taken.Load(); got != want {
				t.Errorf("%s: %d chats count, want %d", what, got, want)
			}
		}
		var standings []chat.Standing
		for i := range 300 {
			standings = append(standings, chat.Standing{Chat: fmt.Sprint("listed", i)})
		}
		inboxes.chats.Store(&standings)
		within := func() *Session { return hub.OpenWithin(share, newTold(), func(error) {}) }
		follow := func(s *Session, name string, want chat.Code) {
			t.Helper()
			if err := s.Follow(Follow{Chat: name}); chat.CodeOf(err) != want {
				t.Errorf("Follow(%s) = %v, want code %q", name, err, want)
			}
		}
		one, two, third := within(), within(), within()
		for i := range 40 {
			follow(one, fmt.Sprint("room", i), "")
			follow(one, fmt.Sprint("room", i), "") // again
		}
		wants("followed twice", 40)
		followInbox := func(s *Session) {
			t.Helper()
			if err := s.FollowInbox(InboxFollow{Follow: Follow{Reader: "alice"}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		followInbox(two)
		wants("an inbox has what is left", 150)
		follow(one, "room40", chat.ResourceExhausted)
		followInbox(third)
		wants("another has the least", 250)
		<-time.After(inboxAgain + time.Second)
		synctest.Wait()
		wants("read again", 250)
		if err := third.UnfollowInbox(); err != nil {
			t.Fatal(err)
		}
		wants("unfollowed", 150)
		if err := one.Unfollow("room0"); err != nil {
			t.Fatal(err)
		}
		follow(third, "room40", "")
		follow(third, "room41", chat.ResourceExhausted)
		two.Close()
		one.Close()
		wants("closed", 1)
		third.Close()
		wants("all are closed", 0)
	})
}
