// Package changes is a model of messages that are edited, deleted, answered and reacted to. Tests compare it with
// clients' views.
package changes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Place is where a message is.
type Place struct {
	Chat string
	At   int64
}

// State is a user's view of a message.
type State struct {
	Text      string
	Deleted   bool
	Reactions string // as of InWords; "" of a deleted message
	Replies   int
}

// Model has the messages that were sent, and their changes. Messages are edited by one user, and each user's changes of a message
// are told in their order; then the order of different users does not matter. It is safe for concurrent use.
type Model struct {
	mutex    sync.Mutex
	messages map[Place]*message
}

type message struct {
	text    string
	said    bool
	deleted bool
	replies int
	reacted map[string][]string // users by emoji
}

// New returns a Model without messages.
func New() *Model { return &Model{messages: map[Place]*message{}} }

// with changes the message at a place. A change may be told before the message.
func (m *Model) with(p Place, change func(*message)) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.messages[p] == nil {
		m.messages[p] = &message{reacted: map[string][]string{}}
	}
	change(m.messages[p])
}

// Send adds a message, which answers the one at replyTo; 0 is none.
func (m *Model) Send(p Place, text string, replyTo int64) {
	m.with(p, func(of *message) { of.text, of.said = text, true })
	if replyTo != 0 {
		m.with(Place{p.Chat, replyTo}, func(of *message) { of.replies++ })
	}
}

// Edit replaces a text.
func (m *Model) Edit(p Place, text string) { m.with(p, func(of *message) { of.text = text }) }

// Delete deletes a message.
func (m *Model) Delete(p Place) { m.with(p, func(of *message) { of.deleted = true }) }

// React adds a user's reaction.
func (m *Model) React(p Place, user, emoji string) {
	m.Unreact(p, user, emoji)
	m.with(p, func(of *message) { of.reacted[emoji] = append(of.reacted[emoji], user) })
}

// Unreact takes a user's reaction back.
func (m *Model) Unreact(p Place, user, emoji string) {
	m.with(p, func(of *message) {
		of.reacted[emoji] = slices.DeleteFunc(of.reacted[emoji], func(name string) bool { return name == user })
	})
}

// States returns the State of each message.
func (m *Model) States() map[Place]State {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	states := map[Place]State{}
	for p, of := range m.messages {
		switch {
		case of.said && of.deleted:
			states[p] = State{Deleted: true, Replies: of.replies}
		case of.said:
			states[p] = State{Text: of.text, Reactions: InWords(of.reacted), Replies: of.replies}
		}
	}
	return states
}

// InWords is a text of reactions, "👍 bob cid", sorted, of the users by emoji.
func InWords(by map[string][]string) string {
	var all []string
	for _, emoji := range slices.Sorted(maps.Keys(by)) {
		if users := slices.Sorted(slices.Values(by[emoji])); len(users) > 0 {
			all = append(all, emoji+" "+strings.Join(users, " "))
		}
	}
	return strings.Join(all, ", ")
}

// Differ describes a message whose states differ, or returns "".
func Differ(got, want map[Place]State) string {
	for p, s := range want {
		if got[p] != s {
			return fmt.Sprintf("message %d of %s is %+v, want %+v; %d messages of %d are there", p.At, p.Chat, got[p], s, len(got), len(want))
		}
	}
	for p, s := range got {
		if _, known := want[p]; !known {
			return fmt.Sprintf("message %d of %s is %+v, which was never acknowledged", p.At, p.Chat, s)
		}
	}
	return ""
}
