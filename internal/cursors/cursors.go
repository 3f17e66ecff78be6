// Package cursors moves the cursors of readers to the messages that their clients have read. It is for clients that
// acknowledge nothing: lines over telnet and of curl. A message that a client may not have read comes again.
package cursors

import (
	"sync"
	"time"
)

// settlesAfter is how long a client must stay connected after a line for it to count as read: a write to a client that has
// just gone succeeds, too.
const settlesAfter = 500 * time.Millisecond

// Cursors are the cursors of one client. It is safe for concurrent use.
type Cursors struct {
	// Advance moves the reader's cursor in a chat. Where it fails, the messages come again.
	Advance func(chat string, to int64)

	advancing sync.Mutex // held during calls of Advance
	mutex     sync.Mutex
	chats     map[string]reading
	timer     *time.Timer // nil: none runs
	gone      bool
}

// reading is how far a client has read in a chat.
type reading struct {
	written   int64
	confirmed int64 // written, a period ago
	moved     int64 // where the cursor was moved to
}

// Wrote notes that all messages before a position have been written.
func (c *Cursors) Wrote(chat string, next int64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.chats == nil {
		c.chats = map[string]reading{}
	}
	at := c.chats[chat]
	at.written = max(at.written, next)
	c.chats[chat] = at
	if c.timer == nil && !c.gone {
		c.timer = time.AfterFunc(settlesAfter, c.settle)
	}
}

// After is the position after the last written message; 0 if none was written.
func (c *Cursors) After(chat string) int64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.chats[chat].written
}

// settle moves the cursors behind the messages that were written a whole period ago.
func (c *Cursors) settle() {
	c.advancing.Lock()
	defer c.advancing.Unlock()
	c.mutex.Lock()
	if c.gone {
		c.mutex.Unlock()
		return
	}
	moves, left := map[string]int64{}, false
	for chat, at := range c.chats {
		if at.confirmed > at.moved {
			at.moved = at.confirmed
			moves[chat] = at.moved
		}
		at.confirmed = at.written
		left = left || at.confirmed > at.moved
		c.chats[chat] = at
	}
	c.timer = nil
	if left {
		c.timer = time.AfterFunc(settlesAfter, c.settle)
	}
	c.mutex.Unlock()
	for chat, to := range moves {
		c.Advance(chat, to)
	}
}

// Leave ends settling, and waits for it. If the client has read everything, the cursors move behind it.
func (c *Cursors) Leave(read bool) {
	c.mutex.Lock()
	c.gone = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mutex.Unlock()
	c.advancing.Lock()
	defer c.advancing.Unlock()
	for chat, at := range c.chats { // nothing changes them any more
		if read && at.written > at.moved {
			c.Advance(chat, at.written)
		}
	}
}
