package live

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// localUsers caches the ignored users of the readers of this gateway, and updates their inboxes. Events in the users' self-chats
// announce changes.
type localUsers struct {
	hub  *Hub
	wake chan struct{} // one element

	mutex sync.Mutex
	users map[string]*localUser
	stale map[*localUser]struct{} // to query
}

// localUser is a user who reads here. Its mutex guards the fields that change; that of localUsers guards uses.
type localUser struct {
	localUsers *localUsers
	user       string
	chat       *followedChat
	uses       int

	mutex   sync.Mutex
	names   map[string]bool // the user's ignored users; replaced, never changed
	known   bool            // names has been read
	version int             // counts updates by Ignore
	ask     bool            // the ignored users may have changed
	list    bool            // the list of chats may have changed
	waiting []*follow       // follows that wait until known
	inboxes map[*inbox]struct{}
}

var _ listener = (*localUser)(nil)

// join returns the localUser of a user, or nil for "" and without Inboxes. Call leave to release it.
func (l *localUsers) join(user string) *localUser {
	if user == "" || l.hub.config.Inboxes == nil {
		return nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	one := l.users[user]
	if one == nil {
		one = &localUser{localUsers: l, user: user, ask: true, inboxes: map[*inbox]struct{}{}}
		l.users[user] = one
		_ = l.hub.join(chat.SelfChat(user), one, &one.chat) // joins before the query; self-chats have no limit
		l.stale[one] = struct{}{}
		events.Ring(l.wake)
	}
	one.uses++
	return one
}

func (l *localUsers) leave(one *localUser) {
	if one == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if one.uses--; one.uses == 0 {
		delete(l.users, one.user)
		delete(l.stale, one)
		l.hub.leave(one.chat, one)
	}
}

// due schedules a query for a user.
func (l *localUsers) due(one *localUser) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.users[one.user] == one {
		l.stale[one] = struct{}{}
		events.Ring(l.wake)
	}
}

// run queries until ctx ends, and retries failed queries soon.
func (l *localUsers) run(ctx context.Context) {
	for {
		again := (<-chan time.Time)(nil)
		if !l.askAll(ctx) {
			again = time.After(retryAfter + rand.N(retryAfter))
		}
		select {
		case <-l.wake:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// askAll reports whether all queries succeeded.
func (l *localUsers) askAll(ctx context.Context) bool {
	l.mutex.Lock()
	stale := slices.Collect(maps.Keys(l.stale))
	clear(l.stale)
	l.mutex.Unlock()
	var asking sync.WaitGroup
	slots := make(chan struct{}, askAtOnce)
	var mutex sync.Mutex
	all := true
	for _, one := range stale {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			if !one.refresh(ctx) {
				mutex.Lock()
				all = false
				mutex.Unlock()
				l.mutex.Lock()
				if l.users[one.user] == one {
					l.stale[one] = struct{}{}
				}
				l.mutex.Unlock()
			}
		})
	}
	asking.Wait()
	return all
}

func (*localUser) hint(int64)        {}
func (*localUser) look()             {}
func (*localUser) presence(*Present) {}

// tell handles an event of the self-chat. A hint means that something may have changed.
func (u *localUser) tell(e chat.Event) {
	u.mutex.Lock()
	switch e.Kind {
	case chat.Listed:
		u.list = true
	case chat.IgnoredChanged:
		u.ask = true
	case chat.Hint:
		u.ask, u.list = true, true
	case chat.MembersChanged: // in a self-chat: the user was deleted or suspended
		u.mutex.Unlock()
		if concerns(e, u.user) {
			u.localUsers.hub.revoke(u.user)
		}
		return
	default:
		u.mutex.Unlock()
		return
	}
	u.mutex.Unlock()
	u.localUsers.due(u)
}

// refresh queries the data that may have changed, and reports whether that succeeded.
func (u *localUser) refresh(ctx context.Context) bool {
	u.mutex.Lock()
	ask, list, version := u.ask, u.list, u.version
	u.ask, u.list = false, false
	inboxes := slices.Collect(maps.Keys(u.inboxes))
	u.mutex.Unlock()
	asked := u.localUsers.hub.config.Inboxes
	ctx = u.localUsers.hub.admission.asService(ctx)
	answered := true
	if ask {
		users, err := asked.Ignored(ctx, u.user)
		if err != nil || !u.set(users, version) {
			answered = false
			u.mutex.Lock()
			u.ask = true
			u.mutex.Unlock()
		}
	}
	if !list {
		return answered
	}
	for _, i := range inboxes {
		since := i.renamed()
		chats, err := asked.Chats(ctx, chat.ChatsRequest{Reader: i.wanted.Reader, Names: true})
		if err == nil {
			err = i.refresh(ctx, chats, since)
		}
		if err != nil && !passing(err) {
			i.refuse(err)
		} else if err != nil {
			answered = false
			u.mutex.Lock()
			u.list = true
			u.mutex.Unlock()
		}
	}
	return answered
}

// set stores the result of a query, unless Ignore changed it meanwhile.
func (u *localUser) set(users []string, version int) bool {
	names := make(map[string]bool, len(users))
	for _, user := range users {
		names[user] = true
	}
	u.mutex.Lock()
	if u.version != version {
		u.mutex.Unlock()
		return false
	}
	u.names, u.known = names, true
	waiting := u.waiting
	u.waiting = nil
	u.mutex.Unlock()
	for _, f := range waiting {
		f.session.wake(f)
	}
	return true
}

// ready reports whether the ignored users are known. If not, it wakes the follow once they are.
func (u *localUser) ready(f *follow) bool {
	if u == nil {
		return true
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if !u.known {
		u.waiting = append(slices.DeleteFunc(u.waiting, func(other *follow) bool { return other == f || other.gone }), f)
	}
	return u.known
}

// ignored returns the user's ignored users. The map must not be changed.
func (u *localUser) ignored() map[string]bool {
	if u == nil {
		return nil
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return u.names
}

func (u *localUser) ignores(user string) bool { return u.ignored()[user] }

// Ignore applies an answered request to the streams here at once, so that later messages are hidden. Other gateways learn
// of it through the user's self-chat.
func (h *Hub) Ignore(r chat.IgnoreRequest) {
	h.localUsers.mutex.Lock()
	p := h.localUsers.users[r.User]
	h.localUsers.mutex.Unlock()
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.version++ // a query in flight may have an older result
	names := maps.Clone(p.names)
	if names == nil {
		names = map[string]bool{}
	}
	if names[r.Other] = true; !r.Ignore {
		delete(names, r.Other)
	}
	p.names = names
}
