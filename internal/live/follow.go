package live

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// follow is one chat of a session. The session's mutex guards the fields that change.
type follow struct {
	session   *Session
	id        chat.ID
	wanted    Follow
	chat      *followedChat // set before it can be woken
	localUser *localUser    // the reader whose ignored users apply; nil for none
	inbox     *inbox        // that it is of, or nil
	title     chat.Title    // of an inbox's chat
	named     int           // the inbox's renames when a notice named the chat last

	cursor int64
	seen   int64     // the chat's changes that the last page has included
	owed   bool      // a page is due without a hint: at the start, and if there is more
	due    time.Time // the time of the next read
	queued bool      // in Session.ready
	gone   bool      // the follow has ended
	// deleted: the room was deleted. It is set only if callers are not checked.
	deleted bool
	// unchecked: the access must be checked before the next write.
	unchecked bool
	alone     bool     // it is checked alone, because a check with others was refused
	last      bool     // the list has the chat no more: it ends where the log does
	held      bool     // nothing is written until all chats of its inbox are followed and checked
	present   *Present // the presence to write, or nil
	knows     *Present // the presence written last
}

var _ listener = (*follow)(nil)

// Check returns the error of an invalid Follow; id is its chat's.
func (w Follow) Check(id chat.ID) error {
	if w.Cursor < 0 || w.Cursor > chat.MaxCursor {
		return chat.Errorf(chat.InvalidArgument, "cursor is %d; it must be between 0 and %d", w.Cursor, int64(chat.MaxCursor))
	}
	if err := chat.CheckLimit(w.Limit); err != nil {
		return err
	}
	if w.Batch < 0 || w.Batch > maxWait {
		return chat.Errorf(chat.InvalidArgument, "batch is %v; it must be between 0s and %v", w.Batch, maxWait)
	}
	if w.Reader == "" {
		return nil
	}
	return chat.CheckReader(id, w.Chat, w.Reader)
}

func (f *follow) hint(position int64) {
	f.session.mutex.Lock()
	defer f.session.mutex.Unlock()
	if position >= f.cursor {
		f.session.push(f)
	}
}

func (f *follow) look() { f.session.wake(f) }

func (f *follow) tell(e chat.Event) {
	if e.Kind == chat.Signalled && f.localUser.ignores(e.Signal.Sender) {
		return
	}
	s := f.session
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if f.gone || s.closed {
		return
	}
	if e.Kind == chat.MembersChanged {
		if s.hub.admission.asked == nil && e.Deleted {
			f.deleted = true
			s.push(f)
		}
		if s.hub.admission.asked != nil && concerns(e, f.wanted.By.User) {
			f.unchecked, f.due = true, time.Time{}
			s.push(f)
		}
		return
	}
	if f.unchecked || f.held {
		return
	}
	if len(s.news) == maxNews {
		s.news = slices.Delete(s.news, 0, 1)
	}
	s.news = append(s.news, news{f, e})
	s.run()
}

func (f *follow) presence(p *Present) {
	if !f.wanted.Presence {
		return
	}
	f.session.mutex.Lock()
	defer f.session.mutex.Unlock()
	if f.knows != nil && slices.Equal(f.knows.Readers, p.Readers) {
		return
	}
	f.present, f.knows = p, p
	f.session.push(f)
}

// unlessGone runs write unless the follow has ended; it is called within Session.Write.
func (f *follow) unlessGone(write func() error) error {
	f.session.mutex.Lock()
	gone := f.gone
	f.session.mutex.Unlock()
	if gone {
		return nil
	}
	return write()
}

// leave stops following the chat.
func (f *follow) leave() {
	f.session.hub.present.leaveOne(f.chat, f.wanted)
	f.session.hub.leave(f.chat, f)
	f.session.hub.localUsers.leave(f.localUser)
}

// admit checks the access if that is due. A follow that has ended may still be in a queue.
func (f *follow) admit() error {
	s := f.session
	s.mutex.Lock()
	if f.deleted && !f.gone {
		s.mutex.Unlock()
		return chat.RoomDeleted(f.id)
	}
	if !f.unchecked || f.gone {
		s.mutex.Unlock()
		return nil
	}
	all := s.unchecked(f)
	s.mutex.Unlock()
	if len(all) > 1 && s.hub.admission.enterAll(context.Background(), all) == nil {
		return nil
	}
	s.mutex.Lock()
	for _, other := range all[1:] {
		other.unchecked, other.alone = true, true
	}
	s.mutex.Unlock()
	err := s.hub.admission.enter(context.Background(), f.wanted.By, f.id, f.wanted.Chat)
	if err != nil {
		f.doubt()
	}
	return err
}

// doubt requires a check before the next write.
func (f *follow) doubt() {
	f.session.mutex.Lock()
	defer f.session.mutex.Unlock()
	f.unchecked = f.session.hub.admission.asked != nil
}

