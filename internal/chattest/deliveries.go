package chattest

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Deliver implements chat.DeliveryStore.
func (s *Store) Deliver(_ context.Context, id chat.ID, r chat.Reading) (chat.Delivered, bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	user, cursor := chat.UserOf(r.Reader), s.cursors[id][r.Reader]
	if members := s.room(id).members; isRoom(id) {
		if _, member := members[user]; !member || len(members) > chat.MaxReceiptMembers {
			return chat.Delivered{Cursor: cursor}, false, nil
		}
	}
	end := int64(0)
	if last := s.log(id).last; last > 0 {
		end = last + 1
	}
	known := s.received[id][user]
	position := max(min(r.Cursor, end), known)
	if position == known {
		return chat.Delivered{Position: known, Cursor: cursor}, false, nil
	}
	if s.received[id] == nil {
		s.received[id] = map[string]int64{}
	}
	s.received[id][user] = position
	return chat.Delivered{Position: position, Cursor: cursor}, true, nil
}

// Reach implements chat.DeliveryStore.
func (s *Store) Reach(_ context.Context, id chat.ID, sender string, users []string) ([]chat.Reached, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	reached := make([]chat.Reached, len(users))
	for i, user := range users {
		reached[i] = chat.Reached{Delivered: s.received[id][user], Ignores: s.ignored[user][sender]}
		for reader, cursor := range s.cursors[id] {
			if chat.UserOf(reader) == user {
				reached[i].Read = max(reached[i].Read, cursor)
			}
		}
	}
	return reached, nil
}
