package live

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// maxInbox is the default of Config.MaxInbox.
	maxInbox = 10_000
	// inboxAgain is how often an inbox with too many chats looks for those that moved last.
	inboxAgain = 10 * time.Second
	// maxMoved bounds the chats whose cursors positions returns; after a resume the others begin at the reader's cursor.
	maxMoved = 100
)

// InboxFollow asks for all chats of a user.
type InboxFollow struct {
	Follow // without Chat and Presence; Reader is required, and counts as present in the user's SelfChat only

	// FromCursor starts chats at Cursor instead of the reader's cursor.
	FromCursor bool
	// At are the cursors of chats that the client has received messages of; the one that moved last is the last.
	At []Position
}

// inbox is a session's follow of all chats of a user.
type inbox struct {
	session   *Session
	wanted    InboxFollow
	localUser *localUser
	at        map[chat.ID]int   // of wanted.At
	loaded    bool              // the list was read once; guarded by session.changing
	full      bool              // there are more chats than MaxInbox; likewise
	left      map[chat.ID]int64 // cursors of chats that others have displaced; likewise
	renames   int               // names of chats that came from notices; guarded by the session's mutex
}

// Check returns the error of an invalid InboxFollow.
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

// FollowInbox begins to follow all chats of a user, including later ones. It replaces an inbox that the session follows
// already. A chat that the session follows by name is unaffected.
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
	i := &inbox{session: s, wanted: wanted, at: map[chat.ID]int{}, left: map[chat.ID]int64{}}
	for n, p := range wanted.At {
		id, err := chat.ParseID(p.Chat)
		if err != nil {
			return err
		}
		i.at[id] = n
	}
	if i.localUser = s.hub.localUsers.join(chat.UserOf(wanted.Reader)); i.localUser == nil {
		return chat.Errorf(chat.NotFound, "this server has no inboxes")
	}
	s.hub.present.join(i.localUser.chat, i.attends())
	s.mutex.Lock()
	s.inbox = i
	s.identify(wanted.By)
	s.mutex.Unlock()
	i.localUser.mutex.Lock()
	i.localUser.inboxes[i] = struct{}{}
	i.localUser.list = true
	i.localUser.mutex.Unlock()
	s.hub.localUsers.due(i.localUser)
	return nil
}

// attends is the presence of an inbox's reader, in the chat of the user alone: push notifications go to users who are absent.
func (i *inbox) attends() Follow { return Follow{Reader: i.wanted.Reader} }

// UnfollowInbox ends the follow of the inbox.
func (s *Session) UnfollowInbox() error {
	s.mutex.Lock()
	i := s.inbox
	s.inbox = nil
	s.mutex.Unlock()
	if i == nil {
		return nil
	}
	i.localUser.mutex.Lock()
	delete(i.localUser.inboxes, i)
	i.localUser.mutex.Unlock()
	s.changing.Lock()
	for _, f := range i.follows() {
		s.remove(f)
	}
	s.changing.Unlock()
	s.hub.present.leaveOne(i.localUser.chat, i.attends())
	s.hub.localUsers.leave(i.localUser)
	return nil
}

// follows returns the follows of the inbox.
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

// renamed returns the number of renames so far.
func (i *inbox) renamed() int {
	i.session.mutex.Lock()
	defer i.session.mutex.Unlock()
	return i.renames
}

// refresh follows the chats of the list, and drops the others. since is the number of renames before the list was read.
func (i *inbox) refresh(ctx context.Context, chats []chat.Standing, since int) error {
	limit := min(i.session.hub.config.MaxInbox, max(leastInbox, len(i.follows())+i.session.share.Left()))
	over := len(chats) > limit
	if over { // those that moved last come first
		chats = chats[:limit:limit]
		time.AfterFunc(inboxAgain, i.again)
	}
	held, err := i.update(chats, over, since)
	if err != nil {
		return err
	}
	return i.session.admit(ctx, held) // without s.changing, so that no caller waits
}

