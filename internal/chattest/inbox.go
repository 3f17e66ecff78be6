package chattest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// Lists implements chat.InboxStore.
func (s *Store) Lists(_ context.Context, user string) ([]chat.ID, map[string]bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var chats []chat.ID
	for id, shown := range s.chats[user] {
		if shown {
			chats = append(chats, id)
		}
	}
	slices.SortFunc(chats, func(a, b chat.ID) int { return strings.Compare(a.String(), b.String()) })
	return chats, maps.Clone(s.ignored[user]), nil
}

// Newest implements chat.InboxStore.
func (s *Store) Newest(_ context.Context, reader string, chats []chat.ID) ([]chat.Newest, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	newest := make([]chat.Newest, len(chats))
	for i, id := range chats {
		_, member := s.room(id).members[chat.UserOf(reader)]
		newest[i] = chat.Newest{
			Position: s.log(id).last, Read: s.now(), Cursor: s.standsAt(id, reader), Gone: isRoom(id) && !member,
		}
	}
	return newest, nil
}

// Preview implements chat.InboxStore.
func (s *Store) Preview(_ context.Context, asked chat.Previews) ([]chat.PreviewResult, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	previewed := make([]chat.PreviewResult, len(asked.Chats))
	for i, p := range asked.Chats {
		if _, member := s.room(p.Chat).members[asked.User]; isRoom(p.Chat) && !member {
			continue
		}
		for _, m := range s.readable(p.Chat) {
			head := m.Head()
			if head.Hidden(asked.Ignored) {
				continue
			}
			if p.Last && !head.Kind.IsChange() {
				previewed[i].Last = &m
			}
			if head.Kind == chat.KindMessage && m.Sender != asked.User && m.SendTime >= p.From {
				if previewed[i].Unread < chat.ManyUnread && m.Content != nil && slices.Contains(m.Content.Mentions, asked.User) {
					previewed[i].Mentions++
				}
				previewed[i].Unread = min(previewed[i].Unread+1, chat.ManyUnread)
			}
		}
	}
	return previewed, nil
}

// ReadNames implements chat.InboxStore.
func (s *Store) ReadNames(_ context.Context, rooms []chat.ID, users []string) (ofRooms, ofUsers []string, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, id := range rooms {
		ofRooms = append(ofRooms, s.room(id).name)
	}
	for _, user := range users {
		ofUsers = append(ofUsers, s.accounts[user].Name)
	}
	return ofRooms, ofUsers, nil
}
