package live

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// This file decides what a session writes next. At most one goroutine of a session delivers, and there is none while
// nothing is to be written: heartbeats first, then pages and news in turns.

// news is something that has happened in a chat and is told once, or never.
type news struct {
	follow *follow
	event  chat.Event
}

// maxNews is how many signals and movements wait for a client that is slow. Then the oldest go.
const maxNews = 16

// beat has a heartbeat written unless something else is being written.
func (s *Session) beat() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.beats = true
	s.run()
}

// wake has a follow looked at.
func (s *Session) wake(f *follow) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.push(f)
}

// push has a follow looked at, unless it is held. The mutex is held.
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

// run starts a goroutine that delivers, unless there is one. The mutex is held.
func (s *Session) run() {
	if !s.running && !s.closed {
		s.running = true
		s.hub.running.Go(s.deliver)
	}
}

// deliver writes what there is until there is nothing more.
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

// survive makes an error of a panic: the goroutine is nobody's but the session's.
func (s *Session) survive(write func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.hub.config.Log.Error("panic", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = ErrPanicked
		}
	}()
	return write()
}

// next returns what is to be written next. Where there is nothing, or nothing yet, the goroutine that delivers ends.
func (s *Session) next(now time.Time) (write func() error, more bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.closed:
	case Expired(s.by): // whatever there is to write: of a machine that slept, also before the timer
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
		s.ready = nil // most sessions are idle for long
	}
	return nil, false
}

// nextNews takes the oldest news. Pages take turns with them, so that no number of signals keeps messages back. The mutex
// is held.
func (s *Session) nextNews() func() error {
	n := s.news[0]
	s.news = slices.Delete(s.news, 0, 1)
	s.told = true
	return func() error { return s.tell(n) }
}

// nextFollow takes the first follow that is due, or returns nil and looks again when one is. The mutex is held.
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

// wakeAt looks again at what was not due yet. The mutex is held.
func (s *Session) wakeAt(after time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(after, s.look)
	} else {
		s.timer.Reset(after)
	}
}

// look has it seen whether there is something to write.
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
		if unchecked { // it came while somebody was asked at the door, and that has to be done anew
			return nil
		}
		return n.follow.unlessGone(func() error { return s.sink.Tell(n.follow.wanted.Chat, n.event) })
	})
}
