package checker

import (
	"fmt"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/faults/history"
)

// chatHistory is the history of one chat. Sends and pulls are in the order of their calls.
type chatHistory struct {
	name       string
	sends      []history.Send
	pulls      []history.Pull
	denials    []history.Denial
	intrusions []history.Intrusion
	log        []chat.Message
	shown      []chat.Message
}

func (c chatHistory) fault(kind Kind, format string, args ...any) Fault {
	return Fault{Kind: kind, Chat: c.name, Detail: fmt.Sprintf(format, args...)}
}

// access checks the access rules: senders and readers have it, and intruders do not.
func (c chatHistory) access() []Fault {
	var faults []Fault
	for _, d := range c.denials {
		faults = append(faults, c.fault(Denied, "client %d: %v", d.Client, d.Err))
	}
	for _, i := range c.intrusions {
		if i.Sent == nil {
			faults = append(faults, c.fault(Admitted, "client %d: %q was acknowledged", i.Client, i.Message.Text))
		}
		if i.Pulled == nil {
			faults = append(faults, c.fault(Admitted, "client %d: a page of %d messages was shown", i.Client, i.Messages))
		}
	}
	return faults
}

// intruder reports whether an intruder sent a message.
func (c chatHistory) intruder(text string) bool {
	return slices.ContainsFunc(c.intrusions, func(i history.Intrusion) bool { return i.Message.Text == text })
}

// messages compares every message with its attempts. An acknowledged one is stored exactly once, at its send_time. One
// that was refused each time is not stored. Any other is stored at most once.
func (c chatHistory) messages() []Fault {
	stored := make(map[string][]chat.Message)
	for _, m := range c.log {
		stored[m.Text] = append(stored[m.Text], m)
	}
	attempts := make(map[string][]history.Send)
	var texts []string
	for _, s := range c.sends {
		if attempts[s.Message.Text] == nil {
			texts = append(texts, s.Message.Text)
		}
		attempts[s.Message.Text] = append(attempts[s.Message.Text], s)
	}
	var faults []Fault
	for _, text := range texts {
		faults = append(faults, c.message(attempts[text], stored[text])...)
		delete(stored, text)
	}
	for text, found := range stored {
		if c.intruder(text) {
			faults = append(faults, c.fault(Admitted, "%q is stored at %d", text, found[0].SendTime))
			continue
		}
		faults = append(faults, c.fault(Foreign, "%q at %d was never sent", text, found[0].SendTime))
	}
	return faults
}

func (c chatHistory) message(attempts []history.Send, stored []chat.Message) []Fault {
	var faults []Fault
	text := attempts[0].Message.Text
	if len(stored) > 1 {
		faults = append(faults, c.fault(Doubled, "%q is stored %d times", text, len(stored)))
	}
	asNew, possible := 0, false
	for _, a := range attempts {
		switch a.Outcome {
		case history.Acknowledged:
			faults = append(faults, c.acknowledged(a, stored)...)
			if !a.Duplicate {
				asNew++
			} else if a.Message.ID == "" {
				faults = append(faults, c.fault(FalseDuplicate, "%q has no id, but was called a duplicate", text))
			}
			possible = true
		case history.Unknown:
			possible = true
		}
	}
	if asNew > 1 {
		faults = append(faults, c.fault(Doubled, "%q was acknowledged as new %d times", text, asNew))
	}
	if !possible && len(stored) > 0 {
		faults = append(faults, c.fault(StoredRefused, "%q is at %d: %v", text, stored[0].SendTime, attempts[0].Err))
	}
	for _, m := range stored {
		if sent := attempts[0].Message; m.Sender != sent.Sender || m.ID != sent.ID {
			faults = append(faults, c.fault(Foreign, "%q is stored as sender %q, id %q; it was sent as sender %q, id %q", text, m.Sender, m.ID, sent.Sender, sent.ID))
		}
	}
	return faults
}

func (c chatHistory) acknowledged(a history.Send, stored []chat.Message) []Fault {
	if len(stored) == 0 {
		return []Fault{c.fault(Lost, "%q was acknowledged at %d", a.Message.Text, a.Message.SendTime)}
	}
	for _, m := range stored {
		if m.SendTime == a.Message.SendTime {
			return nil
		}
	}
	return []Fault{c.fault(Moved, "%q was acknowledged at %d and is at %d", a.Message.Text, a.Message.SendTime, stored[0].SendTime)}
}

// order: positions strictly increase in the log, and over each writer's acknowledgements in sequence. A duplicate
// repeats the message's position.
func (c chatHistory) order() []Fault {
	var faults []Fault
	for i := 1; i < len(c.log); i++ {
		before, m := c.log[i-1], c.log[i]
		if m.SendTime == before.SendTime {
			faults = append(faults, c.fault(SharedPosition, "%q and %q are at %d", before.Text, m.Text, m.SendTime))
		} else if m.SendTime < before.SendTime {
			faults = append(faults, c.fault(Reordered, "the log has %q at %d before %q at %d", before.Text, before.SendTime, m.Text, m.SendTime))
		}
	}
	last := make(map[int]chat.Message)
	for _, s := range c.sends {
		if s.Outcome != history.Acknowledged {
			continue
		}
		before, m := last[s.Client], s.Message
		if m.SendTime <= before.SendTime && m.Text != before.Text {
			faults = append(faults, c.fault(Reordered, "client %d sent %q, at %d, and then %q, at %d", s.Client, before.Text, before.SendTime, m.Text, m.SendTime))
		}
		last[s.Client] = m
	}
	return faults
}

// followers: each saw exactly the log from its first cursor to its last one.
func (c chatHistory) followers() []Fault {
	type follower struct {
		from, to int64
		saw      []chat.Message
	}
	clients := make(map[int]*follower)
	for _, p := range c.pulls {
		if !p.Follows {
			continue
		}
		f := clients[p.Client]
		if f == nil {
			f = &follower{from: p.Request.Cursor}
			clients[p.Client] = f
		}
		f.saw = append(f.saw, p.Page.Messages...)
		f.to = p.Page.NextCursor
	}
	var faults []Fault
	for number, f := range clients {
		var want []chat.Message
		for _, m := range c.log {
			if f.from <= m.SendTime && m.SendTime < f.to {
				want = append(want, m)
			}
		}
		faults = append(faults, c.follower(fmt.Sprint("follower ", number), f.saw, want)...)
	}
	return faults
}

// Followed judges a reader of a whole log: it must see exactly the log, in order, nothing twice, nothing missing. name
// is the chat's.
func Followed(name, reader string, saw, log []chat.Message) []Fault {
	return chatHistory{name: name}.follower(reader, saw, log)
}

func (c chatHistory) follower(reader string, saw, want []chat.Message) []Fault {
	var faults []Fault
	places := make(map[chat.Message]int)
	for i, m := range want {
		places[m] = i
	}
	seen := make(map[chat.Message]bool)
	last := -1
	for _, m := range saw {
		place, known := places[m]
		switch {
		case !known:
			faults = append(faults, c.fault(Foreign, "%s saw %q at %d, which is not in the log", reader, m.Text, m.SendTime))
		case seen[m]:
			faults = append(faults, c.fault(ReadTwice, "%s saw %q again", reader, m.Text))
		case place < last:
			faults = append(faults, c.fault(ReadReordered, "%s saw %q after %q", reader, m.Text, want[last].Text))
		}
		if known {
			last = max(last, place)
		}
		seen[m] = true
	}
	for _, m := range want {
		if !seen[m] {
			faults = append(faults, c.fault(ReadNever, "%s never saw %q at %d", reader, m.Text, m.SendTime))
		}
	}
	return faults
}
