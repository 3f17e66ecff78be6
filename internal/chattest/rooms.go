package chattest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// room is a room that was created. Of a deleted one only reserved, heirs and expires are set.
type room struct {
	name       string
	visibility chat.Visibility
	created    int64
	members    map[string]chat.Member
	retention  time.Duration

	rules      chat.RoomRules
	restraints []chat.Restraint
	pins       []int64
	sent       map[string]int64 // by members, when last

	reserved int64
	heirs    []string
	expires  int64 // when it is forgotten that there was one
}

// room returns a room. One that was never created has no visibility.
func (s *Store) room(id chat.ID) *room {
	r := s.rooms[id]
	if r == nil || r.visibility == chat.Deleted && s.now() >= r.expires {
		return &room{members: map[string]chat.Member{}}
	}
	return r
}

func (r *room) admins() (admins []string) {
	for user, m := range r.members {
		if m.Role == chat.Admin {
			admins = append(admins, user)
		}
	}
	slices.Sort(admins)
	return admins
}

// ReadRooms implements chat.RoomReader.
func (s *Store) ReadRooms(_ context.Context, queries []chat.RoomQuery) ([]chat.StoredRoom, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	rooms := make([]chat.StoredRoom, len(queries))
	for i, q := range queries {
		r := s.room(q.Room)
		rooms[i] = chat.StoredRoom{
			Name: r.name, Visibility: r.visibility, Created: r.created, Count: len(r.members), Admins: len(r.admins()),
			Members: map[string]chat.Member{}, Logged: q.Log && s.log(q.Room).last > 0, Reserved: r.reserved, Heirs: r.heirs,
			Retention: r.retention, Rules: r.rules, Pins: r.pins,
		}
		if q.Pins {
			rooms[i].Oldest = chat.MaxSendTime + 1
			if there := s.readable(q.Room); len(there) > 0 {
				rooms[i].Oldest = there[0].SendTime
			}
		}
		for _, restraint := range r.restraints {
			if slices.Contains(q.Users, restraint.User) && restraint.InEffect(s.now()) {
				rooms[i].Restraints = append(rooms[i].Restraints, restraint)
			}
		}
		for user, m := range r.members {
			if q.All || slices.Contains(q.Users, user) {
				rooms[i].Members[user] = m
			}
		}
	}
	return rooms, nil
}

// unpin removes a message from the pinned ones. A list is replaced, never changed: a StoredRoom may have it.
func (r *room) unpin(message int64) {
	r.pins = slices.DeleteFunc(slices.Clone(r.pins), func(at int64) bool { return at == message })
}

// holds reports whether a room is as an edit wants it.
func (r *room) holds(e chat.RoomEdit) bool {
	if r.visibility != e.IfVisibility || e.IfReserved > 0 && r.reserved != e.IfReserved || e.IfAdmins >= 0 && len(r.admins()) != e.IfAdmins {
		return false
	}
	if e.IfRules != nil && *e.IfRules != r.rules || e.Pins != nil && !slices.Equal(e.IfPins, r.pins) {
		return false
	}
	for _, want := range e.IfMembers {
		known, member := r.members[want.User]
		if member != (want.Role != "") || member && (known.Role != want.Role || known.Since != want.Since) {
			return false
		}
	}
	return true
}

// EditRoom implements chat.RoomStore.
func (s *Store) EditRoom(_ context.Context, e chat.RoomEdit) (chat.EditOutcome, int64, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	r := s.room(e.Room)
	switch {
	case !r.holds(e) || s.bans(r, e):
		return chat.EditStale, 0, nil
	case e.Pin > 0 && !s.isMessage(e.Room, e.Pin):
		return chat.EditNoMessage, 0, nil
	case len(r.restraints)+len(e.Restrain) > chat.MaxRestraints:
		return chat.EditRestrained, 0, nil
	case e.IfEmpty && s.log(e.Room).last > 0:
		return chat.EditNotEmpty, 0, nil
	case r.tooMany(e):
		return chat.EditTooMany, 0, nil
	}
	first, free := s.log(e.Room).next(s.now())
	if !free || first+int64(len(e.Notices))-1 > chat.MaxSendTime {
		return chat.EditNoPositions, 0, nil
	}
	s.log(e.Room).messages = slices.Clone(s.readable(e.Room)) // by the retention of before
	r.apply(e, first)
	s.rooms[e.Room] = r
	if e.Tell {
		s.tell(chat.Event{Chat: e.Room, Kind: chat.MembersChanged, Users: e.Revoked})
	}
	for i, m := range e.Notices {
		m.SendTime = first + int64(i)
		s.put(e.Room, m)
	}
	s.relist(e)
	return chat.Edited, first, nil
}

