package chattest

import (
	"context"
	"maps"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
)

// record adds an entry to the audit log, and returns when it is. The mutex is held.
func (s *Store) record(e chat.AuditEntry) int64 {
	e.At = s.now()
	if n := len(s.audit); n > 0 {
		e.At = max(e.At, s.audit[n-1].At+1)
	}
	s.audit = append(s.audit, e)
	return e.At
}

// PutSuspension implements chat.ModerationStore.
func (s *Store) PutSuspension(_ context.Context, suspension chat.Suspension, e chat.AuditEntry) (since int64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known, suspended := s.suspended[suspension.User]
	suspension.Since = known.Since
	if suspended && suspension == known {
		return known.Since, nil
	}
	at := s.record(e)
	if !suspended {
		suspension.Since = at
	}
	s.suspended[suspension.User] = suspension
	s.tell(closed(suspension.User))
	return suspension.Since, nil
}

// RemoveSuspension implements chat.ModerationStore.
func (s *Store) RemoveSuspension(_ context.Context, user string, e chat.AuditEntry) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, suspended := s.suspended[user]; suspended {
		delete(s.suspended, user)
		s.record(e)
	}
	return nil
}

// ReadSuspensions implements chat.ModerationStore.
func (s *Store) ReadSuspensions(context.Context) ([]chat.Suspension, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Collect(maps.Values(s.suspended)), nil
}

// IsSuspended implements chat.ModerationStore.
func (s *Store) IsSuspended(_ context.Context, user string) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, suspended := s.suspended[user]
	return suspended, nil
}

// EndSessions implements chat.ModerationStore.
func (s *Store) EndSessions(_ context.Context, user string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.sessions, user)
	return nil
}

// ReadAudit implements chat.ModerationStore.
func (s *Store) ReadAudit(_ context.Context, before int64, limit int) (entries []chat.AuditEntry, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i := len(s.audit) - 1; i >= 0 && len(entries) < limit; i-- {
		if before == 0 || s.audit[i].At < before {
			entries = append(entries, s.audit[i])
		}
	}
	return entries, nil
}

// Record implements chat.ModerationStore.
func (s *Store) Record(_ context.Context, e chat.AuditEntry) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.record(e)
	return nil
}

// ReadSessions implements chat.ModerationStore.
func (s *Store) ReadSessions(_ context.Context, user string) (map[string]chat.StoredSession, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	sessions := maps.Clone(s.sessions[user])
	if sessions == nil {
		sessions = map[string]chat.StoredSession{}
	}
	return sessions, nil
}

// ListAllRooms implements chat.ModerationStore. A cursor is the first room.
func (s *Store) ListAllRooms(_ context.Context, cursor string, limit int) (rooms []chat.ID, next string, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	names := map[string]chat.ID{}
	for id := range s.rooms {
		names[id.String()] = id
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if name < cursor {
			continue
		}
		if len(rooms) == limit {
			return rooms, name, nil
		}
		rooms = append(rooms, names[name])
	}
	return rooms, "", nil
}
