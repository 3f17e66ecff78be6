package live

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// people knows whom the users ignore who read through this gateway, and keeps the chats of their inboxes. What changes is
// told in their chats with themselves.
type people struct {
	hub  *Hub
	bell chan struct{} // one element

	mutex sync.Mutex
	users map[string]*person
	stale map[*person]struct{} // of whom something is to be asked
}

// person is a user who reads here. Its mutex guards what is not constant; that of people guards uses.
type person struct {
	people *people
	user   string
	topic  *topic
	uses   int

	mutex   sync.Mutex
	names   map[string]bool // whom she ignores; replaced, never changed
	known   bool            // names is what somebody has answered
	version int             // counts what was set without being asked
	ask     bool            // whom she ignores may have changed
	list    bool            // her list of chats may have
	waiting []*follow       // until it is known
	inboxes map[*inbox]struct{}
}

var _ listener = (*person)(nil)

// join returns the person of a user, or nil for "" and where nobody knows. It is let go with leave.
func (p *people) join(user string) *person {
	if user == "" || p.hub.config.Inboxes == nil {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	one := p.users[user]
	if one == nil {
		one = &person{people: p, user: user, ask: true, inboxes: map[*inbox]struct{}{}}
		p.users[user] = one
		_ = p.hub.join(chat.SelfChat(user), one, &one.topic) // first it hears, and then it asks; for it there is always room
		p.stale[one] = struct{}{}
		ring(p.bell)
	}
	one.uses++
	return one
}

func (p *people) leave(one *person) {
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

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// due has a person asked about.
func (p *people) due(one *person) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.users[one.user] == one {
		p.stale[one] = struct{}{}
		ring(p.bell)
	}
}

// run asks until ctx ends. What could not be answered is asked again soon.
func (p *people) run(ctx context.Context) {
	for {
		again := (<-chan time.Time)(nil)
		if !p.askAll(ctx) {
			again = time.After(retryAfter + rand.N(retryAfter))
		}
		select {
		case <-p.bell:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// askAll returns whether all were answered.
func (p *people) askAll(ctx context.Context) bool {
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

func (*person) hint(int64)        {}
func (*person) look()             {}
func (*person) presence(*Present) {}

// tell takes what has changed. A hint says that something may have.
func (p *person) tell(e chat.Event) {
	p.mutex.Lock()
	switch e.Kind {
	case chat.Listed:
		p.list = true
	case chat.IgnoredChanged:
		p.ask = true
	case chat.Hint:
		p.ask, p.list = true, true
	case chat.MembersChanged: // of her chat with herself: she was deleted
		p.mutex.Unlock()
		if concerns(e, p.user) {
			p.people.hub.revoke(p.user)
		}
		return
	default:
		p.mutex.Unlock()
		return
	}
	p.mutex.Unlock()
	p.people.due(p)
}

// refresh asks what may have changed, and returns whether it was answered.
func (p *person) refresh(ctx context.Context) bool {
	p.mutex.Lock()
	ask, list, version := p.ask, p.list, p.version
	p.ask, p.list = false, false
	inboxes := slices.Collect(maps.Keys(p.inboxes))
	p.mutex.Unlock()
	asked := p.people.hub.config.Inboxes
	ctx = p.people.hub.doors.asService(ctx)
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
		chats, err := asked.Chats(ctx, chat.ChatsRequest{Reader: i.wanted.Reader, Names: true})
		if err == nil {
			err = i.refresh(ctx, chats)
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

// set takes what was answered, unless something was set meanwhile.
func (p *person) set(users []string, version int) bool {
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

// ready says whether it is known whom she ignores. Where it is not, the follow is woken when it is.
func (p *person) ready(f *follow) bool {
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

// ignored is whom she ignores. It must not be changed.
func (p *person) ignored() map[string]bool {
	if p == nil {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.names
}

func (p *person) ignores(user string) bool { return p.ignored()[user] }

// Ignore has the streams here know at once what was answered to a request: what is stored afterwards does not pass.
// Other gateways are told through the user's chat with herself.
func (h *Hub) Ignore(r chat.IgnoreRequest) {
	h.people.mutex.Lock()
	p := h.people.users[r.User]
	h.people.mutex.Unlock()
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.version++ // what is being asked may have been answered before
	names := maps.Clone(p.names)
	if names == nil {
		names = map[string]bool{}
	}
	if names[r.Other] = true; !r.Ignore {
		delete(names, r.Other)
	}
	p.names = names
}
