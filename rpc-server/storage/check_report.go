package storage

import (
	"cmp"
	"slices"
	"strconv"
)

// FaultKind is a rule that was found broken. The set is closed: see FaultKinds.
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
)

// faultKind is what there is to say about a kind.
type faultKind struct {
	kind       FaultKind
	rule       string // what is not so
	advice     string // what a person can do
	repairable bool
}

// faultKinds is in the order of reports.
var faultKinds = []faultKind{
	{
		FaultPartitions, "the number of partitions is pinned, and is the one that servers use",
		"if it is missing, start one server, which pins it; if it is another number, this Redis belongs to another layout", false,
	},
	{
		FaultType, "a key has the type of its kind",
		"find out what wrote it; RENAME it out of the way, then repair", false,
	},
	{
		FaultChatID, "a chat's id is in its canonical form",
		"servers never read it; RENAME a log to the canonical id if that chat has none", false,
	},
	{
		FaultPartition, "a chat's keys and activity lie in the partition that its id hashes to",
		"servers never read it; RENAME a log to its own partition if the chat has none there, then repair", false,
	},
	{
		FaultLogMember, "every entry of a log can be read",
		"pulls over it fail: keep the entry elsewhere, then ZREM it", false,
	},
	{
		FaultLogScore, "an entry's 16 digits are its score, and a position",
		"ZADD it again with its digits as the score, or ZREM it", false,
	},
	{
		FaultLogShared, "no two entries of a log share a position",
		"cursors cannot name the second one: ZREM the one that does not belong there", false,
	},
	{
		FaultLogSender, "the sender in a two-person chat is one of the two",
		"find out what wrote it: no server stores that", false,
	},
	{
		FaultActivityMissing, "a chat with a log has an activity entry",
		"--repair adds it with the log's newest position", true,
	},
	{
		FaultActivityLow, "a chat's activity is not below its log's newest position",
		"--repair raises it to that position", true,
	},
	{
		FaultActivityHigh, "a chat's activity is not above its log's newest position",
		"the newest messages are gone: restore them from a backup, or leave it (positions stay unique)", false,
	},
	{
		FaultActivityScore, "an activity entry's score is a position",
		"ZADD it with the log's newest position as the score", false,
	},
	{
		FaultIDsEntry, "an entry of ids is sender/id, with or without a digest, at a position",
		"ZREM it", false,
	},
	{
		FaultIDsWrong, "an entry of ids belongs to the message at its position",
		"a repeated send of that id is answered with another message's position: ZREM it, then repair", false,
	},
	{
		FaultIDsLost, "an entry of ids points at a message that is there or that trimming removed",
		"the message is gone from the middle or the end of its log: restore it, or ZREM the entry so that it can be sent again", false,
	},
	{
		FaultIDsTwin, "an entry of ids has its twin with, or without, the digest",
		"the message is trimmed, so the digest cannot be made again: ZREM it, or wait for the window to pass", false,
	},
	{
		FaultIDsMissing, "a message with an id has both entries in ids within the window",
		"--repair adds them; without them the id could be stored twice", true,
	},
	{
		FaultIDRepeated, "an id is stored once within the window",
		"it was sent again after its ids were lost, or IDEMPOTENCY_WINDOW has been lengthened since: ZREM one, or leave both", false,
	},
}

// Rule says what is not so where the fault is found.
func (k FaultKind) Rule() string { return k.entry().rule }

// Advice says what a person can do.
func (k FaultKind) Advice() string { return k.entry().advice }

// Repairable is true where CheckOptions.Repair mends it.
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

// Fault is one place where a rule is broken. It holds no text of a message.
type Fault struct {
	Kind     FaultKind `json:"-"`
	Key      string    `json:"key"`
	Position int64     `json:"position,omitempty"` // in the chat, where the fault has one
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

// examples is how many a report holds of each kind.
const examples = 5

func (k *KeyCount) add(key string) {
	k.Count++
	if len(k.Examples) < examples {
		k.Examples = append(k.Examples, printable(key))
	}
}

// CheckReport is what a Checker has found.
type CheckReport struct {
	Complete bool         `json:"complete"`               // the walk came to its end
	Chats    int64        `json:"chats"`                  // that have a log
	Emptied  int64        `json:"chats_without_messages"` // that have only activity left: sound with retention
	Messages int64        `json:"messages"`
	Bytes    int64        `json:"bytes"` // of the logs' entries, as stored
	IDs      int64        `json:"ids"`   // that are recognised
	Unknown  KeyCount     `json:"unknown_keys"`
	Faults   []FaultCount `json:"faults"` // by kind
}

// Report is what was found so far. It is valid until Run goes on.
func (c *Checker) Report() CheckReport {
	report := c.report
	if report.Faults == nil {
		report.Faults = []FaultCount{} // [] in JSON
	}
	return report
}

// Found is the number of faults.
func (r CheckReport) Found() (n int64) {
	for _, f := range r.Faults {
		n += f.Count
	}
	return n
}

// Left is the number of faults that were not repaired.
func (r CheckReport) Left() (n int64) {
	for _, f := range r.Faults {
		n += f.Count - f.Repaired
	}
	return n
}

func (r *CheckReport) addFault(f Fault, times int64) {
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

// tally is what one page adds to a report.
type tally struct {
	emptied, messages, bytes, ids int64
}

func (r *CheckReport) addTally(t tally) {
	r.Emptied += t.emptied
	r.Messages += t.messages
	r.Bytes += t.bytes
	r.IDs += t.ids
}

// printable is a key as a terminal may see it: quoted where it has anything but printable characters.
func printable(key string) string {
	if quoted := strconv.Quote(key); quoted != `"`+key+`"` {
		return quoted
	}
	return key
}
