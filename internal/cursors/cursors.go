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
func (r *Cursors) Wrote(chat string, next int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.chats == nil {
		r.chats = map[string]reading{}
	}
	at := r.chats[chat]
	at.written = max(at.written, next)
	r.chats[chat] = at
	if r.timer == nil && !r.gone {
		r.timer = time.AfterFunc(settlesAfter, r.settle)
	}
}

// After is the position after what has been written here; 0 if nothing has.
func (r *Cursors) After(chat string) int64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.chats[chat].written
}

// settle moves the cursors behind what was written a whole period ago.
func (r *Cursors) settle() {
	r.advancing.Lock()
	defer r.advancing.Unlock()
	r.mutex.Lock()
	if r.gone {
		r.mutex.Unlock()
		return
	}
	moves, left := map[string]int64{}, false
	for chat, at := range r.chats {
		if at.confirmed > at.moved {
			at.moved = at.confirmed
			moves[chat] = at.moved
		}
		at.confirmed = at.written
		left = left || at.confirmed > at.moved
		r.chats[chat] = at
	}
	r.timer = nil
	if left {
		r.timer = time.AfterFunc(settlesAfter, r.settle)
	}
	r.mutex.Unlock()
	for chat, to := range moves {
		r.Advance(chat, to)
	}
}

// Leave ends settling, and waits for it. If the client has read everything, the cursors move behind it.
func (r *Cursors) Leave(read bool) {
	r.mutex.Lock()
	r.gone = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mutex.Unlock()
	r.advancing.Lock()
	defer r.advancing.Unlock()
	for chat, at := range r.chats { // nothing changes them any more
		if read && at.written > at.moved {
			r.Advance(chat, at.written)
		}
	}
}
