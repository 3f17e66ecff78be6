package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// asked is a chat.Inboxes that answers when it is told to.
type asked struct {
	chat.Inboxes
	questions chan string
	answers   chan []string
	fails     atomic.Int64 // how many questions it does not answer
}

func (a *asked) Ignored(ctx context.Context, user string) ([]string, error) {
	if a.fails.Add(-1) >= 0 {
		return nil, chat.Wrap(errors.New("told to fail"), chat.Unavailable, "try again")
	}
	a.questions <- user
	select {
	case users := <-a.answers:
		return users, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestNothingComesBeforeItIsKnownWhoIsIgnored: also where the first question is not answered.
func TestNothingComesBeforeItIsKnownWhoIsIgnored(t *testing.T) {
	t.Parallel()
	w, inboxes := newWorld(), &asked{questions: make(chan string, 100), answers: make(chan []string, 100)}
	inboxes.fails.Store(2)
	w.send(t, "room", 1)
	sink := newTold()
	open(t, run(t, w, w, Config{Inboxes: inboxes}), sink, Follow{Chat: "room", Reader: "alice/phone"})
	if user := receive(t, inboxes.questions); user != "alice" {
		t.Errorf("it was asked whom %q ignores, want alice", user)
	}
	if pulls := w.Pulls(); pulls != 0 {
		t.Errorf("%d pulls were made, want none before it is known who is left out", pulls)
	}
	for range 100 {
		inboxes.answers <- nil
	}
	sink.messages(t, 1)
}

// TestAnswerOfBeforeIsNotTaken: it was asked before a request was done here, and is answered after it.
func TestAnswerOfBeforeIsNotTaken(t *testing.T) {
	t.Parallel()
	w, inboxes := newWorld(), &asked{questions: make(chan string, 100), answers: make(chan []string)}
	hub := run(t, w, w, Config{Inboxes: inboxes})
	open(t, hub, newTold(), Follow{Chat: "room", Reader: "alice"})
	receive(t, inboxes.questions)
	hub.Ignore(chat.IgnoreRequest{User: "alice", Other: "bob", Ignore: true})
	inboxes.answers <- []string{"carol"}
	receive(t, inboxes.questions) // it is asked again
	hub.localUsers.mutex.Lock()
	p := hub.localUsers.users["alice"]
	hub.localUsers.mutex.Unlock()
	if names := p.ignored(); !names["bob"] || names["carol"] {
		t.Errorf("alice ignores %v, want bob", names)
	}
	inboxes.answers <- []string{"bob", "carol"}
	eventually(t, "the new answer", func() bool { return p.ignored()["carol"] && p.ignored()["bob"] })
	hub.Ignore(chat.IgnoreRequest{User: "alice", Other: "bob"})
	if p.ignored()["bob"] {
		t.Error("bob is still ignored")
	}
}

// TestARefusedFollowHoldsNoUser: its chat is over the limit, and its reader's ignored users are not kept for it either.
func TestARefusedFollowHoldsNoUser(t *testing.T) {
	t.Parallel()
	w, inboxes := newWorld(), &asked{questions: make(chan string, 100), answers: make(chan []string, 100)}
	hub := run(t, w, w, Config{Inboxes: inboxes, MaxChats: 1})
	sink := newTold()
	s := open(t, hub, sink, Follow{Chat: "room"})
	if err := s.Follow(Follow{Chat: "other", Reader: "alice"}); chat.CodeOf(err) != chat.ResourceExhausted {
		t.Errorf("the second of one chat: Follow() = %v, want resource_exhausted", err)
	}
	if n := s.Follows(); n != 1 {
		t.Errorf("%d chats are followed, want the first", n)
	}
	hub.localUsers.mutex.Lock()
	users := len(hub.localUsers.users)
	hub.localUsers.mutex.Unlock()
	if users != 0 {
		t.Errorf("%d users are still kept, want none", users)
	}
	for range 100 { // the one who was refused may have been asked about already
		inboxes.answers <- nil
	}
	if err := s.Follow(Follow{Chat: "room", Reader: "alice"}); err != nil {
		t.Errorf("the chat that is followed: Follow() = %v, want that it goes on", err)
	}
	w.send(t, "room", 1)
	sink.messages(t, 1)
}

// TestPageWithoutSome leaves the page that others share as it is.
func TestPageWithoutSome(t *testing.T) {
	page := &Page{Page: chat.Page{Messages: []chat.Message{{Sender: "a"}, {Sender: "b"}, {Sender: "a"}}, NextCursor: 7}}
	if got := page.without(map[string]bool{"c": true}); got != page {
		t.Error("where nobody is left out, the page is not the shared one")
	}
	left := page.without(map[string]bool{"a": true})
	if !slices.Equal(left.Messages, []chat.Message{{Sender: "b"}}) || left.NextCursor != 7 || len(page.Messages) != 3 || page.Messages[0].Sender != "a" {
		t.Errorf("without(a) = %+v of %+v", left, page)
	}
}

// shifting is a chat.Inboxes whose list is the test's.
type shifting struct {
	chat.Inboxes
	chats atomic.Pointer[[]chat.Standing]
	holds atomic.Pointer[chan struct{}] // Chats waits for its end after it has read; nil: it does not
}

func (*shifting) Ignored(context.Context, string) ([]string, error) { return nil, nil }
func (s *shifting) Chats(context.Context, chat.ChatsRequest) ([]chat.Standing, error) {
	read := slices.Clone(*s.chats.Load())
	if holds := s.holds.Load(); holds != nil {
		<-*holds
	}
	return read, nil
}

// TestInboxOfTheNewest: of more chats than an inbox has room for those are followed that moved last. Others take their
// places when they move, and one that comes back goes on where it was.
func TestInboxOfTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		list := func(names ...string) *[]chat.Standing {
			var chats []chat.Standing
			for _, name := range names {
				chats = append(chats, chat.Standing{Chat: name})
			}
			return &chats
		}
		inboxes := &shifting{}
		inboxes.chats.Store(list("a", "alice:b", "c"))
		hub := run(t, w, w, Config{Inboxes: inboxes, MaxInbox: 2})
		for _, name := range []string{"a", "alice:b", "c"} {
			w.send(t, name, 1)
		}
		sink := newTold()
		if err := open(t, hub, sink).FollowInbox(InboxFollow{Follow: Follow{Reader: "alice"}}); err != nil {
			t.Fatal(err)
		}
		if got := sink.pagesOf(t, 2); !slices.Equal(got, []string{"a", "alice:b"}) {
			t.Errorf("at first %v came, want those that moved last", got)
		}
		inboxes.chats.Store(list("c", "a", "alice:b"))
		<-time.After(inboxAgain + time.Second)
		if got := receive(t, sink.pages); got.Chat != "c" {
			t.Errorf("when c has moved %s came", got.Chat)
		}
		w.send(t, "alice:b", 1)
		inboxes.chats.Store(list("alice:b", "c", "a"))
		<-time.After(inboxAgain + time.Second)
		if got := receive(t, sink.pages); got.Chat != "alice:b" || len(got.Messages) != 1 {
			t.Errorf("when alice:b is back %s came with %d messages, want the one that is new", got.Chat, len(got.Messages))
		}
		synctest.Wait()
		if len(sink.pages)+len(sink.refused)+len(sink.ended) != 0 {
			t.Error("more came, or it has ended")
		}
	})
}

