package live

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// listed is a chat.Inboxes where all users have the same chats and no user ignores another.
type listed struct {
	chat.Inboxes
	chats []chat.Standing
}

func (listed) Ignored(context.Context, string) ([]string, error) { return nil, nil }
func (l listed) Chats(context.Context, chat.ChatsRequest) ([]chat.Standing, error) {
	return l.chats, nil
}

// testAdmission is a chat.Admission whose every answer is the test's, until it ends.
type testAdmission struct {
	asked   chan []string
	answers chan error
}

func newTestAdmission() *testAdmission {
	return &testAdmission{asked: make(chan []string, 1000), answers: make(chan error, 1000)}
}

func (a *testAdmission) Enter(_ context.Context, names []string) error {
	a.asked <- names
	return <-a.answers
}

// openInbox follows an inbox of some rooms and one pair, each with a message.
func openInbox(t *testing.T, w *world, admission *testAdmission, rooms int) (hub *Hub, sink *told, names []string) {
	t.Helper()
	inboxes := listed{chats: []chat.Standing{{Chat: "alice:bob"}}}
	for i := range rooms {
		names = append(names, fmt.Sprint("room", i))
		inboxes.chats = append(inboxes.chats, chat.Standing{Chat: names[i]})
	}
	for _, standing := range inboxes.chats {
		w.send(t, standing.Chat, 1)
	}
	hub = run(t, w, w, Config{Inboxes: inboxes, Admission: admission})
	watch(t, hub, "alice:alice") // its confirmation has the list read again
	sink = newTold()
	alice := InboxFollow{Follow: Follow{Reader: "alice", By: chat.Caller{User: "alice"}}}
	if err := open(t, hub, sink).FollowInbox(alice); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(admission.answers) })
	return hub, sink, names
}

// pagesOf takes n pages from the sink, and returns whose they are, sorted.
func (s *told) pagesOf(t *testing.T, n int) (chats []string) {
	t.Helper()
	for range n {
		chats = append(chats, receive(t, s.pages).Chat)
	}
	slices.Sort(chats)
	return chats
}

// TestAnInboxIsAskedForOnce, however many rooms it has, and nothing comes before the answer.
func TestAnInboxIsAskedForOnce(t *testing.T) {
	t.Parallel()
	const rooms = 300
	w, admission := newWorld(), newTestAdmission()
	_, sink, names := openInbox(t, w, admission, rooms)
	if asked := receive(t, admission.asked); !slices.Equal(asked, names) {
		t.Errorf("it was asked for %q, want for all rooms", asked)
	}
	if n := len(sink.pages); n > 0 {
		t.Errorf("%d pages came before the answer", n)
	}
	admission.answers <- nil
	sink.pagesOf(t, rooms+1)
	for _, name := range names {
		w.send(t, name, 1)
	}
	sink.pagesOf(t, rooms)
	if n := len(admission.asked); n > 0 {
		t.Errorf("it was asked %d times more", n)
	}
}

// TestAnInboxIsAskedForAgain in one call after a failed one.
func TestAnInboxIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w, admission := newWorld(), newTestAdmission()
	_, sink, names := openInbox(t, w, admission, 10)
	for range 2 {
		receive(t, admission.asked)
		admission.answers <- chat.Errorf(chat.Unavailable, "redis is away")
	}
	if asked := receive(t, admission.asked); !slices.Equal(asked, names) {
		t.Errorf("it was asked again for %q, want for all rooms", asked)
	}
	admission.answers <- nil
	sink.pagesOf(t, len(names)+1)
}

// TestOneRoomOfAnInboxIsRefused: the others come.
func TestOneRoomOfAnInboxIsRefused(t *testing.T) {
	t.Parallel()
	w, admission := newWorld(), newTestAdmission()
	_, sink, _ := openInbox(t, w, admission, 3)
	refused := chat.Errorf(chat.PermissionDenied, "not a member")
	receive(t, admission.asked)
	admission.answers <- refused
	for range 3 {
		asked := receive(t, admission.asked)
		if len(asked) != 1 {
			t.Fatalf("it was asked for %q, want for each room", asked)
		}
		if asked[0] == "room1" {
			admission.answers <- refused
		} else {
			admission.answers <- nil
		}
	}
	if got, want := sink.pagesOf(t, 3), []string{"alice:bob", "room0", "room2"}; !slices.Equal(got, want) {
		t.Errorf("pages of %q came, want of %q", got, want)
	}
	w.send(t, "room1", 1)
	w.send(t, "room2", 1)
	if got := sink.pagesOf(t, 1); got[0] != "room2" {
		t.Errorf("a page of %q came, want of room2", got[0])
	}
}

// TestNewsWhileAnInboxIsAskedFor: who was removed meanwhile may have been let in by an answer of before.
func TestNewsWhileAnInboxIsAskedFor(t *testing.T) {
	t.Parallel()
	w, admission := newWorld(), newTestAdmission()
	hub, sink, _ := openInbox(t, w, admission, 3)
	receive(t, admission.asked)
	hears := func(room string, e chat.Event) {
		e.Chat, _ = chat.ParseID(room)
		hub.mutex.Lock()
		followed := hub.chats[e.Chat]
		hub.mutex.Unlock()
		followed.hear(e)
	}
	hears("room1", chat.Event{Kind: chat.MembersChanged, Users: []string{"alice"}})
	for _, room := range []string{"room0", "room1"} {
		hears(room, chat.Event{Kind: chat.Signalled, Signal: &chat.Signal{Type: "typing", Sender: "bob"}})
	}
	admission.answers <- nil
	if asked := receive(t, admission.asked); !slices.Equal(asked, []string{"room1"}) {
		t.Errorf("it was asked again for %q, want for room1", asked)
	}
	hears("room1", chat.Event{Kind: chat.Hint, Position: 2000}) // has it looked at once more, when it is gone
	admission.answers <- chat.Errorf(chat.PermissionDenied, "not a member")
	if got, want := sink.pagesOf(t, 3), []string{"alice:bob", "room0", "room2"}; !slices.Equal(got, want) {
		t.Errorf("pages of %q came, want of %q", got, want)
	}
	w.send(t, "room0", 1)
	sink.pagesOf(t, 1)
	if n := len(admission.asked); n > 0 {
		t.Errorf("it was asked %d times more", n)
	}
	if n := len(sink.events); n > 0 {
		t.Errorf("%d signals came before the reader's access was checked", n)
	}
}
