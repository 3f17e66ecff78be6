package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func open(t *testing.T, hub *Hub, sink *told, follows ...Follow) *Session {
	t.Helper()
	s := hub.Open(sink, func(err error) { sink.ended <- err })
	t.Cleanup(s.Close)
	for _, f := range follows {
		if err := s.Follow(f); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestOldAndNewMessagesComeOnceInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	w.send(t, "room", 250)
	sink := newTold()
	open(t, hub, sink, Follow{Chat: "room"})
	if pages := sink.messages(t, 250); pages != 3 {
		t.Errorf("250 messages came in %d pages, want 3", pages)
	}
	for range 20 {
		w.send(t, "room", 1)
	}
	sink.messages(t, 20)
}

// TestStoredBetweenPullAndWait: the page has been read, and its reader does not wait yet.
func TestStoredBetweenPullAndWait(t *testing.T) {
	for name, wait := range map[string]func(*testing.T, *Hub){
		"session": func(t *testing.T, hub *Hub) {
			sink := newTold()
			open(t, hub, sink, Follow{Chat: "room"})
			sink.messages(t, 1)
		},
		"wait": func(t *testing.T, hub *Hub) {
			page, err := hub.Wait(t.Context(), chat.PullRequest{Chat: "room", Limit: 10}, 10*time.Second)
			if err != nil || len(page.Messages) != 1 {
				t.Errorf("Wait() = %+v, %v, want the message", page, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			hub := w.start(t)
			var t1 *followedChat // the chat is watched, and its watch confirmed, before
			l := &waiter{woken: make(chan struct{}, 1)}
			id, _ := chat.ParseID("room")
			hub.join(id, l, &t1)
			receive(t, l.woken)
			w.OnPull(func() {
				w.send(t, "room", 1)
				receive(t, l.woken) // the hint has been handed out
			})
			wait(t, hub)
			hub.leave(t1, l)
		})
	}
}

// TestOnePullForManyWatchers: those who stand at the same place share a pull, and its encoding.
func TestOnePullForManyWatchers(t *testing.T) {
	w := newWorld()
	hub := run(t, w, w, Config{PageLasts: time.Hour}) // on a busy machine the slowest of them is late
	const watchers, messages = 200, 50
	sinks := make([]*told, watchers)
	sessions := make([]*Session, watchers)
	for i := range sinks {
		sinks[i] = newTold()
		sessions[i] = open(t, hub, sinks[i], Follow{Chat: "room"})
	}
	eventually(t, "each has looked at the empty chat, after the watch was confirmed", func() bool {
		id, _ := chat.ParseID("room")
		hub.mutex.Lock()
		confirmed := hub.chats[id].ahead(0, -1)
		hub.mutex.Unlock()
		return confirmed && !slices.ContainsFunc(sessions, (*Session).busy)
	})
	before := w.Pulls()
	encoded := 0
	for range messages {
		w.send(t, "room", 1)
		for _, sink := range sinks {
			receive(t, sink.pages).Encoded(func(*Page) []byte {
				encoded++
				return nil
			})
		}
	}
	if pulls := w.Pulls() - before; pulls != messages {
		t.Errorf("%d messages to %d watchers took %d pulls, want one each", messages, watchers, pulls)
	}
	if encoded != messages {
		t.Errorf("%d messages were encoded %d times, want each once", messages, encoded)
	}
}

// busy says whether something is being delivered, or is to be.
func (s *Session) busy() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.running || len(s.ready) > 0
}

func TestManyChatsOfOneSession(t *testing.T) {
	w := newWorld()
	hub := w.start(t)
	w.send(t, "b:a", 3)
	sink := newTold()
	open(t, hub, sink, Follow{Chat: "room"}, Follow{Chat: "b:a", Cursor: 1001})
	page := receive(t, sink.pages)
	if page.Chat != "b:a" || len(page.Messages) != 2 || page.Messages[0].Chat != "b:a" {
		t.Errorf("the page is of %q with %+v, want two messages of b:a", page.Chat, page.Messages)
	}
	w.send(t, "room", 1)
	receive(t, sink.pages)
	receive(t, sink.stands)
	if stands := receive(t, sink.stands); !slices.Equal(stands, []Position{{"room", 1001}, {"b:a", 1003}}) {
		t.Errorf("the client stands at %v, want both chats' cursors", stands)
	}
}

func TestUnfollow(t *testing.T) {
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	s := open(t, hub, sink, Follow{Chat: "a:b"})
	w.send(t, "a:b", 1)
	receive(t, sink.pages)
	if err := s.Unfollow("b:a"); err != nil {
		t.Fatal(err)
	}
	w.send(t, "a:b", 1)
	w.send(t, "room", 1)
	if err := s.Follow(Follow{Chat: "room"}); err != nil {
		t.Fatal(err)
	}
	if page := receive(t, sink.pages); page.Chat != "room" {
		t.Errorf("a page of %q came after it was unfollowed", page.Chat)
	}
	if err := s.Follow(Follow{Chat: "a:b", Cursor: 1001}); err != nil {
		t.Fatal(err)
	}
	if page := receive(t, sink.pages); page.Messages[0].SendTime != 1001 {
		t.Errorf("the page begins at %d, want where the chat is followed from again", page.Messages[0].SendTime)
	}
}

func TestRefusedFollows(t *testing.T) {
	hub := newWorld().start(t)
	s := open(t, hub, newTold())
	for name, f := range map[string]Follow{
		"chat":     {Chat: "a:b:c"},
		"cursor":   {Chat: "room", Cursor: -1},
		"limit":    {Chat: "room", Limit: -1},
		"batch":    {Chat: "room", Batch: time.Hour},
		"reader":   {Chat: "room", Reader: "a b"},
		"stranger": {Chat: "a:b", Reader: "carol"},
	} {
		if err := s.Follow(f); chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("Follow(%s) = %v, want invalid_argument", name, err)
		}
	}
	if n := s.Follows(); n != 0 {
		t.Errorf("%d chats are followed, want none", n)
	}
}