// TestInboxWritesTheNoticeOfItsLeaving: the list may have a room no more before the notice of that has been written, because
// its hint was lost or is slower. Behind the notice the room is not followed.
func TestInboxWritesTheNoticeOfItsLeaving(t *testing.T) {
	for _, lost := range []bool{true, false} {
		t.Run(fmt.Sprint("lost ", lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				inboxes := &shifting{}
				inboxes.chats.Store(&[]chat.Standing{{Chat: "room"}})
				hub, sink := run(t, w, w, Config{Inboxes: inboxes}), newTold()
				session := open(t, hub, sink)
				if err := session.FollowInbox(InboxFollow{Follow: Follow{Reader: "alice", Limit: 2}}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				w.send(t, "room", 1)
				receive(t, sink.pages)
				room, _ := chat.ParseID("room")
				w.Lose(lost)
				for range 3 {
					w.Store(room, chat.Message{Text: "x", Sender: "bob"})
				}
				w.Store(room, chat.Message{Text: "alice left", Sender: "alice", Notice: &chat.Notice{Event: chat.MemberLeft, Users: []string{"alice"}}})
				inboxes.chats.Store(&[]chat.Standing{})
				session.inbox.again()
				synctest.Wait()
				w.Lose(false)
				var texts []string
				for len(sink.pages) > 0 {
					for _, m := range (<-sink.pages).Messages {
						texts = append(texts, m.Text)
					}
				}
				if got := strings.Join(texts, ","); got != "x,x,x,alice left" {
					t.Errorf("%q came, want all up to the notice", got)
				}
				w.send(t, "room", 1)
				synctest.Wait()
				if len(sink.pages)+len(sink.refused)+len(sink.ended) != 0 || len(session.inbox.follows()) != 0 {
					t.Error("the room is still followed")
				}

				// It is followed again where the list has it again.
				inboxes.chats.Store(&[]chat.Standing{{Chat: "room"}})
				session.inbox.again()
				synctest.Wait()
				if len(session.inbox.follows()) != 1 {
					t.Error("the room is not followed again")
				}
			})
		})
	}
}

