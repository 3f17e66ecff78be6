package live

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// This file decides the next write of a session: heartbeats first, then pages and news in turns. A session has at most
// one delivering goroutine, and none while it has nothing to write.

// news is a transient event of a chat, delivered at most once.
type news struct {
	follow *follow
	event  chat.Event
}

// maxNews bounds the signals and movements that wait for a slow client. Beyond it the oldest are dropped.
const maxNews = 16

// beat schedules a heartbeat, unless a write is in progress.
func (s *Session) beat() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.beats = true
	s.run()
}

// wake schedules a follow for delivery.
func (s *Session) wake(f *follow) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.push(f)
}

// push schedules a follow, unless it is held. The mutex is held.
func (s *Session) push(f *follow) {
	if f.gone || f.held || s.closed {
		return
	}
	if !f.queued {
		f.queued = true
		s.ready = append(s.ready, f)
	}
	s.run()
}

// run starts the delivering goroutine, unless it runs. The mutex is held.
func (s *Session) run() {
	if !s.running && !s.closed {
		s.running = true
		s.hub.running.Go(s.deliver)
	}
}

// deliver writes until nothing is left to write.
func (s *Session) deliver() {
	for {
		write, more := s.next(time.Now())
		if !more {
			return
		}
		if err := s.survive(write); err != nil {
			s.end(err)
		}
	}
}

// survive converts a panic into an error; nothing else would recover it.
func (s *Session) survive(write func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.hub.config.Log.Error("panic", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = ErrPanicked
		}
	}()
	return write()
}

// next returns the next write. If nothing is due, the delivering goroutine ends.
func (s *Session) next(now time.Time) (write func() error, more bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.closed:
	case Expired(s.by): // before any write; on a machine that slept, also before the timer
		return s.expire, true
	case s.revoked:
		return s.dismiss, true
	case s.beats:
		s.beats = false
		return func() error { return s.Write(s.sink.Beat) }, true
	case len(s.news) > 0 && !s.told:
		return s.nextNews(), true
	default:
		if write := s.nextFollow(now); write != nil {
			s.told = false
			return write, true
		}
		if len(s.news) > 0 {
			return s.nextNews(), true
		}
	}
	s.running = false
	if len(s.ready) == 0 {
		s.ready = nil // frees the memory: most sessions are idle for long
	}
	return nil, false
}

// nextNews takes the oldest news. Pages and news alternate, so that signals cannot delay messages. The mutex is held.
func (s *Session) nextNews() func() error {
	n := s.news[0]
	s.news = slices.Delete(s.news, 0, 1)
	s.told = true
	return func() error { return s.tell(n) }
}

// nextFollow takes the first follow that is due. If none is, it returns nil and sets a timer. The mutex is held.
func (s *Session) nextFollow(now time.Time) func() error {
	var first time.Time // when the first is due
	for i, f := range s.ready {
		if f.present != nil || !f.due.After(now) {
			s.ready = slices.Delete(s.ready, i, i+1)
			f.queued = false
			return f.deliver
		}
		if first.IsZero() || f.due.Before(first) {
			first = f.due
		}
	}
	if !first.IsZero() {
		s.wakeAt(first.Sub(now))
	}
	return nil
}

// wakeAt schedules another look at follows that are not due yet. The mutex is held.
func (s *Session) wakeAt(after time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(after, s.look)
	} else {
		s.timer.Reset(after)
	}
}

// look starts the delivering goroutine if there may be something to write.
func (s *Session) look() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.run()
}

func (s *Session) tell(n news) error {
	return s.Write(func() error {
		s.mutex.Lock()
		unchecked := n.follow.unchecked
		s.mutex.Unlock()
		if unchecked { // it came during a check, which must be repeated
			return nil
		}
		return n.follow.unlessGone(func() error { return s.sink.Tell(n.follow.wanted.Chat, n.event) })
	})
}
