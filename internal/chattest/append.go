package chattest

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Append implements chat.Store.
func (s *Store) Append(_ context.Context, appends []chat.Append) []chat.Appended {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	appended := make([]chat.Appended, len(appends))
	for i, a := range appends {
		appended[i] = s.append(a)
	}
	return appended
}

func (s *Store) append(a chat.Append) chat.Appended {
	if err := s.admits(a.Chat, a.Member, a.Exists); err != nil {
		return chat.Appended{Err: err}
	}
	if a.Member != "" {
		if err := s.sends(a.Chat, a.Member); err != nil {
			return chat.Appended{Err: err}
		}
	}
	known := s.log(a.Chat)
	if a.Begins && known.last == 0 {
		wait := s.spend(a.Message.Sender, s.options.NewChats.NewChats())
		if wait > 0 {
			return chat.Appended{Err: chat.Spent(a.Message.Sender, wait)}
		}
	}
	now, id := s.now(), messageID{a.Message.Sender, a.Message.ID}
	if first, used := known.ids[id]; used && (s.options.IdempotencyWindow == 0 || first.position >= now-s.options.IdempotencyWindow.Microseconds()) {
		if first.text != a.Message.Text {
			return chat.Appended{Err: chat.Errorf(chat.Conflict, "this id was used by this sender in this chat for a different text")}
		}
		return chat.Appended{SendTime: first.position, Duplicate: true}
	}
	if err := s.paced(a.Chat, a.Member); err != nil {
		return chat.Appended{Err: err}
	}
	if err := s.checkContent(a); err != nil {
		return chat.Appended{Err: err}
	}
	if err := s.takes(a); err != nil {
		return chat.Appended{Err: err}
	}
	position, free := known.next(now)
	if !free {
		return chat.Appended{Err: chat.Errorf(chat.ResourceExhausted, "the chat is full: its last position is taken")}
	}
	a.Message.Chat, a.Message.SendTime = "", position
	s.countReply(a.Chat, a.Message)
	s.put(a.Chat, a.Message)
	s.take(a, position)
	s.notePace(a.Chat, a.Member, position)
	if a.Message.ID != "" {
		known.ids[id] = storedID{position, a.Message.Text}
	}
	s.listSender(a)
	return chat.Appended{SendTime: position}
}

// listSender puts a two-person chat into the lists of both. Of a room it notes that the sender was there.
func (s *Store) listSender(a chat.Append) {
	if isRoom(a.Chat) {
		s.note(a.Message.Sender, a.Chat, false)
	}
	for _, user := range usersOf(a.Chat) {
		if s.note(user, a.Chat, true) {
			s.tell(chat.Event{Chat: chat.SelfChat(user), Kind: chat.Listed})
		}
	}
}

// admits applies the Member or Exists of an Append.
func (s *Store) admits(id chat.ID, member string, exists bool) error {
	if member == "" && !exists {
		return nil
	}
	r := s.room(id)
	_, isMember := r.members[member]
	if ban, banned := s.restraint(r, chat.Ban, member); banned && !isMember && r.visibility == chat.Public {
		return chat.Banned(id, member, ban.Until)
	}
	return chat.Admits(id, r.visibility, member, isMember || member == "")
}
