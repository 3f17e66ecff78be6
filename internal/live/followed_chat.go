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

// followedChat is a chat with followers here.
type followedChat struct {
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

func (c *followedChat) hear(e chat.Event) {
	switch e.Kind {
	case chat.Hint:
		if c.confirms() {
			c.doubt()
		}
		c.hint(e)
		if c.self { // a confirmation: events may have been lost
			c.toLocalUser(e)
		}
	case chat.Listed, chat.IgnoredChanged:
		c.toLocalUser(e)
	case chat.PresenceChanged:
		c.hub.present.changed(c)
	default:
		for _, l := range c.all() {
			l.tell(e)
		}
	}
}

// confirms reports whether a hint is the first of a room. Until then the followers have missed the room's creation and removals.
func (c *followedChat) confirms() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	_, _, pair := c.id.Users()
	return c.position < 0 && !pair
}

// doubt repeats the checks of followers that named a cursor, because that may be past a notice about members. All others
// read the notices.
func (c *followedChat) doubt() {
	for _, l := range c.all() {
		if f, ok := l.(*follow); !ok || f.inbox == nil {
			l.tell(chat.Event{Chat: c.id, Kind: chat.MembersChanged})
		}
	}
}

// toLocalUser passes an event of a self-chat to its localUser.
func (c *followedChat) toLocalUser(e chat.Event) {
	for _, l := range c.all() {
		if p, ok := l.(*localUser); ok {
			p.tell(e)
		}
	}
}

// hint wakes followers that are before a new position. A position goes back if a failover lost a hinted message and the new
// master's clock is behind: later messages then come before the lost one. It also goes back if a hint overtook a
// confirmation. Only a pull can tell the two apart, so all followers pull once.
func (c *followedChat) hint(e chat.Event) {
	c.mutex.Lock()
	position, before := e.Position, c.position
	if position == before {
		c.mutex.Unlock()
		return
	}
	c.position = position
	c.changes++
	if changesMessages(e.Entries) {
		c.pages = nil
	}
	switch {
	case position < before:
		c.back, c.pages, c.tail = c.changes, nil, nil
	case len(c.listeners) == 0: // new listeners pull first
		c.tail = nil
	default:
		c.tail = c.tail.with(e, before, c.changes)
	}
	c.mutex.Unlock()
	for _, l := range c.all() {
		if position < before {
			l.look()
		} else {
			l.hint(position)
		}
	}
}

func (c *followedChat) all() []listener {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all := make([]listener, 0, len(c.listeners))
	for l := range c.listeners {
		all = append(all, l)
	}
	return all
}

// ahead reports whether there may be a message at or past a cursor that a page with seen changes lacks. The message may have
// left the log, so the follower does not look twice.
func (c *followedChat) ahead(cursor, seen int64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.changes > seen && (c.position >= cursor || c.back > seen)
}

// seen returns the number of changes of the position.
func (c *followedChat) seen() int64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.changes
}