// TestPullsFail: a temporary error is tried again; any other ends the follow.
func TestPullsFail(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Fail(chat.Errorf(chat.Unavailable, "redis is away"))
	hub := w.start(t)
	sink := newTold()
	s := open(t, hub, sink, Follow{Chat: "room"})
	w.send(t, "room", 1)
	eventually(t, "it was tried twice", func() bool { return w.Pulls() >= 2 })
	w.Fail(nil)
	sink.messages(t, 1)
	w.Fail(chat.Errorf(chat.PermissionDenied, "not you"))
	w.send(t, "room", 1)
	if err := receive(t, sink.refused); chat.CodeOf(err) != chat.PermissionDenied {
		t.Errorf("refused with %v, want permission_denied", err)
	}
	eventually(t, "it is not followed", func() bool { return s.Follows() == 0 })
}

func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	open(t, hub, sink, Follow{Chat: "room"})
	waited := make(chan error, 1)
	go func() {
		_, err := hub.Wait(context.Background(), chat.PullRequest{Chat: "room"}, time.Minute)
		waited <- err
	}()
	eventually(t, "both listen", func() bool {
		id, _ := chat.ParseID("room")
		hub.mutex.Lock()
		defer hub.mutex.Unlock()
		return len(hub.chats[id].all()) == 2
	})
	hub.Drain()
	if err := receive(t, sink.ended); !errors.Is(err, ErrDraining) {
		t.Errorf("the session ended with %v, want ErrDraining", err)
	}
	if err := receive(t, waited); err != nil {
		t.Errorf("Wait() = %v, want an empty page", err)
	}
	late := newTold()
	open(t, hub, late)
	if err := receive(t, late.ended); !errors.Is(err, ErrDraining) {
		t.Errorf("a late session ended with %v, want ErrDraining", err)
	}
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	hub := newWorld().start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		wait time.Duration
	}{"in time": {t.Context(), time.Millisecond}, "with its client": {ctx, time.Hour}} {
		page, err := hub.Wait(c.ctx, chat.PullRequest{Chat: "room", Cursor: 7}, c.wait)
		if err != nil || len(page.Messages) > 0 || page.NextCursor != 7 {
			t.Errorf("%s: Wait() = %+v, %v, want an empty page at 7", name, page, err)
		}
	}
}

// TestAnUnfollowedChat: a chat without followers is unwatched after a while, and watched again.
func TestAnUnfollowedChat(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	s := open(t, hub, sink, Follow{Chat: "room"})
	s.Close()
	hub.forget(time.Now())
	id, _ := chat.ParseID("room")
	if !w.Watched(id) {
		t.Error("the chat is unwatched at once, want it to linger")
	}
	hub.forget(time.Now().Add(lingers))
	if w.Watched(id) {
		t.Error("the chat is watched without followers")
	}
	again := newTold()
	open(t, hub, again, Follow{Chat: "room"})
	w.send(t, "room", 1)
	again.messages(t, 1)
}

