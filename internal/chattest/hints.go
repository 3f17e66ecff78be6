package chattest

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// tell sends an event to the watchers of the chat. The mutex is held.
func (s *Store) tell(e chat.Event) {
	for watching := range s.watches {
		if watching.chats[e.Chat] {
			watching.Put(e)
		}
	}
}

// Tell implements chat.LiveStore.
func (s *Store) Tell(_ context.Context, e chat.Event) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tell(e)
	return nil
}

// Watched reports whether any Watch has a chat.
func (s *Store) Watched(id chat.ID) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for watching := range s.watches {
		if watching.chats[id] {
			return true
		}
	}
	return false
}

// Watch implements chat.LiveStore.
func (s *Store) Watch() chat.Watch {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	watching := &watch{events.New(), s, map[chat.ID]bool{}}
	s.watches[watching] = struct{}{}
	return watching
}

// watch is a watcher. The store's mutex guards its chats.
type watch struct {
	*events.Queue
	store *Store
	chats map[chat.ID]bool
}

// Add implements chat.Watch.
func (w *watch) Add(ids ...chat.ID) {
	w.store.mutex.Lock()
	defer w.store.mutex.Unlock()
	for _, id := range ids {
		w.chats[id] = true
		w.Put(chat.Event{Chat: id, Position: w.store.log(id).last})
		if users := usersOf(id); len(users) == 1 && w.store.revocation(users[0]) != chat.NotRevoked {
			w.Put(closed(users[0]))
		}
	}
}

// Remove implements chat.Watch.
func (w *watch) Remove(ids ...chat.ID) {
	w.store.mutex.Lock()
	defer w.store.mutex.Unlock()
	for _, id := range ids {
		delete(w.chats, id)
	}
}

// Close implements chat.Watch.
func (w *watch) Close() {
	w.store.mutex.Lock()
	delete(w.store.watches, w)
	w.store.mutex.Unlock()
	w.Queue.Close()
}

// report is a gateway's report of the readers who watch a chat.
type report struct {
	readers []string
	lapses  time.Time
}

// ReportPresence implements chat.LiveStore.
func (s *Store) ReportPresence(_ context.Context, gateway string, present map[chat.ID][]string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for id, readers := range present {
		before := s.presentIn(id)
		for _, reader := range readers {
			s.seen[chat.UserOf(reader)] = s.now()
		}
		if s.present[id] == nil {
			s.present[id] = map[string]report{}
		}
		s.present[id][gateway] = report{slices.Clone(readers), s.options.Clock().Add(chat.AttendanceLapses)}
		if !slices.Equal(before, s.presentIn(id)) {
			s.tell(chat.Event{Chat: id, Kind: chat.PresenceChanged})
		}
	}
	return nil
}

// Present implements chat.LiveStore.
func (s *Store) Present(_ context.Context, id chat.ID) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.presentIn(id), nil
}

func (s *Store) presentIn(id chat.ID) []string {
	all := []string{}
	for _, r := range s.present[id] {
		if s.options.Clock().Before(r.lapses) {
			all = append(all, r.readers...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
