package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestChanges: users send, reply, edit, delete and react at random while servers and Redis are killed. Clients that followed
// all the time, that came and went, and that pull from the beginning end with what was acknowledged to the users.
func TestChanges(t *testing.T) {
	eachMode(t, []string{"off"}, func(t *testing.T, auth *programtest.Auth) {
		redis := redistest.Start(t, "--appendfsync", "always")
		s := startStack(t, auth, redis, direct, neverSwept)
		one := s.faults(t, redis)
		faults := slices.DeleteFunc(slices.Clone(one), func(f fault) bool { return strings.HasPrefix(f.name, "tcp-server") })
		if !long() {
			faults = []fault{inTurn(one, "Redis, kill -9", "rpc-server, kill -9", "http-server, kill -9")}
		}
		for _, f := range faults {
			t.Run(f.name, func(t *testing.T) { changeThrough(t, s, f) })
		}
	})
}

// inTurn is a fault that is each of the named ones, which are kills, one after the other.
func inTurn(all []fault, names ...string) fault {
	var chosen []fault
	for _, name := range names {
		chosen = append(chosen, all[slices.IndexFunc(all, func(f fault) bool { return f.name == name })])
	}
	return fault{
		name: "each, kill -9", times: len(names), hold: 200 * time.Millisecond,
		strike: func(n int) { chosen[n].strike(n) }, heal: func(n int) { chosen[n].heal(n) },
	}
}

func changeThrough(t *testing.T, s *stack, f fault) {
	var chats []string
	for _, name := range s.rooms(t) {
		if !strings.Contains(name, ":") && len(chats) < 4 {
			chats = append(chats, name)
		}
	}
	a, w := newAudience(t, s), newWriting(t, s)
	var followers []*copied
	for i, over := range ofClients {
		for _, comesAndGoes := range []bool{false, true} {
			followers = append(followers, a.copies(i, over, chats, comesAndGoes))
		}
	}
	users := make([]*changing, len(roomWriters))
	stop := make(chan struct{})
	var working sync.WaitGroup
	for i, name := range roomWriters {
		users[i] = &changing{
			writing: w, name: name, chats: chats, all: users, own: map[string][]int64{}, said: map[place]string{}, deleted: map[place]bool{},
			reacted: map[reaction]bool{}, replies: map[place]int{},
		}
	}
	for _, u := range users {
		working.Go(func() { u.work(stop) })
	}
	for number := range f.times {
		<-time.After(300 * time.Millisecond) // of changes
		f.strike(number)
		<-time.After(f.hold)
		f.heal(number)
	}
	<-time.After(300 * time.Millisecond)
	close(stop)
	working.Wait()
	s.alive()
	close(a.calm)

	want := modelOf(users)
	if len(want) == 0 {
		t.Fatal("nothing was written: the test showed nothing")
	}
	fresh := newCopied("client that pulls from the beginning", chats)
	for _, name := range chats {
		for m, err := range w.client.All(t.Context(), client.PullRequest{Chat: name, Limit: 50}) {
			if err != nil {
				t.Fatal(err)
			}
			fresh.take(m)
		}
	}
	if difference := differ(fresh.states(), want); difference != "" {
		t.Errorf("the %s: %s", fresh.name, difference)
	}
	for _, c := range followers {
		late := ""
		for deadline := time.Now().Add(a.patience()); ; <-time.After(10 * time.Millisecond) {
			if late = differ(c.states(), want); late == "" || time.Now().After(deadline) {
				break
			}
		}
		if late != "" {
			t.Errorf("the %s: %s", c.name, late)
		}
	}
	a.leave()
}

// place is a message.
type place struct {
	chat string
	at   int64
}

// state is what a user sees of a message.
type state struct {
	text      string
	deleted   bool
	reactions string // "👍 bob cid", sorted; "" of a deleted message
	replies   int
}

// differ describes a message whose states differ, or returns "".
func differ(got, want map[place]state) string {
	for p, s := range want {
		if got[p] != s {
			return fmt.Sprintf("message %d of %s is %+v, want %+v; %d messages of %d are there", p.at, p.chat, got[p], s, len(got), len(want))
		}
	}
	for p, s := range got {
		if _, known := want[p]; !known {
			return fmt.Sprintf("message %d of %s is %+v, which was never acknowledged", p.at, p.chat, s)
		}
	}
	return ""
}

