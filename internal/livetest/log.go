// Package livetest has a small server that speaks the live transports of docs/live.md, for tests of clients. Tests can
// break its connections anywhere. Several servers can share one log.
// connections wherever a test wants, and several share one log.
package livetest

import (
	"slices"
	"sync"

	"github.com/pullchat/pullchat/client"
)

// Event is an event of a stream other than a message.
type Event struct {
	Kind     string // signal, presence or read
	Signal   client.Signal
	Presence client.Presence
	Reading  client.Reading
}

// Log holds the chats. It is safe for concurrent use.
type Log struct {
	mutex   sync.Mutex
	chats   map[string][]client.Message
	ids     map[string]int64 // by sender and id
	events  []Event
	present map[string][]string
	last    int64
	changed chan struct{} // closed with the next change
}

// NewLog returns an empty log.
func NewLog() *Log {
	return &Log{
		chats: map[string][]client.Message{}, ids: map[string]int64{}, present: map[string][]string{},
		changed: make(chan struct{}), last: 1795248043296446,
	}
}

// Append stores a message, unless its id is known.
func (l *Log) Append(m client.Message) client.Receipt {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	id := m.Chat + " " + m.Sender + " " + m.ID
	if stored, ok := l.ids[id]; ok && m.ID != "" {
		return client.Receipt{SendTime: stored, Duplicate: true}
	}
	l.last++
	m.SendTime = l.last
	l.ids[id] = m.SendTime
	l.chats[m.Chat] = append(l.chats[m.Chat], m)
	l.tell()
	return client.Receipt{SendTime: m.SendTime}
}

// Messages returns all messages of a chat.
func (l *Log) Messages(chat string) []client.Message {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.chats[chat])
}

// Tell sends an event to all connected viewers.
func (l *Log) Tell(e Event) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.events = append(l.events, e)
	l.tell()
}

// Present returns the readers who are present in a chat.
func (l *Log) Present(chat string) client.Presence {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return client.Presence{Chat: chat, Readers: slices.Clone(l.present[chat]), Count: len(l.present[chat])}
}

// enter makes a reader present or absent.
func (l *Log) enter(chat, reader string, enters bool) {
	if reader == "" {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if enters {
		l.present[chat] = append(l.present[chat], reader)
	} else if i := slices.Index(l.present[chat], reader); i >= 0 {
		l.present[chat] = slices.Delete(l.present[chat], i, i+1)
	}
	slices.Sort(l.present[chat])
	there := slices.Clone(l.present[chat])
	l.events = append(l.events, Event{Kind: "presence", Presence: client.Presence{Chat: chat, Readers: there, Count: len(there)}})
	l.tell()
}

// tell requires that the mutex is held.
func (l *Log) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// since returns the events after the first n, and a channel that is closed with the next event.
func (l *Log) since(n int) ([]Event, <-chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.events[min(max(n, 0), len(l.events)):]), l.changed
}

// told returns the number of events.
func (l *Log) told() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.events)
}

func (l *Log) pull(chat string, cursor int64, limit int, reverse bool) client.Page {
	messages := l.Messages(chat)
	page := client.Page{Messages: []client.Message{}, NextCursor: cursor}
	if reverse {
		slices.Reverse(messages)
		page.NextCursor = 0
	}
	for _, m := range messages {
		switch before := m.SendTime < cursor; {
		case reverse && cursor != 0 && m.SendTime > cursor, !reverse && before:
		case len(page.Messages) == limit:
			page.HasMore, page.NextCursor = true, m.SendTime
			return page
		default:
			page.Messages = append(page.Messages, m)
			if !reverse {
				page.NextCursor = m.SendTime + 1
			}
		}
	}
	return page
}
