package hints

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// watch is a chat.Watch: its subscriptions put events into the queue.
type watch struct {
	*events.Queue
	subscriptions *Subscriptions
	chats         map[*audience]struct{} // guarded by subscriptions.mutex
}

// Add implements chat.Watch. It waits for nothing: the confirmation comes when Redis could be asked.
func (w *watch) Add(ids ...chat.ID) { w.subscriptions.follow(w, ids) }

// Remove implements chat.Watch.
func (w *watch) Remove(ids ...chat.ID) { w.subscriptions.unfollow(w, ids) }

// Close implements chat.Watch.
func (w *watch) Close() {
	w.subscriptions.leave(w)
	w.Queue.Close()
}
