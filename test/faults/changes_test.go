package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/test/faults/history"
)

// shared are messages that any writer may answer and react to, by chat. They are never deleted.
type shared struct {
	mutex    sync.Mutex
	messages map[string][]int64
}

func (s *shared) add(m chat.Message) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.messages[m.Chat] = append(s.messages[m.Chat], m.SendTime)
}

// last returns the newest messages of a chat, which most writers choose from at once.
func (s *shared) last(name string) []int64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := s.messages[name]
	return slices.Clone(all[max(0, len(all)-3):])
}

// faces of writers: each reacts with its own, so that those who share a user do not react for each other.
var faces = []string{
	"😀", "😁", "😂", "😃", "😄", "😅", "😆", "😇", "😈", "😉", "😊", "😋", "😌", "😍", "😎", "😏",
	"😐", "😑", "😒", "😓", "😔", "😕", "😖", "😗", "😘", "😙", "😚", "😛", "😜", "😝", "😞", "😟",
}

// alter makes a change, or sends an answer, until it is known to be stored. Each has an id. It is false if there is nothing to
// change yet.
func (a *actor) alter(name string, n int, stop <-chan struct{}) bool {
	theirs := a.shared.last(name)
	if len(a.own) == 0 || len(theirs) == 0 {
		return false
	}
	mine, at := a.random.IntN(len(a.own)), theirs[a.random.IntN(len(theirs))]
	id := fmt.Sprint(writer(a.number), "/", n)
	c := chat.Change{Chat: name, Sender: a.user(name), ID: id, Ref: a.own[mine].SendTime}
	switch dice := a.random.IntN(10); {
	case dice < 2:
		m := chat.Message{Chat: name, Sender: c.Sender, Text: id, ID: id, Content: &chat.Content{ReplyTo: at}}
		a.deliver(true, func() history.Send { return a.send(m) }, stop)
		return true
	case dice < 5:
		c.Kind, c.Text = chat.MessageEdited, fmt.Sprint(a.own[mine].Text, ", edited as ", id)
	case dice < 6:
		c.Kind = chat.MessageDeleted
		a.own = slices.Delete(a.own, mine, mine+1) // even if the outcome stays unknown
	case dice < 8 && len(a.reacted) > 0:
		c.Kind, c.Ref, c.Emoji = chat.MessageUnreacted, a.reacted[0].Ref, a.reacted[0].Emoji
		a.reacted = a.reacted[1:]
	default:
		c.Kind, c.Ref, c.Emoji = chat.MessageReacted, at, faces[a.number%len(faces)]
		if slices.Contains(a.tried, at) { // it may be there already
			c.Ref = a.own[mine].SendTime
			c.Kind, c.Text, c.Emoji = chat.MessageEdited, fmt.Sprint(a.own[mine].Text, ", edited as ", id), ""
			break
		}
		a.tried = append(a.tried, at)
	}
	_, ok := a.deliver(true, func() history.Send { return a.change(c) }, stop)
	if ok && c.Kind == chat.MessageReacted {
		a.reacted = append(a.reacted, c)
	}
	return true
}

func (a *actor) change(c chat.Change) history.Send {
	ctx, cancel := context.WithTimeout(programtest.As(context.Background(), c.Sender), callTimeout)
	defer cancel()
	return a.recorder.Change(ctx, a.number, a.service().(chat.Changes), c)
}
