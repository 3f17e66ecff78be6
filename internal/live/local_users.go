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
	topic      *topic
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
func (p *localUsers) join(user string) *localUser {
	if user == "" || p.hub.config.Inboxes == nil {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	one := p.users[user]
	if one == nil {
		one = &localUser{localUsers: p, user: user, ask: true, inboxes: map[*inbox]struct{}{}}
		p.users[user] = one
		_ = p.hub.join(chat.SelfChat(user), one, &one.topic) // joins before the query; self-chats have no limit
		p.stale[one] = struct{}{}
		events.Ring(p.wake)
	}
	one.uses++
	return one
}

func (p *localUsers) leave(one *localUser) {
	if one == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if one.uses--; one.uses == 0 {
		delete(p.users, one.user)
		delete(p.stale, one)
		p.hub.leave(one.topic, one)
	}
}

// due schedules a query for a user.
func (p *localUsers) due(one *localUser) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.users[one.user] == one {
		p.stale[one] = struct{}{}
		events.Ring(p.wake)
	}
}

// run queries until ctx ends, and retries failed queries soon.
func (p *localUsers) run(ctx context.Context) {
	for {
		again := (<-chan time.Time)(nil)
		if !p.askAll(ctx) {
			again = time.After(retryAfter + rand.N(retryAfter))
		}
		select {
		case <-p.wake:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// askAll reports whether all queries succeeded.
func (p *localUsers) askAll(ctx context.Context) bool {
	p.mutex.Lock()
	stale := slices.Collect(maps.Keys(p.stale))
	clear(p.stale)
	p.mutex.Unlock()
	var asking sync.WaitGroup
	room := make(chan struct{}, askAtOnce)
	var mutex sync.Mutex
	all := true
	for _, one := range stale {
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			if !one.refresh(ctx) {
				mutex.Lock()
				all = false
				mutex.Unlock()
				p.mutex.Lock()
				if p.users[one.user] == one {
					p.stale[one] = struct{}{}
				}
				p.mutex.Unlock()
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
func (p *localUser) tell(e chat.Event) {
	p.mutex.Lock()
	switch e.Kind {
	case chat.Listed:
		p.list = true
	case chat.IgnoredChanged:
		p.ask = true
	case chat.Hint:
		p.ask, p.list = true, true
	case chat.MembersChanged: // in a self-chat: the user was deleted or suspended
		p.mutex.Unlock()
		if concerns(e, p.user) {
			p.localUsers.hub.revoke(p.user)
		}
		return
	default:
		p.mutex.Unlock()
		return
	}
	p.mutex.Unlock()
	p.localUsers.due(p)
}

// refresh queries the data that may have changed, and reports whether that succeeded.
func (p *localUser) refresh(ctx context.Context) bool {
	p.mutex.Lock()
	ask, list, version := p.ask, p.list, p.version
	p.ask, p.list = false, false
	inboxes := slices.Collect(maps.Keys(p.inboxes))
	p.mutex.Unlock()
	asked := p.localUsers.hub.config.Inboxes
	ctx = p.localUsers.hub.admission.asService(ctx)
	answered := true
	if ask {
		users, err := asked.Ignored(ctx, p.user)
		if err != nil || !p.set(users, version) {
			answered = false
			p.mutex.Lock()
			p.ask = true
			p.mutex.Unlock()
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
			p.mutex.Lock()
			p.list = true
			p.mutex.Unlock()
		}
	}
	return answered
}

// set stores the result of a query, unless Ignore changed it meanwhile.
func (p *localUser) set(users []string, version int) bool {
	names := make(map[string]bool, len(users))
	for _, user := range users {
		names[user] = true
	}
	p.mutex.Lock()
	if p.version != version {
		p.mutex.Unlock()
		return false
	}
	p.names, p.known = names, true
	waiting := p.waiting
	p.waiting = nil
	p.mutex.Unlock()
	for _, f := range waiting {
		f.session.wake(f)
	}
	return true
}

// ready reports whether the ignored users are known. If not, it wakes the follow once they are.
func (p *localUser) ready(f *follow) bool {
	if p == nil {
		return true
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.known {
		p.waiting = append(slices.DeleteFunc(p.waiting, func(other *follow) bool { return other == f || other.gone }), f)
	}
	return p.known
}

// ignored returns the user's ignored users. The map must not be changed.
func (p *localUser) ignored() map[string]bool {
	if p == nil {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.names
}

func (p *localUser) ignores(user string) bool { return p.ignored()[user] }

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
