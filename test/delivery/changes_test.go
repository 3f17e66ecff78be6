package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/test/changes"
)

// TestChanges: users send, reply, edit, delete and react at random while servers and Redis are killed. Clients that
// followed all the time, that came and went, and that pull from the beginning end with the acknowledged changes.
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
	done, stop := newDone(), make(chan struct{})
	var working sync.WaitGroup
	for i, name := range roomWriters {
		users[i] = &changing{
			writing: w, done: done, name: name, chats: chats, all: users, reacted: map[reaction]bool{}, own: map[string][]int64{},
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
	select {
	case <-done.each:
	case <-time.After(a.patience()):
		t.Errorf("no user was told of %v: the test shows less than it should", done.left())
	}
	close(stop)
	working.Wait()
	s.alive()
	close(a.calm)

	want := done.States()
	for _, u := range users {
		for _, p := range u.refused {
			if !want[p].Deleted {
				t.Errorf("%s could not change message %d of %s, which was not deleted", u.name, p.At, p.Chat)
			}
		}
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
	if difference := changes.Differ(fresh.states(), want); difference != "" {
		t.Errorf("the %s: %s", fresh.name, difference)
	}
	for _, c := range followers {
		late := ""
		for deadline := time.Now().Add(a.patience()); ; <-time.After(10 * time.Millisecond) {
			if late = changes.Differ(c.states(), want); late == "" || time.Now().After(deadline) {
				break
			}
		}
		if late != "" {
			t.Errorf("the %s: %s", c.name, late)
		}
	}
	a.leave()
}

// done has the changes that were acknowledged to all users.
type done struct {
	*changes.Model
	each chan struct{} // closed once every kind of change was acknowledged

	mutex   sync.Mutex
	missing []string
}

func newDone() *done {
	return &done{Model: changes.New(), each: make(chan struct{}), missing: []string{"edit", "delete", "react", "unreact", "reply"}}
}

// note notes an acknowledged change of a kind.
func (d *done) note(kind string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if i := slices.Index(d.missing, kind); i >= 0 {
		if d.missing = slices.Delete(d.missing, i, i+1); len(d.missing) == 0 {
			close(d.each)
		}
	}
}

// left returns the kinds that were not acknowledged yet.
func (d *done) left() []string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return slices.Clone(d.missing)
}

// reaction is one of a user's.
type reaction struct {
	changes.Place
	emoji string
}

// changing is a user who writes and changes messages, one request after the other.
type changing struct {
	*writing
	done  *done
	name  string
	chats []string
	all   []*changing

	reacted map[reaction]bool
	refused []changes.Place // because the message was deleted

	mutex sync.Mutex
	own   map[string][]int64 // positions of messages that are not deleted, by chat
}

func (u *changing) work(stop <-chan struct{}) {
	for number := 0; ; number++ {
		select {
		case <-stop:
			return
		default:
		}
		name := u.chats[rand.IntN(len(u.chats))]
		own, any := u.choose(name), u.chooseAny(name)
		mine, theirs := changes.Place{Chat: name, At: own}, changes.Place{Chat: name, At: any}
		var err error
		switch {
		case own == 0 || rand.IntN(10) < 4:
			err = u.say(name, fmt.Sprint(u.name, " ", number), 0)
		case rand.IntN(6) == 0:
			err = u.unlessDeleted(theirs, u.say(name, fmt.Sprint(u.name, " replies ", number), any))
		case rand.IntN(5) < 2:
			err = u.edit(mine, fmt.Sprint(u.name, " edits ", number))
		case rand.IntN(4) == 0:
			err = u.remove(mine)
		default:
			err = u.unlessDeleted(theirs, u.react(theirs, []string{"👍", "🎉"}[rand.IntN(2)]))
		}
		if err != nil {
			u.t.Errorf("%s: %v", u.name, err)
			return
		}
	}
}

// unlessDeleted notes the answer about a message that another user has deleted meanwhile, and returns any other error.
func (u *changing) unlessDeleted(p changes.Place, err error) error {
	if answered, ok := errors.AsType[*client.Error](err); ok && answered.Code == "not_found" {
		u.refused = append(u.refused, p)
		return nil
	}
	return err
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
	u.done.Send(changes.Place{Chat: name, At: receipt.SendTime}, text, replyTo)
	if replyTo != 0 {
		u.done.note("reply")
	}
	return nil
}

func (u *changing) change(p changes.Place) client.Change {
	return client.Change{Chat: p.Chat, SendTime: p.At, Sender: u.name}
}

func (u *changing) edit(p changes.Place, text string) error {
	if _, err := u.client.Edit(u.ctx(), u.change(p), text); err != nil {
		return err
	}
	u.done.Edit(p, text)
	u.done.note("edit")
	return nil
}

func (u *changing) remove(p changes.Place) error {
	if _, err := u.client.Delete(u.ctx(), u.change(p)); err != nil {
		return err
	}
	u.done.Delete(p)
	u.done.note("delete")
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.own[p.Chat] = slices.DeleteFunc(u.own[p.Chat], func(at int64) bool { return at == p.At })
	return nil
}

// react reacts, or takes the reaction back.
func (u *changing) react(p changes.Place, emoji string) error {
	r := reaction{p, emoji}
	if u.reacted[r] {
		if _, err := u.client.Unreact(u.ctx(), u.change(p), emoji); err != nil {
			return err
		}
		u.done.Unreact(p, u.name, emoji)
		u.done.note("unreact")
	} else {
		if _, err := u.client.React(u.ctx(), u.change(p), emoji); err != nil {
			return err
		}
		u.done.React(p, u.name, emoji)
		u.done.note("react")
	}
	u.reacted[r] = !u.reacted[r]
	return nil
}