type reaction struct {
	place
	emoji string
}

// changing is a user who writes and changes messages, one request after the other, and the model of what was acknowledged.
type changing struct {
	*writing
	name  string
	chats []string
	all   []*changing

	mutex   sync.Mutex
	own     map[string][]int64 // positions of messages that are not deleted, by chat
	said    map[place]string
	deleted map[place]bool
	reacted map[reaction]bool
	replies map[place]int
}

func (u *changing) work(stop <-chan struct{}) {
	for number := 0; ; number++ {
		select {
		case <-stop:
			return
		default:
		}
		name := u.chats[rand.IntN(len(u.chats))]
		var err error
		switch own, any := u.choose(name), u.chooseAny(name); {
		case own == 0 || rand.IntN(10) < 4:
			err = u.say(name, fmt.Sprint(u.name, " ", number), 0)
		case rand.IntN(6) == 0:
			err = u.say(name, fmt.Sprint(u.name, " replies ", number), any)
		case rand.IntN(5) < 2:
			err = u.edit(place{name, own}, fmt.Sprint(u.name, " edits ", number))
		case rand.IntN(4) == 0:
			err = u.remove(place{name, own})
		default:
			err = u.react(place{name, any}, []string{"👍", "🎉"}[rand.IntN(2)])
		}
		// A message that another user deletes at the same time cannot be changed: nothing was stored.
		if answered, ok := errors.AsType[*client.Error](err); err != nil && !(ok && answered.Status >= 400 && answered.Status < 429) {
			u.t.Errorf("%s: %v", u.name, err)
			return
		}
	}
}

func (u *changing) choose(name string) int64 {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if len(u.own[name]) == 0 {
		return 0
	}
	return u.own[name][rand.IntN(len(u.own[name]))]
}

func (u *changing) chooseAny(name string) int64 {
	if at := u.all[rand.IntN(len(u.all))].choose(name); at != 0 {
		return at
	}
	return u.choose(name)
}

func (u *changing) ctx() context.Context { return programtest.As(context.Background(), u.name) }

