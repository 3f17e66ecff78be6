package delivery

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/test/changes"
)

// copied is a client's copy of chats, kept by the rules of docs/api.md for changes.
type copied struct {
	name  string
	mutex sync.Mutex
	next  map[string]int64
	all   map[changes.Place]client.Message
}

func newCopied(name string, chats []string) *copied {
	c := &copied{name: name, next: map[string]int64{}, all: map[changes.Place]client.Message{}}
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
		c.all[changes.Place{Chat: m.Chat, At: m.SendTime}] = m
		if m.Content == nil || m.ReplyTo == 0 {
			return
		}
		parent := changes.Place{Chat: m.Chat, At: m.ReplyTo}
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
	of, known := c.all[changes.Place{Chat: m.Chat, At: m.Ref}]
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
	c.all[changes.Place{Chat: m.Chat, At: m.Ref}] = of
}

func stateOf(m client.Message) client.State {
	if m.State == nil {
		return client.State{}
	}
	return *m.State
}

func (c *copied) states() map[changes.Place]changes.State {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	states := map[changes.Place]changes.State{}
	for p, m := range c.all {
		of := stateOf(m)
		s := changes.State{Text: m.Text, Deleted: of.Deleted != 0, Replies: of.Replies}
		if !s.Deleted {
			by := map[string][]string{}
			for _, r := range of.Reactions {
				by[r.Emoji] = r.Users
			}
			s.Reactions = changes.InWords(by)
		}
		states[p] = s
	}
	return states
}
