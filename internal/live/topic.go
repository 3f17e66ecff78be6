package live

import (
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/pullchat/pullchat/internal/chat"
)

// listener follows one chat. Its methods do not wait.
type listener interface {
	// hint says that the chat's last message is at position or past it.
	hint(position int64)
	// look says that the chat's last message is before one that was hinted at: whatever is known may be wrong.
	look()
	// tell says what else happened.
	tell(chat.Event)
	// presence says who is present.
	presence(*Present)
}

// topic is a chat that somebody follows here.
type topic struct {
	hub  *Hub
	id   chat.ID
	self bool // it is a user's chat with herself

	mutex     sync.Mutex
	position  int64 // of the last hint; -1 before the watch is confirmed
	changes   int64 // counts its values
	back      int64 // the change with which it went back last; -1 where it never did
	listeners map[listener]struct{}
	pages     []*Page // that were read of late, for others who stand where they begin
	tail      *tail   // what the last hints brought, up to position; nil where the last brought nothing
	pulls     singleflight.Group

	attend // who of them is present
}

func (t *topic) hear(e chat.Event) {
	switch e.Kind {
	case chat.Hint:
		if t.confirms() {
			t.doubt()
		}
		t.hint(e)
		if t.self { // a confirmation: events may have been lost
			t.toPeople(e)
		}
	case chat.Listed, chat.IgnoredChanged:
		t.toPeople(e)
	case chat.PresenceChanged:
		t.hub.present.changed(t)
	default:
		for _, l := range t.all() {
			l.tell(e)
		}
	}
}

// confirms says whether a hint is the first of a room: until now nothing of the room was heard, neither that it was created
// nor who was removed.
func (t *topic) confirms() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	_, _, pair := t.id.Users()
	return t.position < 0 && !pair
}

// doubt has those asked for anew who could be past what the log tells of the room's members, because they name their
// cursors. All others read it there.
func (t *topic) doubt() {
	for _, l := range t.all() {
		if f, ok := l.(*follow); !ok || f.inbox == nil {
			l.tell(chat.Event{Chat: t.id, Kind: chat.MembersChanged})
		}
	}
}

// toPeople tells the user whose chat with herself it is.
func (t *topic) toPeople(e chat.Event) {
	for _, l := range t.all() {
		if p, ok := l.(*person); ok {
			p.tell(e)
		}
	}
}

// hint wakes who stands before a position that was not known yet. A position goes back where a failover lost a message
// that was hinted at, and the new master's clock is behind: what is sent from then on comes before what was lost. It does
// so too where a confirmation was overtaken by a hint. Which of the two it is shows a pull, so everybody looks once.
func (t *topic) hint(e chat.Event) {
	t.mutex.Lock()
	position, before := e.Position, t.position
	if position == before {
		t.mutex.Unlock()
		return
	}
	t.position = position
	t.changes++
	switch {
	case position < before:
		t.back, t.pages, t.tail = t.changes, nil, nil
	case len(t.listeners) == 0: // whoever comes pulls first
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

// ahead says whether something may lie at or past a cursor that a page which was read after so many changes does not
// have. What lies there may have gone again, so it is not looked at twice.
func (t *topic) ahead(cursor, seen int64) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.changes > seen && (t.position >= cursor || t.back > seen)
}

// seen is how often the position has changed.
func (t *topic) seen() int64 {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.changes
}
