package storage

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

var _ chat.LiveStore = (*Store)(nil)

// Watch implements chat.LiveStore. Close ends it too.
func (s *Store) Watch() chat.Watch { return s.hub.watch() }

// watch is a chat.Watch: its hub puts events into the queue.
type watch struct {
	*events.Queue
	hub   *hub
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
