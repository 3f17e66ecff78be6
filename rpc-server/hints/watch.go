package hints

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// watch is a chat.Watch: its hub puts events into the queue.
type watch struct {
	*events.Queue
	hub   *Hub
	chats map[*audience]struct{} // guarded by hub.mutex
}

// Add implements chat.Watch. It waits for nothing: the confirmation comes when Redis could be asked.
func (w *watch) Add(ids ...chat.ID) { w.hub.follow(w, ids) }

// Remove implements chat.Watch.
func (w *watch) Remove(ids ...chat.ID) { w.hub.unfollow(w, ids) }

// Close implements chat.Watch.
func (w *watch) Close() {
	w.hub.leave(w)
	w.Queue.Close()
}
