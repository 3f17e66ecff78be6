package live

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/events"
)

// bringing is a world whose hints bring the stored messages.
func bringing() *world {
	w := newWorld()
	w.Bring()
	return w
}

func idle(t *testing.T, s *Session) {
	t.Helper()
	eventually(t, "it has read what there is, and waits", func() bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return !s.running && len(s.ready) == 0 && !slices.ContainsFunc(s.follows, func(f *follow) bool { return f.owed })
	})
}

// TestWhatIsBroughtIsNotPulled: followers take a message from its hint, and it equals what a pull returns.
func TestWhatIsBroughtIsNotPulled(t *testing.T) {
	for name, c := range map[string]struct{ followers, messages int }{"one follower": {1, 20}, "a thousand": {1000, 3}} {
		t.Run(name, func(t *testing.T) {
			w := bringing()
			hub := run(t, w, w, Config{PageLasts: time.Hour})
			w.send(t, "b:a", 1) // where there was nothing before, it is pulled
			watch(t, hub, "a:b")
			sinks, sessions := make([]*told, c.followers), make([]*Session, c.followers)
			for i := range sinks {
				sinks[i] = &told{pages: make(chan *Page, c.messages), stands: make(chan []Position, c.messages)}
				sessions[i] = open(t, hub, sinks[i], Follow{Chat: []string{"a:b", "b:a"}[i%2], Cursor: 1001})
			}
			for _, s := range sessions {
				idle(t, s)
			}
			before, encoded := w.Pulls(), 0
			for i := range c.messages {
				w.send(t, "b:a", 1)
				for _, sink := range sinks {
					page := receive(t, sink.pages)
					page.Encoded(func(*Page) []byte {
						encoded++
						return nil
					})
					want, err := w.MessageService.Pull(t.Context(), chat.PullRequest{Chat: page.Chat, Cursor: int64(1001 + i), Limit: 10})
					before++
					if err != nil || !reflect.DeepEqual(page.Page, want) {
						t.Fatalf("the page is %+v, a pull answers %+v, %v", page.Page, want, err)
					}
				}
			}
			if pulls := w.Pulls() - before; pulls != 0 {
				t.Errorf("%d messages to %d followers took %d pulls, want none", c.messages, c.followers, pulls)
			}
			if want := c.messages * min(2, c.followers); encoded != want {
				t.Errorf("pages were encoded %d times, want %d: each message once for each name of the chat", encoded, want)
			}
		})
	}
}

// TestAWaitTakesWhatIsBrought: the only pull is the one that it begins with.
func TestAWaitTakesWhatIsBrought(t *testing.T) {
	w := bringing()
	hub := w.start(t)
	w.send(t, "room", 1)
	watch(t, hub, "room")
	answers := make(chan chat.Page, 1)
	go func() {
		page, _ := hub.Wait(t.Context(), chat.PullRequest{Chat: "room", Cursor: 1001}, 10*time.Second)
		answers <- page
	}()
	eventually(t, "it has looked", func() bool { return w.Pulls() == 1 })
	w.send(t, "room", 1)
	page := receive(t, answers)
	if pulls := w.Pulls(); pulls != 1 {
		t.Errorf("the wait took %d pulls, want 1", pulls)
	}
	want, err := w.MessageService.Pull(t.Context(), chat.PullRequest{Chat: "room", Cursor: 1001})
	if err != nil || !reflect.DeepEqual(page, want) {
		t.Errorf("Wait() = %+v, a pull answers %+v, %v", page, want, err)
	}
}

// worlds are those with hints of either kind.
var worlds = map[string]func() *world{"": newWorld, " with hints that bring": bringing}

// messageAt is the only message of a chat where nothing else was said.
func messageAt(position int64) chat.Message {
	return chat.Message{Text: fmt.Sprint(position), Sender: "alice", SendTime: position}
}

// brings is a hint of room that brings the messages at some positions.
func brings(before int64, positions ...int64) chat.Event {
	e := chat.Event{Before: before, Position: positions[len(positions)-1]}
	e.Chat, _ = chat.ParseID("room")
	for _, position := range positions {
		e.Entries = append(e.Entries, chattest.Entry(messageAt(position)))
	}
	return e
}

