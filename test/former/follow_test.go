package former

import (
	"context"
	"slices"
	"sync"

	"github.com/pullchat/pullchat/client"
	former "github.com/pullchat/pullchat/test/former/client"
)

// follower is a client of the former version that follows both chats until each ends.
type follower struct {
	name string
	from map[string]int64
	done chan struct{}

	got map[string][]former.Message
	err error
}

// follow starts followers over every transport: from zero, from the middle, and of the inbox, whose cursors are in the middle too.
// It returns when each is connected.
func (w *world) follow(middle map[string]int64) []*follower {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.as("bob"), patience)
	w.t.Cleanup(cancel)
	zero, read := map[string]int64{}, map[string]int64{}
	for _, name := range w.chats {
		zero[name] = 0
	}
	for _, entry := range must[former.Inbox](w)(w.former.Inbox(ctx, former.InboxRequest{Reader: "bob"})).Chats {
		read[entry.Chat] = entry.Cursor
	}
	var followers []*follower
	for over, transport := range map[former.Transport]string{former.ServerSentEvents: "sse", former.WebSocket: "ws", former.LongPoll: "poll"} {
		request := former.FollowRequest{Over: over}
		if over != former.LongPoll {
			request.Reader = "bob"
			inbox := request
			inbox.Inbox = true
			followers = append(followers, w.followed(ctx, "inbox over "+transport, read, inbox))
		}
		for from, cursors := range map[string]map[string]int64{"zero": zero, "the middle": middle} {
			request.Chats = cursors
			followers = append(followers, w.followed(ctx, "chats from "+from+" over "+transport, cursors, request))
		}
	}
	return followers
}

func (w *world) followed(ctx context.Context, name string, from map[string]int64, request former.FollowRequest) *follower {
	f := &follower{name: name, from: from, done: make(chan struct{}), got: map[string][]former.Message{}}
	heard, once := make(chan struct{}), sync.Once{}
	go func() {
		defer close(f.done)
		ended := map[string]bool{}
		for m, err := range w.former.Follow(ctx, request) {
			if f.err = err; err != nil {
				break
			}
			once.Do(func() { close(heard) })
			f.got[m.Chat] = append(f.got[m.Chat], m)
			if ended[m.Chat] = ended[m.Chat] || m.Text == ends; ended[pair] && ended[club] {
				break
			}
		}
		once.Do(func() { close(heard) })
	}()
	<-heard
	return f
}

// await waits for the follower's end, and compares what it got. A message that changed later may have been seen as it was then.
func (f *follower) await(w *world) {
	w.t.Helper()
	<-f.done
	if f.err != nil {
		w.t.Fatalf("%s: %v", f.name, f.err)
	}
	for _, name := range w.chats {
		var want []client.Message
		for _, m := range w.log(name) {
			if m.SendTime >= f.from[name] {
				want = append(want, m)
			}
		}
		got := f.got[name]
		for i, m := range want[:min(len(want), len(got))] {
			changed := m.State != nil && (m.Edited != 0 || m.Deleted != 0)
			if changed && slices.Contains(w.gone, got[i].Text) {
				got[i].Text, got[i].Erased = m.Text, m.Erased
			}
		}
		w.same(f.name, got, want)
	}
}
