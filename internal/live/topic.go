package live

import (
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/pullchat/pullchat/internal/chat"
)

// listener gets the events of one chat. Its methods do not block.
type listener interface {
	// hint says that the chat's last message is at position or later.
	hint(position int64)
	// look says that the chat's position went back, so earlier knowledge may be wrong.
	look()
	// tell passes any other event.
	tell(chat.Event)
	// presence passes the present readers.
	presence(*Present)
}

// topic is a chat with followers here.
type topic struct {
	hub  *Hub
	id   chat.ID
	self bool // the chat is a self-chat

	mutex     sync.Mutex
	position  int64 // of the last hint; -1 before the watch is confirmed
	changes   int64 // counts the changes of position
	back      int64 // the last change that moved it back; -1 if none did
	listeners map[listener]struct{}
	pages     []*Page // recent pages, for followers with the same cursor
	tail      *tail   // the messages of the last hints, up to position; nil if the last hint had none
	pulls     singleflight.Group

	attend // presence
}

func (t *topic) hear(e chat.Event) {
	switch e.Kind {
	case chat.Hint:
		if t.confirms() {
			t.doubt()
		}
		t.hint(e)
		if t.self { // a confirmation: events may have been lost
			t.toLocalUser(e)
		}
	case chat.Listed, chat.IgnoredChanged:
		t.toLocalUser(e)
	case chat.PresenceChanged:
		t.hub.present.changed(t)
	default:
		for _, l := range t.all() {
			l.tell(e)
		}
	}
}

// confirms reports whether a hint is the first of a room. Until then the topic has missed the room's creation and removals.
func (t *topic) confirms() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	_, _, pair := t.id.Users()
	return t.position < 0 && !pair
}

// doubt repeats the checks of followers that named a cursor, because that may be past a notice about members. All others
// read the notices.
func (t *topic) doubt() {
	for _, l := range t.all() {
		if f, ok := l.(*follow); !ok || f.inbox == nil {
			l.tell(chat.Event{Chat: t.id, Kind: chat.MembersChanged})
		}
	}
}

// toLocalUser passes an event of a self-chat to its localUser.
func (t *topic) toLocalUser(e chat.Event) {
	for _, l := range t.all() {
		if p, ok := l.(*localUser); ok {
			p.tell(e)
		}
	}
}

// hint wakes followers that are before a new position. A position goes back if a failover lost a hinted message and the new
// master's clock is behind: later messages then come before the lost one. It also goes back if a hint overtook a
// confirmation. Only a pull can tell the two apart, so all followers pull once.
func (t *topic) hint(e chat.Event) {
	t.mutex.Lock()
	position, before := e.Position, t.position
	if position == before {
		t.mutex.Unlock()
		return
	}
	t.position = position
	t.changes++
	if changesMessages(e.Entries) {
		t.pages = nil
	}
	switch {
	case position < before:
		t.back, t.pages, t.tail = t.changes, nil, nil
	case len(t.listeners) == 0: // new listeners pull first
		t.tail = nil
	default:
		t.tail = t.tail.with(e, before, t.changes)
	}
	t.mutex.Unlock()
	for _, l := range t.all() {
		if position < before {
			l.look()
		} else {
			l.hint(position)
		}
	}
}

func (t *topic) all() []listener {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	all := make([]listener, 0, len(t.listeners))
	for l := range t.listeners {
		all = append(all, l)
	}
	return all
}

// ahead reports whether there may be a message at or past a cursor that a page with seen changes lacks. The message may have
// left the log, so the follower does not look twice.
func (t *topic) ahead(cursor, seen int64) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.changes > seen && (t.position >= cursor || t.back > seen)
}

// seen returns the number of changes of the position.
func (t *topic) seen() int64 {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.changes
}
