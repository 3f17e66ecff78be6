package chattest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// maxIgnored is the most users that one ignores.
const maxIgnored = 1000

// Advance implements chat.LiveStore.
func (s *Store) Advance(_ context.Context, id chat.ID, r chat.Reading, force bool) (int64, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	user, known := chat.UserOf(r.Reader), s.cursors[id][r.Reader]
	end, from := int64(0), known
	if last := s.log(id).last; last > 0 {
		end = last + 1
		from = min(known, end)
		s.note(user, id, !isRoom(id))
	}
	r.Cursor = min(r.Cursor, end)
	if !force {
		r.Cursor = max(r.Cursor, from)
	}
	if r.Cursor == known {
		return known, nil
	}
	if _, again := s.cursors[id][r.Reader]; !again && r.Reader != user && s.devices(id, user) >= s.options.MaxDevices {
		return 0, chat.Errorf(chat.Conflict, "reader %s has %d devices in chat %s, which is the limit", user, s.options.MaxDevices, id)
	}
	if s.cursors[id] == nil {
		s.cursors[id] = map[string]int64{}
	}
	s.cursors[id][r.Reader] = r.Cursor
	s.tell(chat.Event{Chat: id, Kind: chat.Moved, Reading: &r})
	return r.Cursor, nil
}

func (s *Store) devices(id chat.ID, user string) (count int) {
	for reader := range s.cursors[id] {
		if strings.HasPrefix(reader, user+"/") {
			count++
		}
	}
	return count
}

// standsAt returns a reader's cursor, which in a room is not before the membership.
func (s *Store) standsAt(id chat.ID, reader string) int64 {
	return max(s.cursors[id][reader], s.room(id).members[chat.UserOf(reader)].Since)
}

// ReaderPositions implements chat.ReaderStore.
func (s *Store) ReaderPositions(_ context.Context, queries []chat.PositionQuery) []chat.PositionResult {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	results := make([]chat.PositionResult, len(queries))
	for i, q := range queries {
		results[i] = chat.PositionResult{Cursor: s.standsAt(q.Chat, q.Reader), Ignored: maps.Clone(s.ignored[chat.UserOf(q.Reader)])}
	}
	return results
}

// Readings implements chat.ReaderStore.
func (s *Store) Readings(_ context.Context, id chat.ID, limit int) (chat.Receipts, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	readers := slices.Sorted(maps.Keys(s.cursors[id]))
	receipts := chat.Receipts{Count: len(readers)}
	for _, reader := range readers[:min(limit, len(readers))] {
		receipts.Readings = append(receipts.Readings, chat.Reading{Reader: reader, Cursor: s.cursors[id][reader]})
	}
	return receipts, nil
}

// SetIgnored implements chat.ReaderStore.
func (s *Store) SetIgnored(_ context.Context, r chat.IgnoreRequest) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	others := s.ignored[r.User]
	switch {
	case !r.Ignore:
		delete(others, r.Other)
	case len(others) >= maxIgnored && !others[r.Other]:
		return chat.Errorf(chat.Conflict, "user %s ignores %d others already, which is the limit; remove some first", r.User, maxIgnored)
	case others == nil:
		s.ignored[r.User] = map[string]bool{r.Other: true}
	default:
		others[r.Other] = true
	}
	s.tell(chat.Event{Chat: chat.SelfChat(r.User), Kind: chat.IgnoredChanged})
	return nil
}
