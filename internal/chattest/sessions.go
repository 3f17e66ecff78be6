package chattest

import (
	"context"
	"maps"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
)

// AddSession implements chat.SessionStore.
func (s *Store) AddSession(
	_ context.Context, user, passwordHash, id string, session chat.StoredSession, limit int,
) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if known := s.accounts[user].PasswordHash; known == "" || known != passwordHash {
		return false, nil
	}
	if s.sessions[user] == nil {
		s.sessions[user] = map[string]chat.StoredSession{}
	}
	all := s.sessions[user]
	maps.DeleteFunc(all, func(_ string, kept chat.StoredSession) bool { return kept.Expires <= session.Begun })
	for len(all) >= limit {
		first := ""
		for other, kept := range all {
			if first == "" || kept.Expires < all[first].Expires {
				first = other
			}
		}
		delete(all, first)
	}
	all[id] = session
	return true, nil
}

// ReadSession implements chat.SessionStore.
func (s *Store) ReadSession(_ context.Context, user, id string) (chat.StoredSession, bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	session, found := s.sessions[user][id]
	return session, found, nil
}

// ReplaceSession implements chat.SessionStore.
func (s *Store) ReplaceSession(_ context.Context, user, id string, old, with chat.StoredSession) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if kept, found := s.sessions[user][id]; !found || kept != old {
		return false, nil
	}
	s.sessions[user][id] = with
	return true, nil
}

// SessionIDs implements chat.SessionStore.
func (s *Store) SessionIDs(_ context.Context, user string) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Collect(maps.Keys(s.sessions[user])), nil
}

// EndSession implements chat.SessionStore.
func (s *Store) EndSession(_ context.Context, user, id string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.sessions[user], id)
	return nil
}