// TestInboxPagesNameTheirChats: with the names of the list when it was read, or of the room's last notice.
func TestInboxPagesNameTheirChats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ann := []chat.UserName{{User: "ann", Name: "Ann"}}
		inboxes := &shifting{}
		inboxes.chats.Store(&[]chat.Standing{{Chat: "room", Title: chat.Title{Name: "One"}}, {Chat: "alice:ann", Title: chat.Title{Users: ann}}})
		hub := run(t, w, w, Config{Inboxes: inboxes})
		sink := newTold()
		session := open(t, hub, sink)
		if err := session.FollowInbox(InboxFollow{Follow: Follow{Reader: "alice", Limit: 2}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wants := func(what, of string, want chat.Title) {
			t.Helper()
			page, got := receive(t, sink.pages), receive(t, sink.titles)
			if page.Chat != of || got.Name != want.Name || !slices.Equal(got.Users, want.Users) {
				t.Errorf("%s: a page of %s with %+v came, want %s with %+v", what, page.Chat, got, of, want)
			}
		}
		room, _ := chat.ParseID("room")
		renamed := func(name string) {
			w.Store(room, chat.Message{Text: "x", Sender: "ann", Notice: &chat.Notice{Event: chat.RoomRenamed, Name: name}})
		}
		w.send(t, "room", 1)
		wants("of the list", "room", chat.Title{Name: "One"})
		w.send(t, "alice:ann", 1)
		wants("of the list", "alice:ann", chat.Title{Users: ann})
		synctest.Wait() // the list has been read again, because both chats are new in it

		held := make(chan struct{})
		inboxes.holds.Store(&held)
		session.inbox.again()
		synctest.Wait() // a list with the name of before is on its way
		renamed("Two")
		wants("with the notice", "room", chat.Title{Name: "Two"})
		inboxes.holds.Store(nil)
		close(held)
		synctest.Wait()
		w.send(t, "room", 1)
		wants("after a list that was read before the notice", "room", chat.Title{Name: "Two"})

		inboxes.chats.Store(&[]chat.Standing{{Chat: "room", Title: chat.Title{Name: "Four"}}})
		w.Lose(true)
		for _, name := range []string{"Three", "Four", "Five"} {
			renamed(name)
		}
		w.Lose(false)
		w.send(t, "room", 1)
		wants("where more follows", "room", chat.Title{Name: "Two"})
		wants("at the end", "room", chat.Title{Name: "Five"})
		if err := session.Follow(Follow{Chat: "open"}); err != nil {
			t.Fatal(err)
		}
		w.send(t, "open", 1)
		wants("of no inbox", "open", chat.Title{})
	})
}