func TestPresence(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	anna, bert := newTold(), newTold()
	open(t, hub, anna, Follow{Chat: "room", Reader: "anna", Presence: true})
	for p := receive(t, anna.present); !slices.Equal(p.Readers, []string{"anna"}); p = receive(t, anna.present) {
	}
	b := open(t, hub, bert, Follow{Chat: "room", Reader: "bert/phone"})
	for p := receive(t, anna.present); len(p.Readers) != 2; p = receive(t, anna.present) {
	}
	b.Close()
	for p := receive(t, anna.present); len(p.Readers) != 1; p = receive(t, anna.present) {
	}
	if len(bert.present) > 0 {
		t.Error("one who did not want to know was told who is present")
	}
}

// TestPresenceOfAnInbox: its reader is present in the chat of the user alone, and in no other.
func TestPresenceOfAnInbox(t *testing.T) {
	t.Parallel()
	w := newWorld()
	inboxes := &shifting{}
	inboxes.chats.Store(&[]chat.Standing{})
	hub := run(t, w, w, Config{Inboxes: inboxes})
	seen := newTold()
	open(t, hub, seen, Follow{Chat: "alice:alice", Presence: true})
	session := open(t, hub, newTold())
	if err := session.FollowInbox(InboxFollow{Follow: Follow{Reader: "alice/phone"}}); err != nil {
		t.Fatal(err)
	}
	for p := receive(t, seen.present); !slices.Equal(p.Readers, []string{"alice/phone"}); p = receive(t, seen.present) {
	}
	if err := session.UnfollowInbox(); err != nil {
		t.Fatal(err)
	}
	for p := receive(t, seen.present); len(p.Readers) != 0; p = receive(t, seen.present) {
	}
}

func TestSignals(t *testing.T) {
	w := newWorld()
	hub := w.start(t)
	sink := newTold()
	open(t, hub, sink, Follow{Chat: "room"})
	if err := w.Signal(t.Context(), chat.Signal{Chat: "room", Type: "typing", Sender: "bob"}); err != nil {
		t.Fatal(err)
	}
	if e := receive(t, sink.events); e.Signal.Sender != "bob" {
		t.Errorf("the signal is %+v, want bob's", e.Signal)
	}
}

// TestConcurrency: sessions come, follow, leave and break while everything happens; each that stays has everything.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hub := w.start(t)
	const rooms, each = 5, 200
	var stay []*told
	for room := range rooms {
		sink := newTold()
		stay = append(stay, sink)
		open(t, hub, sink, Follow{Chat: fmt.Sprint("room", room), Reader: "x"})
	}
	var running sync.WaitGroup
	for room := range rooms {
		running.Go(func() { w.send(t, fmt.Sprint("room", room), each) })
		running.Go(func() {
			for i := range 50 {
				sink := newTold()
				s := hub.Open(sink, func(err error) {})
				_ = s.Follow(Follow{Chat: fmt.Sprint("room", room), Reader: fmt.Sprint("r", i), Presence: i%2 == 0})
				sink.fails.Store(i%3 == 0)
				s.beat()
				_ = s.Follow(Follow{Chat: fmt.Sprint("room", (room+1)%rooms)})
				_ = s.Unfollow(fmt.Sprint("room", room))
				s.Close()
			}
		})
	}
	running.Wait()
	for _, sink := range stay {
		sink.messages(t, each)
	}
}

// TestResumedInbox: already the first page says where the client stands in all chats that it has named, and in which order
// they moved.
func TestResumedInbox(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var inboxes listed
	for _, name := range []string{"a", "b", "c", "d"} {
		w.send(t, name, 2)
		inboxes.chats = append(inboxes.chats, chat.Standing{Chat: name, Cursor: 1002})
	}
	hub, sink := run(t, w, w, Config{Inboxes: inboxes}), newTold()
	at := []Position{{"c", 1002}, {"a", 1001}, {"b", 1002}}
	if err := open(t, hub, sink).FollowInbox(InboxFollow{Follow: Follow{Reader: "alice"}, At: at}); err != nil {
		t.Fatal(err)
	}
	sink.pagesOf(t, 1)
	if stands := receive(t, sink.stands); !slices.Equal(stands, []Position{{"c", 1002}, {"b", 1002}, {"a", 1002}}) {
		t.Errorf("after a page of a the client stands at %v, want all that it has named, and a the last", stands)
	}
	w.send(t, "d", 1)
	sink.pagesOf(t, 1)
	if stands := receive(t, sink.stands); !slices.Equal(stands, []Position{{"c", 1002}, {"b", 1002}, {"a", 1002}, {"d", 1003}}) {
		t.Errorf("after a page of d the client stands at %v, want d the last", stands)
	}
}
