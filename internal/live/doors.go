package live

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// doors says who may be in which chats. Pages are read once for all who follow a chat, so that each of them is asked for
// at the door: when she comes, when news says that she may have to leave, and before she gets a page that tells so. The
// last is what holds when the news is lost: the notice of a removal lies in the log before all that comes after it.
type doors struct {
	asked chat.Admission // nil: nobody is asked who she is
}

// asService is for what is read for many.
func (d *doors) asService(ctx context.Context) context.Context {
	if d.asked == nil {
		return ctx
	}
	return chat.WithCaller(ctx, chat.Caller{User: "gateway", Service: true})
}

// enter returns why somebody may not be in a chat, or nil.
func (d *doors) enter(ctx context.Context, by chat.Caller, id chat.ID, name string) error {
	if d.asked == nil {
		return nil
	}
	ask, err := chat.AsksAtDoor(id, name, by)
	if err != nil || !ask {
		return err
	}
	return d.asked.Enter(chat.WithCaller(ctx, by), []string{name})
}

// enterAll is enter for several follows of one caller.
func (d *doors) enterAll(ctx context.Context, follows []*follow) error {
	var names []string
	for _, f := range follows {
		ask, err := chat.AsksAtDoor(f.id, f.wanted.Chat, f.wanted.By)
		if err != nil {
			return err
		}
		if ask {
			names = append(names, f.wanted.Chat)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return d.asked.Enter(chat.WithCaller(ctx, follows[0].wanted.By), names)
}

// unchecked returns a follow and others of its caller that are to be asked for at the door, and takes it that they are:
// news that comes while they are asked has them asked again. A subscription that was interrupted has all of them asked
// together. The mutex is held.
func (s *Session) unchecked(first *follow) []*follow {
	all := []*follow{first}
	alone := first.alone
	first.unchecked, first.alone = false, false
	for _, f := range s.follows {
		if alone || f.alone {
			continue
		}
		if len(all) < maxEnter && f.unchecked && !f.held && f.wanted.By.User == first.wanted.By.User && f.wanted.By.Service == first.wanted.By.Service {
			f.unchecked = false
			all = append(all, f)
		}
	}
	return all
}

// maxEnter is how many chats are asked for with one call.
const maxEnter = 1000

// admit asks for held follows of one caller together, where anybody is asked, and lets them go. Where that cannot be
// answered now they stay held, and the error says so. Where one of them is refused each asks for itself, when something of
// it is to be written.
func (s *Session) admit(ctx context.Context, held []*follow) error {
	for some := range slices.Chunk(held, maxEnter) {
		var names []string
		s.mutex.Lock()
		for _, f := range some {
			f.unchecked = false // news that comes while it is asked has it asked again
			if s.hub.doors.asked == nil {
				continue
			}
			if ask, err := chat.AsksAtDoor(f.id, f.wanted.Chat, f.wanted.By); err != nil {
				f.unchecked = true
			} else if ask && !f.gone {
				names = append(names, f.wanted.Chat)
			}
		}
		s.mutex.Unlock()
		var err error
		if len(names) > 0 {
			err = s.hub.doors.asked.Enter(chat.WithCaller(ctx, some[0].wanted.By), names)
		}
		if err != nil && passing(err) {
			return err
		}
		s.mutex.Lock()
		for _, f := range some {
			f.held, f.unchecked, f.alone = false, f.unchecked || err != nil, err != nil
			s.push(f)
		}
		s.mutex.Unlock()
	}
	return nil
}

// Enter returns why the caller may not be in one of some chats, or nil; for a good answer before Follow, which asks again.
func (h *Hub) Enter(ctx context.Context, names ...string) error {
	if h.doors.asked == nil {
		return nil
	}
	by, _ := chat.CallerOf(ctx)
	var ask []string
	for _, name := range names {
		id, err := chat.ParseID(name)
		if err != nil {
			return err
		}
		unknown, err := chat.AsksAtDoor(id, name, by)
		if err != nil {
			return err
		}
		if unknown {
			ask = append(ask, name)
		}
	}
	if len(ask) == 0 {
		if err := h.doors.good(ctx, by); err != nil && !passing(err) {
			return err
		}
		return nil
	}
	return h.doors.asked.Enter(ctx, ask)
}

// concerns says whether news that members have changed may be about a user.
func concerns(e chat.Event, user string) bool {
	return len(e.Users) == 0 || slices.Contains(e.Users, user)
}

// ousts says whether a page tells that a user may have to leave.
func (p *Page) ousts(user string) bool {
	for i := range p.Messages {
		if p.Messages[i].MayRevoke(user) {
			return true
		}
	}
	return false
}

// ErrExpired ends a session whose token was good until now.
var ErrExpired = chat.Errorf(chat.TokenExpired, "the token has expired; connect again with a new one")

// Expired says whether a caller's token was good until now. In the moment in which it expires it is good no longer, as
// for a request.
func Expired(by chat.Caller) bool { return !by.Expires.IsZero() && !time.Now().Before(by.Expires) }

// ErrDeleted ends a session whose user was deleted.
var ErrDeleted = chat.Errorf(chat.TokenInvalid, "the account was deleted; the token is not valid any more")

// revoke ends the sessions of a user who was deleted.
func (h *Hub) revoke(user string) {
	h.mutex.Lock()
	var all []*Session
	for _, bucket := range h.sessions {
		for s := range bucket {
			all = append(all, s)
		}
	}
	h.mutex.Unlock()
	for _, s := range all {
		s.mutex.Lock()
		if s.by.User == user && !s.by.Service && !s.closed {
			s.revoked = true
			s.run()
		}
		s.mutex.Unlock()
	}
}

// good returns why a caller's token is not good any more, after some time in which nothing was asked.
func (d *doors) good(ctx context.Context, by chat.Caller) error {
	if d.asked == nil || by.User == "" || by.Service {
		return nil
	}
	return d.asked.Enter(chat.WithCaller(ctx, by), []string{chat.SelfChat(by.User).String()})
}

// identify sets whose session it is, and has it end in the moment in which her token expires. The mutex is held.
func (s *Session) identify(by chat.Caller) {
	s.by = by
	if s.expiry != nil {
		s.expiry.Stop()
	}
	if s.expiry = nil; !by.Expires.IsZero() && !s.closed {
		s.expiry = time.AfterFunc(time.Until(by.Expires), s.overdue)
	}
}

// Renew has the session last as long as another token of the same caller: it asks whether the login does, and the account.
func (s *Session) Renew(ctx context.Context, by chat.Caller) error {
	asks := by
	asks.Renews = true
	if err := s.hub.doors.good(ctx, asks); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.by.User != "" { // it follows something
		s.identify(by)
	}
	return nil
}

// overdue has it looked, and again where the clock that tokens are made by was set back meanwhile.
func (s *Session) overdue() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if left := time.Until(s.by.Expires); left > 0 && s.expiry != nil && !s.closed {
		s.expiry.Reset(left)
	}
	s.run()
}

// expire and dismiss say goodbye.
func (s *Session) expire() error { return s.part(ErrExpired) }

func (s *Session) dismiss() error { return s.part(ErrDeleted) }

func (s *Session) part(why error) error {
	return s.Write(func() error {
		_ = s.sink.Refuse("", why)
		return why
	})
}