// TestTail: which hints make up the end of a log, and who may have it as a page.
func TestTail(t *testing.T) {
	light := func(position int64) chat.Event { return chat.Event{Position: position} }
	long := func(before, position int64) chat.Event {
		e := brings(before, position)
		m := messageAt(position)
		m.Text = strings.Repeat("x", events.MaxChatBytes/2-100)
		e.Entries[0] = chattest.Entry(m)
		return e
	}
	many := make([]int64, events.MaxEntries)
	for i := range many {
		many[i] = int64(11 + i)
	}
	broken := brings(10, 11)
	broken.Entries[0] = broken.Entries[0][:20]
	elsewhere := brings(10, 11)
	elsewhere.Position = 12
	for name, c := range map[string]struct {
		hints  []chat.Event
		cursor int64
		limit  int64
		want   []int64 // none: it is pulled
	}{
		"at the end":                   {[]chat.Event{light(10), brings(10, 11)}, 11, 0, []int64{11}},
		"further on than the last":     {[]chat.Event{light(10), brings(10, 15)}, 13, 0, []int64{15}},
		"at it":                        {[]chat.Event{light(10), brings(10, 15)}, 15, 0, []int64{15}},
		"past it":                      {[]chat.Event{light(10), brings(10, 15)}, 16, 0, nil},
		"before the last":              {[]chat.Event{light(10), brings(10, 11)}, 10, 0, nil},
		"where nothing was known":      {[]chat.Event{brings(10, 11)}, 11, 0, []int64{11}},
		"two hints":                    {[]chat.Event{brings(10, 11), brings(11, 12)}, 11, 2, []int64{11, 12}},
		"the second of two":            {[]chat.Event{brings(10, 11), brings(11, 12)}, 12, 0, []int64{12}},
		"gathered":                     {[]chat.Event{brings(10, 11, 12, 14)}, 12, 100, []int64{12, 14}},
		"more than the limit":          {[]chat.Event{brings(10, 11, 12, 14)}, 11, 2, nil},
		"more than one, and no limit":  {[]chat.Event{brings(10, 11, 12, 14)}, 12, 0, nil},
		"one is lost":                  {[]chat.Event{brings(10, 11), brings(12, 13)}, 11, 100, nil},
		"one is lost, and was pulled":  {[]chat.Event{brings(10, 11), brings(12, 13)}, 13, 0, []int64{13}},
		"doubled":                      {[]chat.Event{brings(10, 11), brings(10, 11)}, 11, 0, []int64{11}},
		"reordered":                    {[]chat.Event{brings(11, 12), brings(10, 11)}, 11, 100, nil},
		"late":                         {[]chat.Event{brings(10, 11), brings(11, 12), brings(10, 11)}, 11, 100, nil},
		"before something known":       {[]chat.Event{light(10), brings(5, 11)}, 8, 0, nil},
		"a chat that began again":      {[]chat.Event{light(10), brings(0, 11)}, 11, 0, nil},
		"a chat that was empty":        {[]chat.Event{light(0), brings(0, 11)}, 5, 0, []int64{11}},
		"from the beginning of it":     {[]chat.Event{light(0), brings(0, 11)}, 0, 0, nil},
		"a further hint without":       {[]chat.Event{brings(10, 11), light(12)}, 11, 0, nil},
		"it went back":                 {[]chat.Event{light(20), brings(10, 11)}, 11, 0, nil},
		"it went back, and on":         {[]chat.Event{light(20), brings(10, 11), brings(11, 12)}, 12, 0, []int64{12}},
		"before is no position":        {[]chat.Event{{Position: 11, Before: -5, Entries: brings(10, 11).Entries}}, 5, 0, nil},
		"an entry that cannot be read": {[]chat.Event{broken}, 11, 0, nil},
		"an entry of another position": {[]chat.Event{elsewhere}, 11, 0, nil},
		"entries out of order":         {[]chat.Event{brings(10, 12, 11, 13)}, 13, 0, nil},
		"as many as are kept":          {[]chat.Event{brings(10, many...)}, 11, 100, many},
		"more than are kept":           {[]chat.Event{brings(10, many...), brings(26, 27)}, 11, 100, nil},
		"longer than what is kept":     {[]chat.Event{long(10, 11), long(11, 12), long(12, 13)}, 11, 100, nil},
		"the last of what is longer":   {[]chat.Event{long(10, 11), long(11, 12), long(12, 13)}, 13, 100, []int64{13}},
		"as long as what is kept":      {[]chat.Event{long(10, 11), long(11, 12)}, 11, 100, []int64{11, 12}},
		"the last of more than that":   {[]chat.Event{brings(10, many...), brings(26, 27)}, 27, 100, []int64{27}},
	} {
		w := newWorld()
		hub := New(w, w, Config{PageLasts: time.Hour})
		var room *followedChat
		id, _ := chat.ParseID("room")
		if err := hub.join(id, &waiter{woken: make(chan struct{}, 1)}, &room); err != nil {
			t.Fatal(err)
		}
		for _, e := range c.hints {
			e.Chat = room.id
			room.hint(e)
		}
		var got []int64
		page := room.brought(pageRequest{"room", c.cursor, c.limit})
		if page != nil {
			for _, m := range page.Messages {
				got = append(got, m.SendTime)
			}
			if last := got[len(got)-1]; page.NextCursor != last+1 || page.HasMore || room.ahead(page.NextCursor, page.seen) {
				t.Errorf("%s: the page is %+v, want it to end at %d", name, page.Page, last+1)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: brought(%d) has %v, want %v", name, c.cursor, got, c.want)
		}
		hub.watch.Close()
	}
}

// TestATailDoesNotStay: it goes after a while, and with the last who listens.
func TestATailDoesNotStay(t *testing.T) {
	w := bringing()
	hub := run(t, w, w, Config{Tick: time.Hour})
	w.send(t, "room", 1)
	room, l := watch(t, hub, "room")
	has := func() bool {
		room.mutex.Lock()
		defer room.mutex.Unlock()
		return room.tail != nil
	}
	warm := func() bool {
		hub.mutex.Lock()
		defer hub.mutex.Unlock()
		_, kept := hub.warm[room]
		return kept
	}
	w.send(t, "room", 1)
	eventually(t, "it was brought", func() bool { return has() && warm() })
	hub.forget(time.Now())
	if !has() {
		t.Error("it has gone at once")
	}
	hub.forget(time.Now().Add(2 * pageLasts))
	if has() || warm() {
		t.Error("it is still there after a while")
	}
	w.send(t, "room", 1)
	eventually(t, "it was brought", has)
	hub.leave(room, l)
	if has() {
		t.Error("it is there, and nobody is")
	}
	w.send(t, "room", 1)
	eventually(t, "it was heard of", func() bool { return room.seen() == 4 })
	if has() {
		t.Error("it was kept, and nobody is there")
	}
}

// following follows room as alice, who was admitted, and has read its messages.
func following(t *testing.T, w *world, inboxes chat.Inboxes) (hub *Hub, sink *told, admission *testAdmission) {
	t.Helper()
	admission = newTestAdmission()
	hub = run(t, w, w, Config{Admission: admission, Inboxes: inboxes})
	w.send(t, "room", 1)
	watch(t, hub, "room")
	sink = newTold()
	admission.answers <- nil
	s := open(t, hub, sink, Follow{Chat: "room", By: chat.Caller{User: "alice"}})
	t.Cleanup(func() { close(admission.answers) })
	receive(t, sink.pages)
	receive(t, admission.asked)
	idle(t, s)
	return hub, sink, admission
}

// TestHintedMessagesNeedAccess: a removed member receives no later message, also if the event of the removal is lost: its
// notice is in the log before them.
func TestHintedMessagesNeedAccess(t *testing.T) {
	room, _ := chat.ParseID("room")
	removed := chat.Message{Sender: "bob", Text: "bye", Notice: &chat.Notice{Event: chat.MemberRemoved, Users: []string{"alice"}}}
	for name, remove := range map[string]func(w *world, hub *Hub){
		"the notice's hint is lost": func(w *world, _ *Hub) {
			w.Lose(true)
			w.Store(room, removed)
			w.Lose(false)
		},
		"the notice is pulled": func(w *world, _ *Hub) { w.Store(room, removed) },
		"the notice is brought": func(w *world, _ *Hub) {
			w.Bring()
			w.Store(room, removed)
		},
		"news": func(_ *world, hub *Hub) {
			hub.mutex.Lock()
			followed := hub.chats[room]
			hub.mutex.Unlock()
			followed.hear(chat.Event{Chat: room, Kind: chat.MembersChanged, Users: []string{"alice"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			hub, sink, admission := following(t, w, nil)
			admission.answers <- chat.Errorf(chat.PermissionDenied, "not a member")
			remove(w, hub)
			w.Bring()
			w.send(t, "room", 1)
			if err := receive(t, sink.refused); chat.CodeOf(err) != chat.PermissionDenied {
				t.Errorf("refused with %v, want permission_denied", err)
			}
			if n := len(sink.pages); n > 0 {
				t.Errorf("%d pages came to one who was removed, want none", n)
			}
		})
	}
}

// ignoring is a chat.Inboxes where every user ignores bob.
type ignoring struct{ chat.Inboxes }

func (ignoring) Ignored(context.Context, string) ([]string, error) { return []string{"bob"}, nil }

// TestWhatIsBroughtIsFiltered as a page that was pulled: without messages of ignored users, with notices.
func TestWhatIsBroughtIsFiltered(t *testing.T) {
	room, _ := chat.ParseID("room")
	w := bringing()
	_, sink, _ := following(t, w, ignoring{})
	before := w.Pulls()
	w.Store(room, chat.Message{Sender: "bob", Text: "x"})
	w.Store(room, chat.Message{Sender: "bob", Text: "x", Notice: &chat.Notice{Event: chat.MemberAdded, Users: []string{"carol"}}})
	w.Store(room, chat.Message{Sender: "carol", Erased: true})
	var got []chat.Message
	for len(got) < 2 {
		got = append(got, receive(t, sink.pages).Messages...)
	}
	if got[0].Notice == nil || got[0].Notice.Event != chat.MemberAdded || !got[1].Erased || got[1].Sender != "carol" || len(got) > 2 {
		t.Errorf("%+v came, want the notice and what carol erased", got)
	}
	if pulls := w.Pulls() - before; pulls != 0 {
		t.Errorf("it took %d pulls, want none", pulls)
	}
}

// unreliable is a chat.Live whose hints fail in all possible ways.
type unreliable struct {
	chat.Live
	random *rand.Rand
}

func (u *unreliable) Watch() chat.Watch { return &mangler{Watch: u.Live.Watch(), random: u.random} }

type mangler struct {
	chat.Watch
	random *rand.Rand
	held   []chat.Event
}

// Next loses hints, doubles them, delays them, and removes their entries or their positions before.
func (m *mangler) Next(ctx context.Context) ([]chat.Event, error) {
	told, err := m.Watch.Next(ctx)
	var out []chat.Event
	for _, e := range told {
		switch m.random.IntN(8) {
		case 0: // is lost
			continue
		case 1:
			out = append(out, e)
		case 2:
			m.held = append(m.held, e)
			continue
		case 3:
			e.Entries = nil
		case 4:
			e.Before += int64(m.random.IntN(3))
		case 5:
			e.Entries = [][]byte{[]byte("nothing that can be read")}
		}
		out = append(out, e)
		if m.random.IntN(3) == 0 {
			out = append(out, m.held...)
			m.held = nil
		}
	}
	return out, err
}

// TestWhateverHappensToHints costs time: each follower has each message once, in order.
func TestWhateverHappensToHints(t *testing.T) {
	for seed := range uint64(8) {
		for name, follow := range followers {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				t.Parallel()
				w := bringing()
				hub := run(t, unignored{w}, &unreliable{Live: w, random: rand.New(rand.NewPCG(seed, 1))}, Config{})
				id, _ := chat.ParseID("room")
				wait := follow(t, hub, 0)
				for range 100 {
					n := 1 + rand.IntN(3)
					over := make(chan struct{})
					var confirming sync.WaitGroup
					confirming.Go(func() { // as the sweep does
						for confirm := time.NewTicker(5 * time.Millisecond); ; {
							select {
							case <-confirm.C:
								hub.watch.Add(id)
							case <-over:
								confirm.Stop()
								return
							}
						}
					})
					w.send(t, "room", n)
					wait(n)
					close(over)
					confirming.Wait()
				}
			})
		}
	}
}
