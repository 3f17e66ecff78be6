package live

import (
	"context"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// admission checks which callers may follow which chats. Followers of a chat share its pages, so each follower is checked
// separately: at the start, when news says that access may be lost, and before a page that says so. The last check works
// also when the news is lost: the notice of a removal is in the log before all later messages.
type admission struct {
	asked chat.Admission // nil: callers are anonymous, and not checked
}

// asService returns a context for shared reads, which a service makes.
func (a *admission) asService(ctx context.Context) context.Context {
	if a.asked == nil {
		return ctx
	}
	return chat.WithCaller(ctx, chat.Caller{User: "gateway", Service: true})
}

// enter returns nil if the caller may enter the chat, or the error.
func (a *admission) enter(ctx context.Context, by chat.Caller, id chat.ID, name string) error {
	if a.asked == nil {
		return nil
	}
	ask, err := chat.NeedsEnter(id, name, by)
	if err != nil || !ask {
		return err
	}
	return a.asked.Enter(chat.WithCaller(ctx, by), []string{name})
}

// enterAll is enter for several follows of one caller.
func (a *admission) enterAll(ctx context.Context, follows []*follow) error {
	var names []string
	for _, f := range follows {
		ask, err := chat.NeedsEnter(f.id, f.wanted.Chat, f.wanted.By)
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
	return a.asked.Enter(chat.WithCaller(ctx, follows[0].wanted.By), names)
}

// unchecked returns a follow and others of its caller that must be checked, and marks them as checked, so that news during
// the check marks them again. After an interruption all follows are checked together. The mutex is held.
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

// maxEnter bounds the chats that one call checks.
const maxEnter = 1000

// admit checks held follows of one caller together, if callers are checked, and releases them. If the check is not possible
// now, they stay held and admit returns the error. If one of them is refused, each is checked alone before its next
// write.
func (s *Session) admit(ctx context.Context, held []*follow) error {
	for some := range slices.Chunk(held, maxEnter) {
		var names []string
		s.mutex.Lock()
		for _, f := range some {
			f.unchecked = false // news during the check sets it again
			if s.hub.admission.asked == nil {
				continue
			}
			if ask, err := chat.NeedsEnter(f.id, f.wanted.Chat, f.wanted.By); err != nil {
				f.unchecked = true
			} else if ask && !f.gone {
				names = append(names, f.wanted.Chat)
			}
		}
		s.mutex.Unlock()
		var err error
		if len(names) > 0 {
			err = s.hub.admission.asked.Enter(chat.WithCaller(ctx, some[0].wanted.By), names)
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

// Enter returns nil if the caller may enter all of the chats, or the error. Gateways call it for an early answer; Follow
// checks again.
func (h *Hub) Enter(ctx context.Context, names ...string) error {
	if h.admission.asked == nil {
		return nil
	}
	by, _ := chat.CallerOf(ctx)
	var ask []string
	for _, name := range names {
		id, err := chat.ParseID(name)
		if err != nil {
			return err
		}
		unknown, err := chat.NeedsEnter(id, name, by)
		if err != nil {
			return err
		}
		if unknown {
			ask = append(ask, name)
		}
	}
	if len(ask) == 0 {
		if err := h.admission.good(ctx, by); err != nil && !passing(err) {
			return err
		}
		return nil
	}
	return h.admission.asked.Enter(ctx, ask)
}

// Admit sets the caller of follows, and checks the caller's access to all of them.
func (h *Hub) Admit(ctx context.Context, follows []Follow) error {
	by, _ := chat.CallerOf(ctx)
	names := make([]string, len(follows))
	for i := range follows {
		if _, err := chat.ActingReader(ctx, follows[i].Reader); err != nil {
			return err
		}
		follows[i].By = by
		names[i] = follows[i].Chat
	}
	return h.Enter(ctx, names...)
}

// concerns reports whether MembersChanged may affect a user.
func concerns(e chat.Event, user string) bool {
	return len(e.Users) == 0 || slices.Contains(e.Users, user)
}

// mayRevoke reports whether a page says that a user may have lost access.
func (p *Page) mayRevoke(user string) bool {
	for i := range p.Messages {
		if p.Messages[i].MayRevoke(user) {
			return true
		}
	}
	return false
}

// ErrExpired ends a session whose token has expired.
var ErrExpired = chat.Errorf(chat.TokenExpired, "the token has expired; connect again with a new one")

// Expired reports whether a caller's token has expired. At its expiry the token is already invalid, as for a request.
func Expired(by chat.Caller) bool { return !by.Expires.IsZero() && !time.Now().Before(by.Expires) }

// ErrRevoked ends a session whose user was deleted or suspended. A request tells which.
var ErrRevoked = chat.Errorf(chat.TokenInvalid, "the account was deleted or suspended; the token is not valid any more")

// revoke ends the sessions of a deleted or suspended user.
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

// good returns nil if a caller's token is still valid, or the error. Long waits call it before they answer.
func (a *admission) good(ctx context.Context, by chat.Caller) error {
	if a.asked == nil || by.User == "" || by.Service {
		return nil
	}
	return a.asked.Enter(chat.WithCaller(ctx, by), []string{chat.SelfChat(by.User).String()})
}

// identify sets the session's caller, and ends the session when the caller's token expires. The mutex is held.
func (s *Session) identify(by chat.Caller) {
	s.by = by
	if s.expiry != nil {
		s.expiry.Stop()
	}
	if s.expiry = nil; !by.Expires.IsZero() && !s.closed {
		s.expiry = time.AfterFunc(time.Until(by.Expires), s.overdue)
	}
}

// Renew extends the session to the expiry of another token of the same caller. It checks that the login and the account
// still exist.
func (s *Session) Renew(ctx context.Context, by chat.Caller) error {
	asks := by
	asks.Renews = true
	if err := s.hub.admission.good(ctx, asks); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.by.User != "" { // it follows something
		s.identify(by)
	}
	return nil
}

// overdue checks the expiry, and waits again if the clock was set back meanwhile.
func (s *Session) overdue() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if left := time.Until(s.by.Expires); left > 0 && s.expiry != nil && !s.closed {
		s.expiry.Reset(left)
	}
	s.run()
}

// expire and dismiss end the session with an error.
func (s *Session) expire() error { return s.part(ErrExpired) }

func (s *Session) dismiss() error { return s.part(ErrRevoked) }

func (s *Session) part(why error) error {
	return s.Write(func() error {
		_ = s.sink.Refuse("", why)
		return why
	})
}
