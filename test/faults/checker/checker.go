// Package checker judges a history. It finds acknowledged messages that were lost, doubled, moved or reordered, and
// observations that no single log per chat can explain.
package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/test/faults/history"
)

// Kind is a kind of fault.
type Kind string

// The kinds of faults.
const (
	Lost           Kind = "lost"            // acknowledged, but not in the log
	Moved          Kind = "moved"           // in the log at another position than acknowledged
	Doubled        Kind = "doubled"         // stored or acknowledged as new more than once
	FalseDuplicate Kind = "false duplicate" // acknowledged as a repetition, without an id
	StoredRefused  Kind = "stored refused"  // refused each time, but in the log
	Foreign        Kind = "foreign"         // in a log or a page, but never sent so
	SharedPosition Kind = "shared position" // two messages of a chat have one position
	Reordered      Kind = "reordered"       // a log, or one writer's messages in it, are out of order
	ReadTwice      Kind = "read twice"      // a follower saw a message again
	ReadNever      Kind = "read never"      // a follower skipped a message
	ReadReordered  Kind = "read reordered"  // a follower saw messages out of order
	// NotLinearizable: no order of a chat's sends and pulls explains all answers, where each takes effect between its
	// call and its return.
	NotLinearizable Kind = "not linearizable"
	Unchecked       Kind = "unchecked"  // the search for such an order ran out of time
	Misapplied      Kind = "misapplied" // a message, or the entry of a change, does not match the changes in the log
	Denied          Kind = "denied"     // refused to a user who has access
	Admitted        Kind = "admitted"   // done for a user without access
)

// Fault is one violation.
type Fault struct {
	Kind   Kind
	Chat   string
	Detail string
}

func (f Fault) String() string { return fmt.Sprintf("%s: %s: %s", f.Chat, f.Kind, f.Detail) }

// Options limit a check.
type Options struct {
	Timeout time.Duration // for the search in one chat; beyond it the chat is Unchecked
	// Folder receives a picture of each NotLinearizable chat; "" writes none.
	Folder string
}

// Check returns the faults of a history, in order of chat and kind.
func Check(h history.History, options Options) []Fault {
	var faults []Fault
	for _, c := range split(h) {
		faults = append(faults, c.access()...)
		faults = append(faults, c.messages()...)
		faults = append(faults, c.changes()...)
		faults = append(faults, c.order()...)
		faults = append(faults, c.followers()...)
		faults = append(faults, c.linearizable(options)...)
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.Chat, b.Chat), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return faults
}

// Kinds returns each kind of fault once, sorted.
func Kinds(faults []Fault) []Kind {
	kinds := make(map[Kind]bool)
	for _, f := range faults {
		kinds[f.Kind] = true
	}
	return slices.Sorted(maps.Keys(kinds))
}

// split divides a history by chat. Chats are independent.
func split(h history.History) []chatHistory {
	chats := make(map[string]*chatHistory)
	for name, log := range h.Logs {
		chats[name] = &chatHistory{name: name, log: log}
	}
	part := func(name string) *chatHistory {
		if chats[name] == nil {
			chats[name] = &chatHistory{name: name}
		}
		return chats[name]
	}
	for name, shown := range h.Shown {
		part(name).shown = shown
	}
	for _, s := range h.Sends {
		c := part(s.Message.Chat)
		c.sends = append(c.sends, s)
	}
	for _, p := range h.Pulls {
		c := part(p.Request.Chat)
		c.pulls = append(c.pulls, p)
	}
	for _, d := range h.Denials {
		c := part(d.Chat)
		c.denials = append(c.denials, d)
	}
	for _, i := range h.Intrusions {
		c := part(i.Message.Chat)
		c.intrusions = append(c.intrusions, i)
	}
	var list []chatHistory
	for _, name := range slices.Sorted(maps.Keys(chats)) {
		c := chats[name]
		slices.SortStableFunc(c.sends, func(a, b history.Send) int { return cmp.Compare(a.Call, b.Call) })
		slices.SortStableFunc(c.pulls, func(a, b history.Pull) int { return cmp.Compare(a.Call, b.Call) })
		list = append(list, *c)
	}
	return list
}
