package live

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Sink writes to one client. One goroutine at a time calls its methods, which may take long: messages meanwhile wait in the
// log. An error ends the session.
type Sink interface {
	// Page writes a page that has messages. title is the display name of an inbox's chat. positions returns the client's
	// position in each of its chats after the page.
	Page(page *Page, title chat.Title, positions func() []Position) error
	// Tell writes a signal or a reader's movement; chat is as the client names it.
	Tell(chat string, e chat.Event) error
	// Presence writes the present readers of a chat.
	Presence(chat string, p *Present) error
	// Refuse writes why the session does not follow a chat any more.
	Refuse(chat string, err error) error
	// Beat writes a heartbeat.
	Beat() error
}

// Timed is a Sink that is told of delays.
type Timed interface {
	// Delivered is told the age of the oldest message of a page that was written as soon as a hint told of it.
	Delivered(age time.Duration)
}

// Position is a client's cursor in a chat.
type Position struct {
	Chat   string // the client's name for it
	Cursor int64
}

// Follow asks for a chat.
type Follow struct {
	Chat     string
	Cursor   int64
	Limit    int64         // messages in a page; 0 is manyMessages
	Reader   string        // the reader who counts as present, or ""
	By       chat.Caller   // the caller, if the Hub has Admission
	Presence bool          // send presence
	Batch    time.Duration // at most one page in this time; 0 is no limit
}

// manyMessages is the default limit of a page: pending messages are sent together.
const manyMessages = 100

// Session is all that one client follows over one connection. It is safe for concurrent use.
type Session struct {
	hub    *Hub
	sink   Sink
	ended  func(error)
	bucket int
	share  Share // of the client's followed chats

	writing  sync.Mutex // guards the sink; taken before the others
	changing sync.Mutex // held while follows change; taken before mutex

	mutex   sync.Mutex
	follows []*follow // in the client's order
	moved   []*follow // at most maxMoved follows of the inbox that have had a page, the latest last
	inbox   *inbox    // or nil
	ready   []*follow // follows that may have something to write
	news    []news
	told    bool // the last write was news
	beats   bool // a heartbeat is due
	by      chat.Caller
	revoked bool // the caller's account was deleted or suspended
	running bool // the delivering goroutine runs
	timer   *time.Timer
	expiry  *time.Timer // fires when the caller's token expires; nil without one
	closed  bool
}

// Open begins a session. If the session ends before Close, because of a failed write or a stopping server, it calls ended
// once. ended must not block.
func (h *Hub) Open(sink Sink, ended func(error)) *Session {
	return h.OpenWithin(unbounded{}, sink, ended)
}

// OpenWithin is Open for a client that has a share.
func (h *Hub) OpenWithin(share Share, sink Sink, ended func(error)) *Session {
	s := &Session{hub: h, sink: sink, ended: ended, bucket: rand.IntN(beats), share: share}
	h.mutex.Lock()
	h.sessions[s.bucket][s] = struct{}{}
	drained := h.drained
	h.mutex.Unlock()
	if drained {
		s.end(ErrDraining)
	}
	return s
}

// Close ends the session and waits for the write in progress.
func (s *Session) Close() {
	s.shut()
	s.writing.Lock()   // the delivering goroutine has seen that the session is closed
	s.writing.Unlock() //nolint:staticcheck // an empty section is a wait
	_ = s.UnfollowInbox()
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mutex.Lock()
	follows := s.follows
	s.follows, s.moved = nil, nil
	s.mutex.Unlock()
	s.share.Add(-len(follows))
	for _, f := range follows {
		f.leave()
	}
}

// shut stops new work. It returns false if the session was shut already.
func (s *Session) shut() bool {
	s.hub.mutex.Lock()
	delete(s.hub.sessions[s.bucket], s)
	s.hub.mutex.Unlock()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	for _, timer := range []*time.Timer{s.timer, s.expiry} {
		if timer != nil {
			timer.Stop()
		}
	}
	return true
}

// end shuts the session with an error. Close releases its resources.
func (s *Session) end(err error) {
	if s.shut() {
		s.ended(err)
	}
}

// Write runs write between two writes of the session. The error is that of write, or that the session has ended.
func (s *Session) Write(write func() error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mutex.Lock()
	closed := s.closed
	s.mutex.Unlock()
	if closed {
		return errEnded
	}
	return write()
}

