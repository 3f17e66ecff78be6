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
	position  int64 // the furthest that was hinted at; -1 before the watch is confirmed
	listeners map[listener]struct{}
	pages     []*Page // that were read of late, for others who stand where they begin
	pulls     singleflight.Group

	attend // who of them is present
}

func (t *topic) hear(e chat.Event) {
	switch e.Kind {
	case chat.Hint:
		t.hint(e.Position)
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

// toPeople tells the user whose chat with herself it is.
func (t *topic) toPeople(e chat.Event) {
	for _, l := range t.all() {
		if p, ok := l.(*person); ok {
			p.tell(e)
		}
	}
}

// hint wakes who stands before a position that was not known yet.
func (t *topic) hint(position int64) {
	t.mutex.Lock()
	if position <= t.position {
		t.mutex.Unlock()
		return
	}
	t.position = position
	t.mutex.Unlock()
	for _, l := range t.all() {
		l.hint(position)
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

// ahead says whether something lies at or past a cursor that a page which was read when the topic stood at seen does
// not have. What lies there may have gone again, so a position that was seen is not looked at twice.
func (t *topic) ahead(cursor, seen int64) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.position >= cursor && t.position > seen
}

// reached is the furthest position that was hinted at.
func (t *topic) reached() int64 {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.position
}
