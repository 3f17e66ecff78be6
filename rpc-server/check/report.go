package check

import (
	"cmp"
	"slices"
	"strconv"
)

// FaultKind is a rule that was found broken. FaultKinds lists the closed set.
type FaultKind string

// The kinds of faults.
const (
	FaultPartitions      FaultKind = "partitions"
	FaultType            FaultKind = "wrong-type"
	FaultChatID          FaultKind = "chat-id"
	FaultPartition       FaultKind = "wrong-partition"
	FaultLogMember       FaultKind = "log-member"
	FaultLogScore        FaultKind = "log-score"
	FaultLogShared       FaultKind = "log-shared"
	FaultLogSender       FaultKind = "log-sender"
	FaultActivityMissing FaultKind = "activity-missing"
	FaultActivityLow     FaultKind = "activity-low"
	FaultActivityHigh    FaultKind = "activity-high"
	FaultActivityScore   FaultKind = "activity-score"
	FaultIDsEntry        FaultKind = "ids-entry"
	FaultIDsWrong        FaultKind = "ids-wrong"
	FaultIDsLost         FaultKind = "ids-lost"
	FaultIDsTwin         FaultKind = "ids-twin"
	FaultIDsMissing      FaultKind = "ids-missing"
	FaultIDRepeated      FaultKind = "id-repeated"
	FaultReactions       FaultKind = "reactions"
	FaultVersions        FaultKind = "earlier-texts"
	FaultChatUnlisted    FaultKind = "chat-unlisted"
	FaultListEntry       FaultKind = "list-entry"
	FaultCursor          FaultKind = "reader-cursor"
	FaultCursorAhead     FaultKind = "reader-ahead"
	FaultRoom            FaultKind = "room-fields"
	FaultRoomMissing     FaultKind = "room-missing"
	FaultRoomMember      FaultKind = "room-member"
	FaultRoomAdmins      FaultKind = "room-admins"
	FaultRoomRules       FaultKind = "room-rules"
	FaultRoomUnlisted    FaultKind = "room-unlisted"
	FaultUser            FaultKind = "user-name"
	FaultAccount         FaultKind = "account-fields"
	FaultUserUnlisted    FaultKind = "user-unlisted"
	FaultSession         FaultKind = "session"
	FaultDeletion        FaultKind = "deletion"
	FaultIgnored         FaultKind = "ignored-name"
	FaultModeration      FaultKind = "moderation"
	FaultPush            FaultKind = "push"
	FaultLook            FaultKind = "look"

	FaultAttachment         FaultKind = "attachment"
	FaultAttachmentUnlooked FaultKind = "attachment-unlooked"
)

// Rule states the rule that the fault breaks.
func (k FaultKind) Rule() string { return k.entry().rule }

// Advice states the action for an operator.
func (k FaultKind) Advice() string { return k.entry().advice }

// Repairable reports whether Options.Repair repairs it.
func (k FaultKind) Repairable() bool { return k.entry().repairable }

func (k FaultKind) entry() faultKind {
	if i := k.order(); i >= 0 {
		return faultKinds[i]
	}
	return faultKind{kind: k}
}

func (k FaultKind) order() int {
	return slices.IndexFunc(faultKinds, func(f faultKind) bool { return f.kind == k })
}

// Fault is one violation of a rule. It holds no text of a message.
type Fault struct {
	Kind     FaultKind `json:"-"`
	Key      string    `json:"key"`
	Position int64     `json:"position,omitempty"` // in the chat, if the fault has one
	Detail   string    `json:"detail"`
	Repaired bool      `json:"repaired,omitempty"`
}

// FaultCount is all faults of one kind.
type FaultCount struct {
	Kind     FaultKind `json:"kind"`
	Count    int64     `json:"count"`
	Repaired int64     `json:"repaired"`
	Examples []Fault   `json:"examples"` // the first
}

// KeyCount is a number of keys.
type KeyCount struct {
	Count    int64    `json:"count"`
	Examples []string `json:"examples,omitempty"` // the first
}

// examples is how many examples of each kind a report holds.
const examples = 5

func (k *KeyCount) add(key string) {
	k.Count++
	if len(k.Examples) < examples {
		k.Examples = append(k.Examples, printable(key))
	}
}

// Report is a Checker's findings.
type Report struct {
	Complete bool         `json:"complete"`               // the walk reached its end
	Chats    int64        `json:"chats"`                  // chats with a log
	Emptied  int64        `json:"chats_without_messages"` // chats that have only activity left: sound with retention
	Messages int64        `json:"messages"`
	Bytes    int64        `json:"bytes"` // of the logs' entries, as stored
	IDs      int64        `json:"ids"`   // ids within the window
	Rooms    int64        `json:"rooms"` // rooms that were created and not deleted
	Accounts int64        `json:"accounts"`
	Unknown  KeyCount     `json:"unknown_keys"`
	Faults   []FaultCount `json:"faults"` // by kind
}

// Report returns the findings so far. It is valid until Run goes on.
func (c *Checker) Report() Report {
	report := c.report
	if report.Faults == nil {
		report.Faults = []FaultCount{} // [] in JSON
	}
	return report
}

// Found is the number of faults.
func (r Report) Found() (n int64) {
	for _, f := range r.Faults {
		n += f.Count
	}
	return n
}

// Left is the number of faults that were not repaired.
func (r Report) Left() (n int64) {
	for _, f := range r.Faults {
		n += f.Count - f.Repaired
	}
	return n
}

func (r *Report) addFault(f Fault, times int64) {
	at, known := slices.BinarySearchFunc(r.Faults, f.Kind, func(c FaultCount, k FaultKind) int {
		return cmp.Compare(c.Kind.order(), k.order())
	})
	if !known {
		r.Faults = slices.Insert(r.Faults, at, FaultCount{Kind: f.Kind})
	}
	count := &r.Faults[at]
	count.Count += times
	if f.Repaired {
		count.Repaired += times
	}
	if len(count.Examples) < examples {
		f.Key = printable(f.Key)
		count.Examples = append(count.Examples, f)
	}
}

// tally is one page's contribution to a report.
type tally struct {
	emptied, messages, bytes, ids, rooms, accounts int64
}

func (r *Report) addTally(t tally) {
	r.Emptied += t.emptied
	r.Messages += t.messages
	r.Bytes += t.bytes
	r.IDs += t.ids
	r.Rooms += t.rooms
	r.Accounts += t.accounts
}

// printable returns a key safe for a terminal: quoted if it has a character that is not printable.
func printable(key string) string {
	if quoted := strconv.Quote(key); quoted != `"`+key+`"` {
		return quoted
	}
	return key
}