// deliver writes the presence if it is due, and the next page if there is one.
func (f *follow) deliver() error {
	s := f.session
	if err := f.admit(); err != nil {
		return f.failed(err)
	}
	s.mutex.Lock()
	if f.gone || s.closed {
		s.mutex.Unlock()
		return nil
	}
	present := f.present
	f.present = nil
	cursor, seen, owed, early, last := f.cursor, f.seen, f.owed, f.due.After(time.Now()), f.last
	s.mutex.Unlock()
	if present != nil {
		if err := s.Write(func() error { return f.unlessGone(func() error { return s.sink.Presence(f.wanted.Chat, present) }) }); err != nil {
			return err
		}
	}
	if !owed && !f.chat.ahead(cursor, seen) {
		return nil
	}
	if early { // presence does not wait for due
		s.wake(f)
		return nil
	}
	if !f.localUser.ready(f) { // the person wakes the follow when ready
		return nil
	}
	page, err := f.chat.page(context.Background(), pageRequest{f.wanted.Chat, cursor, f.wanted.Limit}, !owed)
	if err != nil {
		return f.failed(err)
	}
	if page.mayRevoke(f.wanted.By.User) { // before ignored users are left out, because one may have made the change
		f.doubt()
		if err := f.admit(); err != nil {
			return f.failed(err)
		}
	}
	return s.Write(func() error { return f.write(page.without(f.localUser.ignored()), !owed, last) })
}

// finish ends the follow behind the present end of the log: the notice of the reader's leaving may be there, not
// written yet.
func (f *follow) finish() {
	f.session.mutex.Lock()
	defer f.session.mutex.Unlock()
	if f.last {
		return
	}
	f.last, f.owed, f.due = true, true, time.Time{}
	f.unchecked = f.session.hub.admission.asked != nil
	f.session.push(f)
}

// write writes a page and advances, unless the follow has ended. hinted says that a hint is why it is written, and last that
// the follow ends if there is nothing.
func (f *follow) write(page *Page, hinted, last bool) error {
	s := f.session
	s.mutex.Lock()
	if f.gone {
		s.mutex.Unlock()
		return nil
	}
	last = last && f.last // else the list has the chat again
	ends := last && page.NextCursor == f.cursor && !page.HasMore
	more := page.HasMore || last && !ends // a page that was kept may end too early
	f.cursor, f.seen, f.owed = page.NextCursor, page.seen, more
	if len(page.Messages) > 0 && f.wanted.Batch > 0 {
		f.due = time.Now().Add(f.wanted.Batch)
	}
	if f.inbox != nil {
		s.moved = append(slices.DeleteFunc(s.moved, func(other *follow) bool { return other == f || other.gone }), f)
		s.moved = s.moved[max(0, len(s.moved)-maxMoved):]
	}
	if more {
		s.push(f)
	}
	stale := f.rename(page)
	title := f.title
	s.mutex.Unlock()
	if ends {
		s.drop(f)
		return nil
	}
	if stale {
		f.inbox.again()
	}
	if len(page.Messages) > 0 {
		if err := s.sink.Page(page, title, s.positions); err != nil {
			return err
		}
		if timed, ok := s.sink.(Timed); ok && hinted && f.wanted.Batch == 0 {
			timed.Delivered(time.Since(time.UnixMicro(page.Messages[0].SendTime)))
		}
	}
	if f.chat.ahead(page.NextCursor, page.seen) {
		s.wake(f)
	}
	return nil
}

// rename takes the room's name from a page's last notice of one. Where more of the log follows, a later name may be known
// already: then stale says that the list is to be read again. The session's mutex is held.
func (f *follow) rename(page *Page) (stale bool) {
	if f.inbox == nil {
		return false
	}
	for _, message := range slices.Backward(page.Messages) {
		notice := message.Notice
		if notice == nil || notice.Event != chat.RoomRenamed {
			continue
		}
		if !page.HasMore {
			f.inbox.renames++
			f.title.Name, f.named = notice.Name, f.inbox.renames
		}
		return page.HasMore
	}
	return false
}

// Between retries of a pull that failed.
const (
	retryAfter  = 200 * time.Millisecond
	retryWithin = time.Second
)

// passing reports whether a failure is temporary.
func passing(err error) bool {
	switch chat.CodeOf(err) {
	case chat.Unavailable, chat.DeadlineExceeded, chat.Internal, chat.ResourceExhausted:
		return true
	}
	return false
}

// failed schedules a retry of a temporary failure.
func (f *follow) failed(err error) error {
	s := f.session
	if passing(err) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		f.owed = true
		f.due = time.Now().Add(retryAfter + rand.N(retryWithin))
		s.push(f)
		return nil
	}
	return s.Write(func() error {
		return f.unlessGone(func() error {
			s.drop(f)
			if chat.CodeOf(err) == chat.NotFound {
				if err := s.sink.Tell(f.wanted.Chat, chat.Event{Chat: f.id, Kind: chat.RoomGone}); err != nil {
					return err
				}
			}
			if f.inbox != nil { // the chat has left the inbox, which continues
				return nil
			}
			return s.sink.Refuse(f.wanted.Chat, err)
		})
	})
}
