package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/test/faults/history"
)

// load is clients that write to and read from chats, and record it. A client is bound to no server: after any failure
// it moves to the next one.
type load struct {
	services []chat.Service // the same service, through several servers
	chats    []string
	seed     uint64

	writers   int           // of each chat
	followers int           // of each chat; each reads from the beginning, without end
	lookers   int           // of each chat; each reads a page from anywhere
	pace      time.Duration // between a client's actions
	messages  int           // of each writer; 0 means until the end
	// strangers: chats are closed, for conversations to their two users and for rooms to members. Other users try to
	// enter.
	strangers bool
	shared    *shared // messages that writers may change
}

const (
	callTimeout  = 3 * time.Second // a client gives up; the servers answer within two seconds
	maxAttempts  = 8               // of one message
	quietTimeout = 30 * time.Second
)

// run lets the clients work while during runs, or until each has sent its messages where during is nil. Then no fault
// is left: writers end, followers read to the end, and the logs are read.
func (l load) run(t *testing.T, recorder *history.Recorder, during func()) history.History {
	t.Helper()
	stop, quiet := make(chan struct{}), make(chan struct{})
	var writers, readers sync.WaitGroup
	number := 0
	l.shared = &shared{messages: map[string][]int64{}}
	next := func() *actor {
		number++
		return &actor{load: l, recorder: recorder, number: number, random: rand.New(rand.NewPCG(l.seed, uint64(number)))}
	}
	for _, name := range l.chats {
		if l.strangers {
			a := next()
			readers.Go(func() { a.intrude(name, quiet) })
		}
		for range l.writers {
			a := next()
			writers.Go(func() { a.write(name, stop) })
		}
		for range l.followers {
			a := next()
			readers.Go(func() { a.follow(name, quiet) })
		}
		for range l.lookers {
			a := next()
			readers.Go(func() { a.look(name, quiet) })
		}
	}
	if during != nil {
		during()
		close(stop)
	}
	writers.Wait()
	close(quiet)
	readers.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), quietTimeout)
	defer cancel()
	for deadline := time.Now().Add(recoverWithin()); ; {
		h, err := recorder.Finish(ctx, number+1, l.services[0], l.reader)
		if err == nil {
			return h
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v after all was well again: %v", recoverWithin(), err)
		}
	}
}

// actor is one client: a writer or reader. Its own random numbers make its choices repeatable.
type actor struct {
	load
	recorder *history.Recorder
	number   int
	calls    int
	random   *rand.Rand
	own      []chat.Message // acknowledged, with an id, and not deleted
	reacted  []chat.Change  // acknowledged, and not taken back
	tried    []int64        // messages to which it has tried to react
}

// service is the actor's present server.
func (a *actor) service() chat.Service { return a.services[(a.number+a.calls)%len(a.services)] }

// wait waits for the next action. It returns false when there is none.
func (a *actor) wait(end <-chan struct{}) bool {
	timer := time.NewTimer(a.pace/2 + time.Duration(a.random.Int64N(int64(a.pace)+1)))
	defer timer.Stop()
	select {
	case <-end:
		return false
	case <-timer.C:
		return true
	}
}

// user is a client's name in a chat: one of its two users, or a name of its own.
func (a *actor) user(name string) string {
	if first, second, pair := strings.Cut(name, ":"); pair {
		return []string{first, second}[a.number%2]
	}
	return writer(a.number)
}

// writer is a client's name in a room.
func writer(number int) string { return "w" + strconv.Itoa(number) }

// members are the names of all clients with access to a room.
func (l load) members() []string {
	var all []string
	for number := range len(l.chats)*(1+l.writers+l.followers+l.lookers) + 1 {
		all = append(all, writer(number))
	}
	return all
}

// reader is a user with access to a chat.
func (l load) reader(name string) string {
	switch first, _, pair := strings.Cut(name, ":"); {
	case pair:
		return first
	case slices.Contains(l.chats, name):
		return writer(1)
	}
	return probing
}