func (u *changing) say(name, text string, replyTo int64) error {
	m := client.Message{Chat: name, Sender: u.name, Text: text}
	if replyTo != 0 {
		m.Content = &client.Content{ReplyTo: replyTo}
	}
	receipt, err := u.client.Send(u.ctx(), m)
	if err != nil {
		return err
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.own[name] = append(u.own[name], receipt.SendTime)
	u.said[place{name, receipt.SendTime}] = text
	if replyTo != 0 {
		u.replies[place{name, replyTo}]++
	}
	return nil
}

func (u *changing) change(p place) client.Change {
	return client.Change{Chat: p.chat, SendTime: p.at, Sender: u.name}
}

func (u *changing) edit(p place, text string) error {
	_, err := u.client.Edit(u.ctx(), u.change(p), text)
	if err == nil {
		u.said[p] = text
	}
	return err
}

func (u *changing) remove(p place) error {
	_, err := u.client.Delete(u.ctx(), u.change(p))
	if err != nil {
		return err
	}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.deleted[p] = true
	u.own[p.chat] = slices.DeleteFunc(u.own[p.chat], func(at int64) bool { return at == p.at })
	return nil
}

// react reacts, or takes the reaction back.
func (u *changing) react(p place, emoji string) error {
	r := reaction{p, emoji}
	there := u.reacted[r]
	do := u.client.React
	if there {
		do = u.client.Unreact
	}
	_, err := do(u.ctx(), u.change(p), emoji)
	if err == nil {
		u.reacted[r] = !there
	}
	return err
}

// modelOf is what all users were told of, together.
func modelOf(users []*changing) map[place]state {
	model := map[place]state{}
	for _, u := range users {
		for p, text := range u.said {
			model[p] = state{text: text}
		}
	}
	reactions := map[place]map[string][]string{}
	for _, u := range users {
		for p, count := range u.replies {
			s := model[p]
			s.replies += count
			model[p] = s
		}
		for r, there := range u.reacted {
			if there {
				if reactions[r.place] == nil {
					reactions[r.place] = map[string][]string{}
				}
				reactions[r.place][r.emoji] = append(reactions[r.place][r.emoji], u.name)
			}
		}
	}
	for p, by := range reactions {
		s := model[p]
		s.reactions = inWords(by)
		model[p] = s
	}
	for _, u := range users {
		for p := range u.deleted {
			model[p] = state{deleted: true, replies: model[p].replies}
		}
	}
	return model
}

// inWords is a text of reactions: users by emoji.
func inWords(by map[string][]string) string {
	var all []string
	for _, emoji := range slices.Sorted(maps.Keys(by)) {
		if users := slices.Sorted(slices.Values(by[emoji])); len(users) > 0 {
			all = append(all, emoji+" "+strings.Join(users, " "))
		}
	}
	return strings.Join(all, ", ")
}

// copied is a client's copy of chats, kept by what docs/api.md says of changes.
type copied struct {
	name  string
	mutex sync.Mutex
	next  map[string]int64
	all   map[place]client.Message
}

func newCopied(name string, chats []string) *copied {
	c := &copied{name: name, next: map[string]int64{}, all: map[place]client.Message{}}
	for _, name := range chats {
		c.next[name] = 0
	}
	return c
}

// copies follows chats until the audience ends. A client that comes and goes continues from its cursors.
func (a *audience) copies(number int, over client.Transport, chats []string, comesAndGoes bool) *copied {
	name := "client that follows over " + transportNames[over]
	if comesAndGoes {
		name = "client that comes and goes over " + transportNames[over]
	}
	c := newCopied(name, chats)
	a.group.Go(func() {
		for ; a.ctx.Err() == nil; number++ {
			ctx, leave := context.WithCancel(a.ctx)
			if comesAndGoes {
				time.AfterFunc(50*time.Millisecond+rand.N(400*time.Millisecond), a.unlessCalm(leave))
			}
			transport := &http.Transport{MaxIdleConnsPerHost: len(chats)}
			follower := a.stack.client(a.t, watching, strings.Join(a.stack.bases, ","), transport, client.WithPolicy(client.Policy{MaxWait: 200 * time.Millisecond}))
			c.mutex.Lock()
			request := client.FollowRequest{Chats: maps.Clone(c.next), Over: over}
			c.mutex.Unlock()
			for m, err := range follower.Follow(ctx, request) {
				if err != nil {
					if ctx.Err() == nil {
						a.t.Errorf("the %s: %v", c.name, err)
						leave()
						return
					}
					break
				}
				c.take(m)
			}
			leave()
			transport.CloseIdleConnections()
		}
	})
	return c
}

// take applies an entry.
func (c *copied) take(m client.Message) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.next[m.Chat] = m.SendTime + 1
	if m.Notice != nil && m.Kind == "" {
		return // of a room
	}
	if m.Notice == nil {
		c.all[place{m.Chat, m.SendTime}] = m
		if m.Content == nil || m.ReplyTo == 0 {
			return
		}
		parent := place{m.Chat, m.ReplyTo}
		of := c.all[parent]
		if stateOf(of).LastReply < m.SendTime { // otherwise it was counted when the parent came
			changed := stateOf(of)
			changed.Replies++
			changed.LastReply = m.SendTime
			of.State = &changed
			c.all[parent] = of
		}
		return
	}
	of, known := c.all[place{m.Chat, m.Ref}]
	if !known {
		return
	}
	changed := stateOf(of)
	switch m.Kind {
	case "edit":
		of.Text, changed.Edited = m.Text, stateOf(m).Edited
		if m.Erased {
			changed.Deleted = m.SendTime
		}
	case "delete":
		of.Text, changed.Deleted, changed.Reactions = "", m.SendTime, nil
	case "react", "unreact":
		changed.Reactions = stateOf(m).Reactions
	}
	of.State = &changed
	c.all[place{m.Chat, m.Ref}] = of
}

func stateOf(m client.Message) client.State {
	if m.State == nil {
		return client.State{}
	}
	return *m.State
}

func (c *copied) states() map[place]state {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	states := map[place]state{}
	for p, m := range c.all {
		of := stateOf(m)
		s := state{text: m.Text, deleted: of.Deleted != 0, replies: of.Replies}
		if !s.deleted {
			by := map[string][]string{}
			for _, r := range of.Reactions {
				by[r.Emoji] = r.Users
			}
			s.reactions = inWords(by)
		}
		states[p] = s
	}
	return states
}