func (r *room) tooMany(e chat.RoomEdit) bool {
	more := 0
	for _, m := range e.Set {
		if _, member := r.members[m.User]; !member {
			more++
		}
	}
	return more > 0 && len(r.members)+more > e.MaxMembers
}

// apply changes the room. first is the position of the first notice.
func (r *room) apply(e chat.RoomEdit, first int64) {
	if e.Created {
		r.created, r.reserved, r.heirs = first, 0, nil
	}
	if e.Name != nil {
		r.name = *e.Name
	}
	if e.Visibility != "" {
		r.visibility = e.Visibility
	}
	if e.Retention != nil {
		r.retention = *e.Retention
	}
	r.moderate(e, first)
	for _, m := range e.Set {
		if m.Since == 0 {
			m.Since = first
		}
		r.members[m.User] = m
	}
	for _, user := range e.Remove {
		delete(r.members, user)
	}
}

// relist changes the lists of users who become members or cease to be members.
func (s *Store) relist(e chat.RoomEdit) {
	changed := slices.Clone(e.Remove)
	for _, m := range e.Set {
		if m.Since == 0 {
			changed = append(changed, m.User)
		}
	}
	for _, user := range changed {
		s.note(user, e.Room, true)
		s.chats[user][e.Room] = !slices.Contains(e.Remove, user)
		s.tell(chat.Event{Chat: chat.SelfChat(user), Kind: chat.Listed})
	}
}

// DropRoom implements chat.RoomStore.
func (s *Store) DropRoom(_ context.Context, e chat.RoomEdit) (chat.EditOutcome, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	r := s.room(e.Room)
	if !r.holds(e) || e.Emptied && len(r.members) > e.MaxMembers {
		return chat.EditStale, nil
	}
	const remembered = 24 * time.Hour
	gone := &room{
		visibility: chat.Deleted, members: map[string]chat.Member{},
		reserved: s.now() + e.Reserve.Microseconds(), expires: s.now() + max(e.Reserve, remembered).Microseconds(),
	}
	if e.Reserve > 0 {
		gone.heirs = r.admins()
	}
	for user := range r.members {
		s.note(user, e.Room, false)
		s.chats[user][e.Room] = false
	}
	s.rooms[e.Room] = gone
	delete(s.logs, e.Room)
	s.giveUp(func(ref chat.AttachmentRef, _ chat.Attachment) bool { return ref.Chat == e.Room })
	delete(s.cursors, e.Room)
	delete(s.received, e.Room)
	delete(s.present, e.Room)
	s.tell(chat.Event{Chat: e.Room, Kind: chat.MembersChanged, Deleted: true})
	return chat.Edited, nil
}

// ListRooms implements chat.RoomStore.
func (s *Store) ListRooms(_ context.Context, user, from string, limit int) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var names []string
	for id, shown := range s.chats[user] {
		if shown && isRoom(id) {
			names = append(names, id.String())
		}
	}
	return pageFrom(names, from, limit), nil
}

// ListPublic implements chat.RoomStore.
func (s *Store) ListPublic(_ context.Context, from string, limit int) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var names []string
	for id := range maps.Keys(s.rooms) {
		if s.room(id).visibility == chat.Public {
			names = append(names, id.String())
		}
	}
	return pageFrom(names, from, limit), nil
}

// pageFrom returns up to limit names from one on, inclusive, sorted.
func pageFrom(names []string, from string, limit int) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return name < from })
	slices.Sort(names)
	return names[:min(limit, len(names))]
}

// ReadInvited implements chat.UserReader.
func (s *Store) ReadInvited(_ context.Context, by string, users []string) ([]chat.Invited, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	invited := make([]chat.Invited, len(users))
	for i, user := range users {
		invited[i] = chat.Invited{Account: s.accounts[user].PasswordHash != "", Ignores: s.ignored[user][by]}
		for id, shown := range s.chats[user] {
			if shown && isRoom(id) {
				invited[i].Rooms++
			}
		}
	}
	return invited, nil
}
