package live

import (
	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// maxInbox is how many chats of an inbox are followed.
	maxInbox = 10_000
	// maxMoved is of how many of them it is said where the client stands: the others begin where the reader stands.
	maxMoved = 100
)

// InboxFollow says what a client wants of a user's chats.
type InboxFollow struct {
	Follow // but for Chat, and for Presence; Reader is needed, and does not count as present

	// FromCursor has chats begin at Cursor, and not where the reader stands.
	FromCursor bool
	// At is where chats begin of which the client has had messages.
	At map[chat.ID]int64
}

// inbox is what a session follows of a user's chats.
type inbox struct {
	session *Session
	wanted  InboxFollow
	person  *person
	loaded  bool // the list was read once; guarded by session.changing
}

// Check returns what is wrong with it.
func (w InboxFollow) Check() error {
	user := chat.UserOf(w.Reader)
	self, err := chat.ParseID(user + ":" + user)
	if err != nil || w.Reader == "" {
		return chat.Errorf(chat.InvalidArgument, "an inbox needs its reader, like alice or alice/phone")
	}
	follow := w.Follow
	follow.Chat = self.String()
	return follow.Check(self)
}

// FollowInbox begins to follow all chats of a user, also those that begin later; it goes on anew where the session
// follows an inbox already. A chat that the session follows by itself stays as it is.
func (s *Session) FollowInbox(wanted InboxFollow) error {
	if err := wanted.Check(); err != nil {
		return err
	}
	if wanted.Limit == 0 {
		wanted.Limit = manyMessages
	}
	if err := s.UnfollowInbox(); err != nil {
		return err
	}
	i := &inbox{session: s, wanted: wanted, person: s.hub.people.join(chat.UserOf(wanted.Reader))}
	if i.person == nil {
		return chat.Errorf(chat.NotFound, "this http-server has no inboxes")
	}
	s.mutex.Lock()
	s.inbox = i
	s.identify(wanted.By)
	s.mutex.Unlock()
	i.person.mutex.Lock()
	i.person.inboxes[i] = struct{}{}
	i.person.list = true
	i.person.mutex.Unlock()
	s.hub.people.due(i.person)
	return nil
}

// UnfollowInbox ends it.
func (s *Session) UnfollowInbox() error {
	s.mutex.Lock()
	i := s.inbox
	s.inbox = nil
	s.mutex.Unlock()
	if i == nil {
		return nil
	}
	i.person.mutex.Lock()
	delete(i.person.inboxes, i)
	i.person.mutex.Unlock()
	s.changing.Lock()
	for _, f := range i.follows() {
		s.remove(f)
	}
	s.changing.Unlock()
	s.hub.people.leave(i.person)
	return nil
}

// follows returns the chats that are followed for the inbox.
func (i *inbox) follows() (follows []*follow) {
	i.session.mutex.Lock()
	defer i.session.mutex.Unlock()
	for _, f := range i.session.follows {
		if f.inbox == i {
			follows = append(follows, f)
		}
	}
	return follows
}

// refresh follows what is in the list, and no longer what is not.
func (i *inbox) refresh(chats []chat.Standing) error {
	if len(chats) > maxInbox {
		return chat.Errorf(chat.InvalidArgument, "%d chats are too many for one stream; the limit is %d", len(chats), maxInbox)
	}
	s := i.session
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mutex.Lock()
	over := s.closed || s.inbox != i
	followed := make(map[chat.ID]bool, len(s.follows))
	for _, f := range s.follows {
		followed[f.id] = true
	}
	s.mutex.Unlock()
	if over {
		return nil
	}
	listed := make(map[chat.ID]bool, len(chats))
	for _, standing := range chats {
		id, err := chat.ParseID(standing.Chat)
		if err != nil {
			return err
		}
		listed[id] = true
		if !followed[id] {
			i.follow(id, standing)
		}
	}
	for _, f := range i.follows() {
		if !listed[f.id] {
			s.remove(f)
		}
	}
	i.loaded = true
	return nil
}

// refuse tells the client that the inbox is not followed.
func (i *inbox) refuse(err error) {
	if failed := i.session.Write(func() error { return i.session.sink.Refuse("", err) }); failed != nil {
		i.session.end(failed)
	}
}

// follow begins to follow a chat. Nothing is pulled where nothing lies past its cursor.
func (i *inbox) follow(id chat.ID, standing chat.Standing) {
	s := i.session
	wanted := i.wanted.Follow
	wanted.Chat, wanted.Reader, wanted.Presence = standing.Chat, "", false
	at, had := i.wanted.At[id]
	_, _, pair := id.Users()
	switch {
	case i.loaded && pair: // it has begun since; who has read or sent there may have been quicker than this list
		wanted.Cursor = 0
	case !i.loaded && had:
		wanted.Cursor = at
	case i.loaded || !i.wanted.FromCursor:
		wanted.Cursor = standing.Cursor
	}
	f := &follow{session: s, id: id, wanted: wanted, cursor: wanted.Cursor, seen: -1, inbox: i, unchecked: s.hub.doors.asked != nil}
	f.person = s.hub.people.join(i.person.user)
	s.mutex.Lock()
	s.follows = append(s.follows, f)
	if had && len(s.moved) < maxMoved {
		s.moved = append(s.moved, f)
	}
	s.mutex.Unlock()
	if err := s.hub.join(id, f, &f.topic); err != nil { // there is no room: its next list may find some
		s.forget(f)
		s.hub.people.leave(f.person)
		return
	}
	s.wake(f)
}
