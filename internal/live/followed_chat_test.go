package live

import (
	"context"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// followers are all followers of "room": each begins, and returns a function that waits for n messages, once each.
var followers = map[string]func(t *testing.T, hub *Hub, cursor int64) (wait func(n int)){
	"session": func(t *testing.T, hub *Hub, cursor int64) func(int) {
		sink := newTold()
		open(t, hub, sink, Follow{Chat: "room", Cursor: cursor})
		return func(n int) { sink.messages(t, n) }
	},
	"wait": func(t *testing.T, hub *Hub, cursor int64) func(int) {
		return waits(t, hub, chat.PullRequest{Chat: "room", Cursor: cursor, Limit: 10})
	},
	"wait of a reader": func(t *testing.T, hub *Hub, cursor int64) func(int) {
		return waits(t, hub, chat.PullRequest{Chat: "room", Cursor: cursor, Limit: 10, Reader: "alice"})
	},
}

// unignored is a chat.Service in which no user ignores another.
type unignored struct{ chat.Service }

func (a unignored) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	r.Reader = ""
	return a.Service.Pull(ctx, r)
}

// waits does long-polls, one after the other, the first at once.
func waits(t *testing.T, hub *Hub, r chat.PullRequest) func(int) {
	t.Helper()
	type answer struct {
		page chat.Page
		err  error
	}
	answers := make(chan answer, 1)
	wait := func() {
		page, err := hub.Wait(t.Context(), r, 10*time.Second)
		r.Cursor = page.NextCursor
		answers <- answer{page, err}
	}
	go wait()
	return func(n int) {
		for n > 0 {
			a := receive(t, answers)
			if a.err != nil || len(a.page.Messages) == 0 {
				t.Fatalf("Wait() = %+v, %v, want messages", a.page, a.err)
			}
			n -= len(a.page.Messages)
			go wait()
		}
	}
}

// TestLostHint: a message was hinted at, and a failover has lost it and the new clock is behind. Later messages have a
// position before it, and do not wait until the clock has passed it.
func TestLostHint(t *testing.T) {
	for kind, newWorld := range worlds {
		for name, follow := range followers {
			t.Run(name+kind, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				hub := run(t, unignored{w}, w, Config{})
				room, l := watch(t, hub, "room")
				wait := follow(t, hub, 0)
				eventually(t, "it has looked", func() bool { return w.Pulls() > 0 })
				pulls := w.Pulls()
				room.hear(chat.Event{Chat: room.id, Kind: chat.Hint, Position: 1 << 40})
				receive(t, l.woken)
				eventually(t, "it was looked for", func() bool { return w.Pulls() > pulls })
				w.send(t, "room", 1)
				wait(1)
			})
		}
	}
}

// TestConfirmationIsOvertaken by the hint of a message that is stored after the page was read, and before the page is returned.
func TestConfirmationIsOvertaken(t *testing.T) {
	for kind, newWorld := range worlds {
		for name, follow := range followers {
			t.Run(name+kind, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				hub := run(t, unignored{w}, w, Config{})
				w.send(t, "room", 1)
				room, l := watch(t, hub, "room")
				w.OnPull(func() {
					w.send(t, "room", 1)
					receive(t, l.woken) // the hint has been handed out
					room.hear(chat.Event{Chat: room.id, Kind: chat.Hint, Position: 1000})
				})
				follow(t, hub, 1001)(1)
			})
		}
	}
}

// watch makes the hub watch a chat, and waits for the confirmation, before any follower joins.
func watch(t *testing.T, hub *Hub, name string) (watched *followedChat, l *waiter) {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	l = &waiter{woken: make(chan struct{}, 1)}
	if err := hub.join(id, l, &watched); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.leave(watched, l) })
	receive(t, l.woken)
	return watched, l
}
