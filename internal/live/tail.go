package live

import (
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/events"
)

// tail is the end of a chat's log from hints: all messages after a position. A woken follower past that position takes its
// page from here instead of pulling. The page equals that of a pull. A follower further back pulls, so it meets the notice of
// its removal before later messages.
type tail struct {
	before   int64          // the tail has all messages after it
	messages []chat.Message // with the chat's canonical id; at least one
	bytes    int
	changes  int64 // the chat's number of changes, including the last hint
	came     time.Time
}

// with returns the tail after a hint, or nil if the hint does not extend it. known is the chat's position before the hint. A
// tail is replaced, never changed; appending to the last one is invisible to the others. t may be nil.
func (t *tail) with(e chat.Event, known, changes int64) *tail {
	if len(e.Entries) == 0 || e.Before < known { // another hint came between
		return nil
	}
	next := &tail{before: e.Before, changes: changes, came: time.Now()}
	for _, entry := range e.Entries {
		next.bytes += len(entry)
	}
	if t != nil && e.Before == known && len(t.messages)+len(e.Entries) <= events.MaxEntries && t.bytes+next.bytes <= events.MaxChatBytes {
		next.before, next.messages = t.before, t.messages
		next.bytes += t.bytes
	}
	last := e.Before
	if changesMessages(e.Entries) {
		next.before, next.messages = e.Before, nil
	}
	for _, stored := range e.Entries {
		m, err := entry.Decode(string(stored))
		if err != nil || m.SendTime <= last {
			return nil
		}
		m.Chat, last = e.Chat.String(), m.SendTime
		next.messages = append(next.messages, m)
	}
	if last != e.Position {
		return nil
	}
	return next
}

// changesMessages reports whether a hint has a change of an earlier message. Pages from before show it as it was.
func changesMessages(entries [][]byte) bool {
	return slices.ContainsFunc(entries, func(stored []byte) bool {
		head, err := entry.ReadHead(string(stored))
		return err == nil && head.Kind.IsChange()
	})
}

// page returns the tail from a place on, or nil if the place is not in it or the page may be too long.
func (t *tail) page(at pageRequest) *Page {
	if at.cursor <= t.before {
		return nil
	}
	from := slices.IndexFunc(t.messages, func(m chat.Message) bool { return m.SendTime >= at.cursor })
	if from < 0 {
		return nil
	}
	messages := slices.Clip(t.messages[from:])
	if n := len(messages); n > 1 && int64(n) > at.limit { // a limit of 0 is the rpc-server's, which is not known here
		return nil
	}
	if messages[0].Chat != at.name {
		messages = slices.Clone(messages)
		for i := range messages {
			messages[i].Chat = at.name
		}
	}
	next := messages[len(messages)-1].SendTime + 1
	return &Page{Page: chat.Page{Messages: messages, NextCursor: next}, Chat: at.name, at: at, seen: t.changes, read: t.came}
}

// brought returns the page of a place from the tail, or nil.
func (c *followedChat) brought(at pageRequest) *Page {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.tail == nil || time.Since(c.tail.came) >= c.hub.config.PageLasts {
		return nil
	}
	page := c.tail.page(at)
	if page != nil {
		c.share(page)
	}
	return page
}
