package chattest

import (
	"context"
	"slices"
	"strconv"

	"github.com/pullchat/pullchat/internal/chat"
)

// at returns the message at a position that has not expired, or nil.
func (s *Store) at(id chat.ID, position int64) *chat.Message {
	readable := s.readable(id)
	l := log{messages: readable}
	if i := l.from(position); i < len(readable) && readable[i].SendTime == position {
		return &readable[i]
	}
	return nil
}

// known returns the position of an earlier message or change with an id, or 0.
func (s *Store) known(id chat.ID, of messageID, text string) (int64, error) {
	first, used := s.log(id).ids[of]
	window := s.options.IdempotencyWindow
	if of.id == "" || !used || window > 0 && first.position < s.now()-window.Microseconds() {
		return 0, nil
	}
	if first.text != text {
		return 0, chat.Errorf(chat.Conflict, "this id was used by this sender in this chat for a different text")
	}
	return first.position, nil
}

// ReadTarget implements chat.ChangeStore.
func (s *Store) ReadTarget(_ context.Context, q chat.TargetQuery) (t chat.Target, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.admits(q.Chat, q.Member, q.Exists); err != nil {
		return t, err
	}
	if q.Speaks && q.Member != "" {
		if err := s.speaks(q.Chat, q.Member); err != nil {
			return t, err
		}
	}
	t.Now, t.Role = s.now(), s.room(q.Chat).members[q.Sender].Role
	if t.Duplicate, err = s.known(q.Chat, messageID{q.Sender, q.ID}, q.Digest); err != nil {
		return t, err
	}
	if m := s.at(q.Chat, q.Ref); m != nil {
		t.Message, t.Stored = *m, strconv.Itoa(s.log(q.Chat).amended)
		users := s.log(q.Chat).reactions[q.Ref][q.Emoji]
		t.Reactors = chat.Reactors{Count: len(users), Own: slices.Contains(users, q.Sender), First: users[:min(len(users), chat.ReactionUsers+1)]}
	}
	return t, nil
}

// Amend implements chat.ChangeStore.
func (s *Store) Amend(_ context.Context, a chat.Amendment) (chat.Appended, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.admits(a.Chat, a.Member, a.Exists); err != nil {
		return chat.Appended{}, err
	}
	if a.Speaks && a.Member != "" {
		if err := s.speaks(a.Chat, a.Member); err != nil {
			return chat.Appended{}, err
		}
	}
	of := messageID{a.Sender, a.ID}
	if first, err := s.known(a.Chat, of, a.Digest); err != nil || first > 0 {
		return chat.Appended{SendTime: first, Duplicate: first > 0}, err
	}
	known := s.log(a.Chat)
	m := s.at(a.Chat, a.Ref)
	if m == nil || a.Stored != strconv.Itoa(known.amended) || a.Role != "" && s.room(a.Chat).members[a.Sender].Role != a.Role {
		return chat.Appended{}, chat.ErrAmended
	}
	position, free := known.next(s.now())
	if !free {
		return chat.Appended{}, chat.Errorf(chat.ResourceExhausted, "the chat is full: its last position is taken")
	}
	*m = stamped(a.Message, position)
	if a.Bury {
		delete(known.earlier, a.Ref)
	}
	if a.Earlier.SendTime > 0 {
		known.earlier[a.Ref] = append(known.earlier[a.Ref], a.Earlier)
	}
	s.giveUp(func(ref chat.AttachmentRef, _ chat.Attachment) bool {
		return ref == chat.AttachmentRef{Chat: a.Chat, ID: a.Detach}
	})
	known.amended++
	known.react(a)
	if a.Forget {
		s.room(a.Chat).unpin(a.Ref)
	}
	if a.ID != "" {
		known.ids[of] = storedID{position, a.Digest}
	}
	a.Entry.SendTime = position
	shown := stamped(a.Shown, position)
	shown.SendTime = position
	s.putShown(a.Chat, a.Entry, shown)
	return chat.Appended{SendTime: position}, nil
}

// react changes who reacted. A list is replaced, never changed: a Target may have it.
func (l *log) react(a chat.Amendment) {
	users := slices.DeleteFunc(slices.Clone(l.reactions[a.Ref][a.Emoji]), func(user string) bool { return user == a.Sender })
	switch {
	case a.Forget:
		delete(l.reactions, a.Ref)
		return
	case a.Reacts:
		users = append(users, a.Sender)
		slices.Sort(users)
	case !a.Retract:
		return
	}
	if l.reactions[a.Ref] == nil {
		l.reactions[a.Ref] = map[string][]string{}
	}
	l.reactions[a.Ref][a.Emoji] = users
}

