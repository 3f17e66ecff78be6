// Package events has the queue between the senders of events and one slow reader. It holds at most one hint for each
// chat and a limited number of bytes of entries. Its size is limited by the number of chats, not by their traffic.
package events

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pullchat/pullchat/internal/chat"
)

// MaxNews is how many events other than hints a Queue holds. Beyond that the oldest are dropped.
const MaxNews = 256

// The limits of entries in hints. Beyond them a hint has no entries, and its readers pull.
const (
	MaxEntries    = 16      // of one chat
	MaxChatBytes  = 8 << 10 // of one chat's entries
	MaxQueueBytes = 1 << 20 // of all entries that a Queue holds
)

// ErrClosed is the error of Next after Close.
var ErrClosed = errors.New("the watch has ended")

// Queue is safe for concurrent use; Next is called by one goroutine at a time. Use New.
type Queue struct {
	mutex   sync.Mutex
	hints   map[chat.ID]int64
	loads   map[chat.ID]load // the entries of those hints that bring some
	bytes   int              // of all loads
	news    []chat.Event
	revoked map[chat.ID][]string // users of MembersChanged; empty means all. It is never dropped
	gone    map[chat.ID]bool     // which of these were deleted
	closed  bool
	wake    chan struct{} // one element
}

// load is all entries of a chat between two positions: before, and the hint's.
type load struct {
	before  int64
	entries [][]byte
	bytes   int
}

// New returns an empty Queue.
func New() *Queue {
	return &Queue{
		hints: map[chat.ID]int64{}, loads: map[chat.ID]load{}, revoked: map[chat.ID][]string{}, gone: map[chat.ID]bool{}, wake: make(chan struct{}, 1),
	}
}

// Put adds events; it never blocks. For each chat it keeps the furthest hint, joined with the entries of directly
// preceding hints. Of equal news it keeps the last.
func (q *Queue) Put(events ...chat.Event) {
	q.mutex.Lock()
	for _, e := range events {
		if e.Kind == chat.Hint {
			q.hint(e)
			continue
		}
		if e.Kind == chat.MembersChanged {
			q.addRevoked(e)
			continue
		}
		if i := slices.IndexFunc(q.news, func(known chat.Event) bool { return replaces(e, known) }); i >= 0 {
			q.news[i] = e
			continue
		}
		if len(q.news) == MaxNews {
			q.news = slices.Delete(q.news, 0, 1)
		}
		q.news = append(q.news, e)
	}
	q.mutex.Unlock()
	Ring(q.wake)
}

// hint keeps a hint, unless a further one of its chat is queued.
func (q *Queue) hint(e chat.Event) {
	known, waits := q.hints[e.Chat]
	if waits && known >= e.Position {
		return
	}
	q.hints[e.Chat] = e.Position
	had, loaded := q.loads[e.Chat]
	if len(e.Entries) == 0 && !loaded {
		return
	}
	more := load{before: e.Before, entries: slices.Clip(e.Entries)} // other queues may share the entries
	for _, entry := range e.Entries {
		more.bytes += len(entry)
	}
	q.bytes -= had.bytes
	follows := !waits || loaded && e.Before == known
	if loaded && follows {
		more = load{had.before, append(had.entries, more.entries...), had.bytes + more.bytes}
	}
	if len(e.Entries) == 0 || !follows || len(more.entries) > MaxEntries || more.bytes > MaxChatBytes || q.bytes+more.bytes > MaxQueueBytes {
		delete(q.loads, e.Chat)
		return
	}
	q.bytes += more.bytes
	q.loads[e.Chat] = more
}

// maxRevoked is how many removed users a chat's entry names. Beyond that the entry means all users.
const maxRevoked = 64

// addRevoked records the users who may have to leave a chat.
func (q *Queue) addRevoked(e chat.Event) {
	if e.Deleted {
		q.gone[e.Chat] = true
	}
	known, waits := q.revoked[e.Chat]
	switch {
	case !waits:
		q.revoked[e.Chat] = e.Users
	case len(known) == 0:
	case len(e.Users) == 0 || len(known)+len(e.Users) > maxRevoked:
		q.revoked[e.Chat] = nil
	default:
		q.revoked[e.Chat] = slices.Concat(known, e.Users)
	}
}

// replaces reports whether e makes the queued event known redundant.
func replaces(e, known chat.Event) bool {
	if e.Kind != known.Kind || e.Chat != known.Chat {
		return false
	}
	switch e.Kind {
	case chat.PresenceChanged, chat.Listed, chat.IgnoredChanged:
		return true
	case chat.Moved, chat.Received:
		return e.Reading.Reader == known.Reading.Reader
	}
	return false
}

// Ring wakes the receiver of a channel with room for one element. It does not wait.
func Ring(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Next waits for events and returns all: users who must leave first, then hints.
func (q *Queue) Next(ctx context.Context) ([]chat.Event, error) {
	for {
		events, err := q.take()
		if len(events) > 0 || err != nil {
			return events, err
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *Queue) take() ([]chat.Event, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if len(q.hints) == 0 && len(q.news) == 0 && len(q.revoked) == 0 {
		return nil, nil
	}
	events := make([]chat.Event, 0, len(q.hints)+len(q.news)+len(q.revoked))
	for id, users := range q.revoked { // first, because these users must get no further events
		events = append(events, chat.Event{Chat: id, Kind: chat.MembersChanged, Users: users, Deleted: q.gone[id]})
	}
	clear(q.revoked)
	clear(q.gone)
	for id, position := range q.hints {
		brings := q.loads[id]
		events = append(events, chat.Event{Chat: id, Kind: chat.Hint, Position: position, Before: brings.before, Entries: brings.entries})
	}
	clear(q.hints)
	clear(q.loads)
	q.bytes = 0
	events = append(events, q.news...)
	clear(q.news)
	q.news = q.news[:0]
	return events, nil
}

// Close makes Next return ErrClosed.
func (q *Queue) Close() {
	q.mutex.Lock()
	q.closed = true
	q.mutex.Unlock()
	Ring(q.wake)
}
