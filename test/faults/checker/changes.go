package checker

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/changes"
	"github.com/pullchat/pullchat/test/faults/history"
)

// changes compares the final state of each message with the changes in the log. As for messages, each acknowledged
// change must be there once, in its place, and any other at most once.
func (c chatHistory) changes() []Fault {
	sent := map[string]history.Send{} // by text
	for _, s := range c.sends {
		sent[s.Message.Text] = s
	}
	var faults []Fault
	want := changes.New()
	got := map[changes.Place]changes.State{}
	for i, m := range c.shown {
		p, text := changes.Place{Chat: c.name, At: m.SendTime}, c.log[i].Text
		if m.Notice == nil {
			want.Send(p, text, sent[text].ReplyTo)
			got[p] = stateOf(m)
			continue
		}
		made := sent[text].Change
		if !m.Notice.IsChange() || made == nil {
			continue // of the room; or a Foreign one
		}
		if n := m.Notice; n.Event != made.Kind || n.Ref != made.Ref || n.Emoji != made.Emoji {
			faults = append(faults, c.fault(Misapplied, "the entry of %+v is %+v", *made, *n))
		}
		apply(want, *made)
	}
	if difference := changes.Differ(got, want.States()); difference != "" {
		faults = append(faults, c.fault(Misapplied, "%s", difference))
	}
	return faults
}

func apply(to *changes.Model, c chat.Change) {
	switch p := (changes.Place{Chat: c.Chat, At: c.Ref}); c.Kind {
	case chat.MessageEdited:
		to.Edit(p, c.Text)
	case chat.MessageDeleted:
		to.Delete(p)
	case chat.MessageReacted:
		to.React(p, c.Sender, c.Emoji)
	case chat.MessageUnreacted:
		to.Unreact(p, c.Sender, c.Emoji)
	}
}

func stateOf(m chat.Message) changes.State {
	s := changes.State{Text: m.Text}
	if of := m.State; of != nil {
		by := map[string][]string{}
		for _, r := range of.Reactions {
			by[r.Emoji] = r.Users
		}
		s.Deleted, s.Reactions, s.Replies = of.Deleted != 0, changes.InWords(by), of.Replies
	}
	return s
}