// marked sets Own of the reactions of a user among some messages.
func (s *Store) marked(id chat.ID, messages []chat.Message, user string) []chat.Message {
	reactions := s.log(id).reactions
	for i := range messages {
		m := &messages[i]
		if user == "" || m.State == nil {
			continue
		}
		state := *m.State // the log has it too
		state.Reactions, m.State = slices.Clone(state.Reactions), &state
		own := map[chat.Reacting]bool{}
		_, unknown := m.MarkOwn(user, nil)
		for _, r := range unknown {
			own[r] = slices.Contains(reactions[r.Ref][r.Emoji], user)
		}
		m.MarkFound(own, user)
	}
	return messages
}

// stamped replaces chat.AtEntry.
func stamped(m chat.Message, position int64) chat.Message {
	if m.State == nil {
		return m
	}
	state := *m.State
	for _, at := range []*int64{&state.Edited, &state.Deleted} {
		if *at == chat.AtEntry {
			*at = position
		}
	}
	m.State = &state
	return m
}

// resolved fills the changes among some messages with the messages that they changed.
func (s *Store) resolved(id chat.ID, messages []chat.Message) []chat.Message {
	for i := range messages {
		m := &messages[i]
		if !m.NeedsTarget() {
			continue
		}
		if of := s.at(id, m.Notice.Ref); of != nil {
			m.Resolve(*of, true)
		} else {
			m.Resolve(chat.Message{}, false)
		}
	}
	return slices.Clip(messages)
}

// ReadThread implements chat.ChangeStore.
func (s *Store) ReadThread(_ context.Context, r chat.Range, ref int64) (found []chat.Message, next int64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	logged := r.Member == "" && s.log(r.Chat).last > 0 && s.room(r.Chat).visibility == ""
	if err := s.admits(r.Chat, r.Member, r.Exists && !logged); err != nil {
		return nil, 0, err
	}
	for _, m := range s.readable(r.Chat) {
		switch {
		case m.Content == nil || m.Content.ReplyTo != ref || m.SendTime < r.From:
		case len(found) == r.Limit:
			return s.marked(r.Chat, found, r.User), m.SendTime, nil
		default:
			found = append(found, m)
		}
	}
	return s.marked(r.Chat, found, r.User), 0, nil
}

// ReadVersions implements chat.ChangeStore.
func (s *Store) ReadVersions(_ context.Context, q chat.VersionsQuery) (found chat.StoredVersions, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.admits(q.Chat, q.Member, q.Exists); err != nil {
		return found, err
	}
	found.Role = s.room(q.Chat).members[q.Member].Role
	m := s.at(q.Chat, q.Ref)
	if m == nil {
		return found, nil
	}
	found.Message = *m
	for _, v := range s.log(q.Chat).earlier[q.Ref] {
		if v.SendTime >= q.From && len(found.Earlier) < q.Limit {
			found.Earlier = append(found.Earlier, v)
		}
	}
	return found, nil
}

// checkContent returns why a message may not have its content, or nil.
func (s *Store) checkContent(a chat.Append) error {
	c := a.Message.Content
	if c == nil {
		return nil
	}
	if c.ReplyTo > 0 {
		if parent := s.at(a.Chat, c.ReplyTo); parent == nil || parent.Notice != nil {
			return chat.NoParent(c.ReplyTo)
		}
	}
	r := s.room(a.Chat)
	for _, user := range c.Mentions {
		if _, member := r.members[user]; isRoom(a.Chat) && r.visibility != "" && !member {
			return chat.NotMentioned(a.Chat)
		}
	}
	return nil
}

// countReply counts an answer at the message that it answers.
func (s *Store) countReply(id chat.ID, m chat.Message) {
	if m.Content == nil || m.Content.ReplyTo == 0 {
		return
	}
	parent := s.at(id, m.Content.ReplyTo)
	if parent == nil {
		return
	}
	state := chat.State{}
	if parent.State != nil {
		state = *parent.State
	}
	state.Replies, state.LastReply = state.Replies+1, m.SendTime
	parent.State = &state
	s.log(id).amended++
}