// WriteAnyway is Write also after the end of the session, for answers to earlier requests.
func (s *Session) WriteAnyway(write func() error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return write()
}

var errEnded = chat.Errorf(chat.Unavailable, "the connection is about to close")

// user is the reader's user, whose ignored users are hidden.
func (f Follow) user() string {
	if f.Reader == "" && !f.By.Service {
		return f.By.User
	}
	return chat.UserOf(f.Reader)
}

// Follow begins to follow a chat. If the session follows it already, it continues from the new cursor.
func (s *Session) Follow(wanted Follow) error {
	id, err := chat.ParseID(wanted.Chat)
	if err == nil {
		err = wanted.Check(id)
	}
	if err != nil {
		return err
	}
	if wanted.Limit == 0 {
		wanted.Limit = manyMessages
	}
	f := &follow{session: s, id: id, wanted: wanted, cursor: wanted.Cursor, seen: -1, owed: true, unchecked: s.hub.admission.asked != nil}
	s.changing.Lock()
	defer s.changing.Unlock()
	before, err := s.put(f)
	if err != nil {
		return err
	}
	f.localUser = s.hub.localUsers.join(wanted.user())
	if err := s.hub.join(id, f, &f.chat); err != nil { // from now on it hears, and only then it pulls
		s.forget(f)
		s.hub.localUsers.leave(f.localUser)
		if before != nil {
			before.leave()
		}
		return err
	}
	s.hub.present.join(f.chat, wanted)
	if before != nil {
		before.leave()
	}
	s.wake(f)
	return nil
}

// put adds a follow to the others, or puts it in the place of the one of the same chat, which it returns.
func (s *Session) put(f *follow) (before *follow, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if i := s.find(f.id); i >= 0 {
		before, s.follows[i] = s.follows[i], f
		before.gone = true
	} else {
		if err := s.share.Take(); err != nil {
			return nil, err
		}
		s.follows = append(s.follows, f)
	}
	s.identify(f.wanted.By)
	return before, nil
}

// forget takes back a follow that has not begun.
func (s *Session) forget(f *follow) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if i := slices.Index(s.follows, f); i >= 0 {
		s.follows = slices.Delete(s.follows, i, i+1)
		s.share.Add(-1)
	}
}

// Unfollow ends the follow of a chat. After the next Write nothing of the chat is written. It does nothing for a chat that
// the session does not follow.
func (s *Session) Unfollow(name string) error {
	id, err := chat.ParseID(name)
	if err != nil {
		return err
	}
	s.mutex.Lock()
	var f *follow
	if i := s.find(id); i >= 0 {
		f = s.follows[i]
	}
	s.mutex.Unlock()
	if f != nil {
		s.drop(f)
	}
	return nil
}

// drop ends a follow, unless it has ended.
func (s *Session) drop(f *follow) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.remove(f)
}

// remove is drop while changing is held.
func (s *Session) remove(f *follow) {
	s.mutex.Lock()
	i := slices.Index(s.follows, f)
	if i >= 0 {
		f.gone = true
		s.follows = slices.Delete(s.follows, i, i+1)
	}
	s.mutex.Unlock()
	if i >= 0 {
		s.share.Add(-1)
		f.leave()
	}
}

// Follows returns the number of followed chats, without those of the inbox.
func (s *Session) Follows() (n int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, f := range s.follows {
		if f.inbox == nil {
			n++
		}
	}
	return n
}

// Has reports whether the session follows a chat, under any of its names.
func (s *Session) Has(name string) bool {
	id, err := chat.ParseID(name)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return err == nil && s.find(id) >= 0
}

// find returns the index of a chat's follow, or -1.
func (s *Session) find(id chat.ID) int {
	return slices.IndexFunc(s.follows, func(f *follow) bool { return f.id == id })
}

// positions returns the client's cursors: of an inbox, those of the chats that moved last.
func (s *Session) positions() []Position {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	positions := make([]Position, 0, len(s.follows))
	for _, f := range s.follows {
		if f.inbox == nil {
			positions = append(positions, Position{Chat: f.wanted.Chat, Cursor: f.cursor})
		}
	}
	for _, f := range s.moved {
		if !f.gone {
			positions = append(positions, Position{Chat: f.wanted.Chat, Cursor: f.cursor})
		}
	}
	return positions
}
