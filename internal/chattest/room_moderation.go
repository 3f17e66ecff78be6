package chattest

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// moderate applies the part of an edit that is moderation.
func (r *room) moderate(e chat.RoomEdit, first int64) {
	if e.Rules != nil {
		r.rules = *e.Rules
	}
	if e.Pins != nil {
		r.pins = e.Pins
	}
	for _, restraint := range slices.Concat(e.Restrain, e.Release) {
		r.restraints = slices.DeleteFunc(slices.Clone(r.restraints), func(known chat.Restraint) bool {
			return known.Kind == restraint.Kind && known.User == restraint.User
		})
	}
	for _, restraint := range e.Restrain {
		restraint.Since = first
		r.restraints = append(r.restraints, restraint)
	}
}

// bans reports whether a user who becomes a member is banned.
func (s *Store) bans(r *room, e chat.RoomEdit) bool {
	for _, m := range e.Set {
		if _, banned := s.restraint(r, chat.Ban, m.User); banned && m.Since == 0 {
			return true
		}
	}
	return false
}

func (s *Store) restraint(r *room, kind chat.RestraintKind, user string) (chat.Restraint, bool) {
	for _, restraint := range r.restraints {
		if restraint.Kind == kind && restraint.User == user && restraint.InEffect(s.now()) {
			return restraint, true
		}
	}
	return chat.Restraint{}, false
}

// isMessage reports whether there is a message at a position that is no notice and was not deleted.
func (s *Store) isMessage(id chat.ID, position int64) bool {
	for _, m := range s.readable(id) {
		if m.SendTime == position {
			return m.Notice == nil && !m.Erased
		}
	}
	return false
}

// ReadRestraints implements chat.RoomStore.
func (s *Store) ReadRestraints(_ context.Context, id chat.ID) (found []chat.Restraint, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, restraint := range s.room(id).restraints {
		if restraint.InEffect(s.now()) {
			found = append(found, restraint)
		}
	}
	return found, nil
}

// speaks returns why a user may not send to a room or change its messages, or nil.
func (s *Store) speaks(id chat.ID, user string) error {
	r := s.room(id)
	if r.members[user].Role == chat.Admin {
		return nil
	}
	if mute, muted := s.restraint(r, chat.Mute, user); muted {
		return chat.Muted(id, user, mute.Until)
	}
	return nil
}

// sends is speaks for messages.
func (s *Store) sends(id chat.ID, user string) error {
	if err := s.speaks(id, user); err != nil {
		return err
	}
	if r := s.room(id); r.rules.Announce && r.members[user].Role != chat.Admin {
		return chat.Announced(id)
	}
	return nil
}

// paced returns why a message comes too soon in slow mode, or nil.
func (s *Store) paced(id chat.ID, user string) error {
	r := s.room(id)
	if user == "" || r.rules.SlowMode == 0 || r.members[user].Role == chat.Admin {
		return nil
	}
	if last, sent := r.sent[user]; sent {
		if wait := time.Duration(last-s.now())*time.Microsecond + r.rules.SlowMode; wait > 0 {
			return chat.TooSoon(id, wait)
		}
	}
	return nil
}

// notePace notes that a member has sent a message.
func (s *Store) notePace(id chat.ID, user string, position int64) {
	if r := s.room(id); user != "" && r.rules.SlowMode > 0 {
		if r.sent == nil {
			r.sent = map[string]int64{}
		}
		r.sent[user] = position
	}
}