// again schedules another read of the list, unless the follow has ended.
func (i *inbox) again() {
	p := i.localUser
	p.mutex.Lock()
	_, open := p.inboxes[i]
	p.list = p.list || open
	p.mutex.Unlock()
	if open {
		p.localUsers.due(p)
	}
}

// update is refresh that leaves new follows held. It returns all held ones.
func (i *inbox) update(chats []chat.Standing, over bool, since int) (held []*follow, err error) {
	s := i.session
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mutex.Lock()
	ended := s.closed || s.inbox != i
	followed := make(map[chat.ID]bool, len(s.follows))
	mine := make(map[chat.ID]*follow, len(s.follows))
	for _, f := range s.follows {
		followed[f.id] = true
		if f.inbox == i {
			mine[f.id] = f
		}
	}
	s.mutex.Unlock()
	if ended {
		return nil, nil
	}
	i.full = i.full || over
	listed := make(map[chat.ID]bool, len(chats))
	for _, standing := range chats {
		id, err := chat.ParseID(standing.Chat)
		if err != nil {
			return nil, err
		}
		listed[id] = true
		if !followed[id] {
			i.follow(id, standing)
		} else if f := mine[id]; f != nil {
			s.mutex.Lock()
			f.last = false
			if f.named <= since { // else a notice has a newer name than the list
				f.title = standing.Title
			}
			s.mutex.Unlock()
		}
	}
	for _, f := range i.follows() {
		switch {
		case !listed[f.id]:
			if i.full { // the chat may come back
				s.mutex.Lock()
				i.left[f.id] = f.cursor
				s.mutex.Unlock()
			}
			if i.full || f.held {
				s.remove(f)
			} else {
				f.finish()
			}
		case f.held: // only the caller changes that
			held = append(held, f)
		}
	}
	if !i.loaded {
		i.resume(held)
	}
	i.loaded = true
	return held, nil
}

// resume makes the next page report the client's cursors in all chats that it has named.
func (i *inbox) resume(follows []*follow) {
	var moved []*follow
	for _, f := range follows {
		if _, had := i.at[f.id]; had {
			moved = append(moved, f)
		}
	}
	slices.SortFunc(moved, func(a, b *follow) int { return cmp.Compare(i.at[a.id], i.at[b.id]) })
	i.session.mutex.Lock()
	defer i.session.mutex.Unlock()
	i.session.moved = moved[max(0, len(moved)-maxMoved):]
}

// refuse tells the client that the inbox is not followed any more.
func (i *inbox) refuse(err error) {
	if failed := i.session.Write(func() error { return i.session.sink.Refuse("", err) }); failed != nil {
		i.session.end(failed)
	}
}

// follow begins to follow a chat, held. It pulls only if there are messages past the cursor.
func (i *inbox) follow(id chat.ID, standing chat.Standing) {
	s := i.session
	wanted := i.wanted.Follow
	wanted.Chat, wanted.Reader, wanted.Presence = standing.Chat, "", false
	at, had := i.at[id]
	_, _, pair := id.Users()
	back, displaced := i.left[id]
	delete(i.left, id)
	switch {
	case displaced:
		wanted.Cursor = back
	case i.loaded && i.full: // the chat is older, but others moved later
		wanted.Cursor = standing.Cursor
	case i.loaded && pair: // the chat has begun since; a read or a send there may be newer than this list
		wanted.Cursor = 0
	case !i.loaded && had:
		wanted.Cursor = i.wanted.At[at].Cursor
	case i.loaded || !i.wanted.FromCursor:
		wanted.Cursor = standing.Cursor
	}
	f := &follow{session: s, id: id, wanted: wanted, cursor: wanted.Cursor, seen: -1, inbox: i, held: true, title: standing.Title}
	f.unchecked = s.hub.admission.asked != nil
	f.localUser = s.hub.localUsers.join(i.localUser.user)
	s.mutex.Lock()
	s.follows = append(s.follows, f)
	s.mutex.Unlock()
	s.share.Add(1)
	if err := s.hub.join(id, f, &f.chat); err != nil { // there is no room: its next list may find some
		s.forget(f)
		s.hub.localUsers.leave(f.localUser)
	}
}