// intrude tries to send and to read without access.
func (a *actor) intrude(name string, stop <-chan struct{}) {
	for n := 1; a.wait(stop); n++ {
		ctx, cancel := context.WithTimeout(programtest.As(context.Background(), stranger), 2*callTimeout)
		a.recorder.Intrude(ctx, a.number, a.service(), chat.Message{Chat: name, Sender: stranger, Text: fmt.Sprint(stranger, "/", n)})
		cancel()
		a.calls++
	}
}

// stranger is a user without access to any chat.
const stranger = "stranger"

// write sends one message after the other, every second one with an id. Where the service has changes, every third step
// is one, or an answer.
func (a *actor) write(name string, stop <-chan struct{}) {
	for n := 1; (a.messages == 0 || n <= a.messages) && a.wait(stop); n++ {
		if _, changes := a.service().(chat.Changes); changes && n%3 == 0 && a.alter(name, n, stop) {
			continue
		}
		m := chat.Message{Chat: name, Sender: a.user(name), Text: fmt.Sprint(writer(a.number), "/", n)}
		if n%2 == 0 {
			m.ID = m.Text
		}
		if stored, ok := a.deliver(m.ID != "", func() history.Send { return a.send(m) }, stop); ok && m.ID != "" {
			a.own = append(a.own, stored)
		} else if ok {
			a.shared.add(stored)
		}
	}
}

// deliver repeats one attempt until its message is known to be stored, as a careful client does, and returns it. It usually
// retries after a refusal. After an unknown outcome it retries only with an id. Sometimes it repeats a stored message.
func (a *actor) deliver(id bool, attempt func() history.Send, stop <-chan struct{}) (stored chat.Message, ok bool) {
	for range maxAttempts {
		switch s := attempt(); s.Outcome {
		case history.Acknowledged:
			if id && a.random.IntN(8) == 0 {
				attempt()
			}
			return s.Message, true
		case history.Unknown:
			if !id {
				return s.Message, false
			}
		case history.Refused:
			if a.random.IntN(3) == 0 { // and then it must never be seen
				return s.Message, false
			}
		}
		a.calls++
		if !a.wait(stop) {
			break
		}
	}
	return chat.Message{}, false
}

func (a *actor) send(m chat.Message) history.Send {
	ctx, cancel := context.WithTimeout(programtest.As(context.Background(), m.Sender), callTimeout)
	defer cancel()
	return a.recorder.Send(ctx, a.number, a.service(), m)
}

func (a *actor) pull(r chat.PullRequest, follows bool) (chat.Page, bool) {
	ctx, cancel := context.WithTimeout(programtest.As(context.Background(), a.user(r.Chat)), callTimeout)
	defer cancel()
	page, err := a.recorder.Pull(ctx, a.number, a.service(), r, follows)
	if err != nil {
		a.calls++
	}
	return page, err == nil
}

// follow reads a chat from the beginning. When the load has ended it reads to the end.
func (a *actor) follow(name string, quiet <-chan struct{}) {
	request := chat.PullRequest{Chat: name}
	for working := true; ; {
		working = working && a.wait(quiet)
		request.Limit = 1 + a.random.Int64N(20)
		page, ok := a.pull(request, true)
		if !ok {
			continue
		}
		if !working && page.NextCursor <= request.Cursor {
			return
		}
		request.Cursor = page.NextCursor
	}
}

// look reads pages of the newest messages, in either direction, from random positions that it has seen.
func (a *actor) look(name string, quiet <-chan struct{}) {
	seen := []int64{0}
	for a.wait(quiet) {
		request := chat.PullRequest{Chat: name, Limit: 1 + a.random.Int64N(20), Reverse: true}
		if cursor := seen[a.random.IntN(len(seen))]; a.random.IntN(2) == 0 && cursor > 0 {
			request.Cursor, request.Reverse = cursor, a.random.IntN(2) == 0
		}
		if page, ok := a.pull(request, false); ok && len(page.Messages) > 0 {
			seen = append(seen, page.Messages[0].SendTime)
			seen = seen[max(0, len(seen)-10):]
		}
	}
}
