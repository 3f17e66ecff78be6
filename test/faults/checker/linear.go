package checker

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/faults/history"
)

// entry is a log as an immutable list from its newest message on; nil is an empty one. States share common parts.
type entry struct {
	message chat.Message
	before  *entry
	length  int
}

// sent is the output of a send.
type sent struct {
	position int64
	// before is the highest position below it of any known send, or 0. In every valid order that send comes directly
	// before. Without it, the search would try all ways to omit sends with unknown outcomes.
	before    int64
	duplicate bool
	unknown   bool // no client got the answer: position is where the message was seen
}

// model is a chat: a log to which a send appends, once for each id, and from which a pull reads a page. Logs of one
// length are compared from the newest message to their common part.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return (*entry)(nil) },
		Step: func(state, input, output any) (bool, any) {
			log := state.(*entry)
			switch in := input.(type) {
			case chat.Message:
				return appended(log, in, output.(sent))
			case chat.PullRequest:
				return samePage(pull(log, in), output.(chat.Page)), log
			default:
				panic(fmt.Sprintf("input %T", input))
			}
		},
		Equal: func(a, b any) bool {
			first, second := a.(*entry), b.(*entry)
			for first != second {
				if first == nil || second == nil || first.length != second.length || first.message != second.message {
					return false
				}
				first, second = first.before, second.before
			}
			return true
		},
		Hash: func(state any) uint64 {
			if log := state.(*entry); log != nil {
				return uint64(log.message.SendTime)*31 + uint64(log.length)
			}
			return 0
		},
		DescribeOperation: describe,
		DescribeState: func(state any) string {
			if log := state.(*entry); log != nil {
				return fmt.Sprintf("%d messages, the newest %q at %d", log.length, log.message.Text, log.message.SendTime)
			}
			return "empty"
		},
	}
}

// appended reports whether an append may have this output, and returns the log after it. A duplicate at the first
// attempt may be new: servers may also retry sends with an id.
func appended(log *entry, m chat.Message, out sent) (bool, *entry) {
	known := find(log, m, out.position)
	switch {
	case out.unknown && known: // this attempt found the message stored, or never happened
		return true, log
	case out.duplicate && known:
		return true, log
	case out.duplicate && m.ID == "", known,
		last(log) != out.before, m.ID != "" && recognised(log, m):
		return false, log
	}
	m.SendTime = out.position
	length := 1
	if log != nil {
		length += log.length
	}
	return true, &entry{message: m, before: log, length: length}
}

func last(log *entry) int64 {
	if log == nil {
		return 0
	}
	return log.message.SendTime
}

// find reports whether the message is at the position.
func find(log *entry, m chat.Message, position int64) bool {
	for log != nil && log.message.SendTime > position {
		log = log.before
	}
	m.SendTime = position
	return log != nil && log.message == m
}

// recognised reports whether the log has a message with the id of m.
func recognised(log *entry, m chat.Message) bool {
	for ; log != nil; log = log.before {
		if log.message.ID == m.ID && log.message.Sender == m.Sender {
			return true
		}
	}
	return false
}

// pull is the log's page for a request. The request's limit is at most the server's maximum.
func pull(log *entry, r chat.PullRequest) chat.Page {
	var messages []chat.Message // newest first
	for e := log; e != nil; e = e.before {
		position := e.message.SendTime
		if !r.Reverse && position < r.Cursor {
			break
		}
		if r.Reverse && len(messages) > int(r.Limit) {
			break
		}
		if !r.Reverse || r.Cursor == 0 || position <= r.Cursor {
			messages = append(messages, e.message)
		}
	}
	if !r.Reverse {
		slices.Reverse(messages)
	}
	switch limit := int(r.Limit); {
	case len(messages) > limit:
		return chat.Page{Messages: messages[:limit], HasMore: true, NextCursor: messages[limit].SendTime}
	case r.Reverse:
		return chat.Page{Messages: messages}
	case len(messages) == 0:
		return chat.Page{NextCursor: r.Cursor}
	default:
		return chat.Page{Messages: messages, NextCursor: messages[len(messages)-1].SendTime + 1}
	}
}

func samePage(a, b chat.Page) bool {
	return a.HasMore == b.HasMore && a.NextCursor == b.NextCursor && slices.Equal(a.Messages, b.Messages)
}

// linearizable searches for an order of all sends and pulls that explains every answer.
func (c chatHistory) linearizable(options Options) []Fault {
	result, info := porcupine.CheckOperationsVerbose(model(), c.operations(), options.Timeout)
	switch result {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return []Fault{c.fault(Unchecked, "no answer after %v for %d sends and %d pulls", options.Timeout, len(c.sends), len(c.pulls))}
	}
	fault := c.fault(NotLinearizable, "no order explains its %d sends and %d pulls", len(c.sends), len(c.pulls))
	if options.Folder != "" {
		path := filepath.Join(options.Folder, c.name+".html")
		_ = os.MkdirAll(options.Folder, 0o755) // else writing fails
		if err := porcupine.VisualizePath(model(), info, path); err != nil {
			path = err.Error()
		}
		fault.Detail += "; see " + path
	}
	return []Fault{fault}
}

// operations converts the history for the model. A refused send did nothing. A send with an unknown outcome may take
// effect at any time after its call, or never. If its message was seen, it is a send to that position that ends with
// the first evidence of that. If it was never seen, nothing shows whether it happened.
func (c chatHistory) operations() []porcupine.Operation {
	seen, unsure := c.seen(), c.unsure()
	var operations []porcupine.Operation
	for i, s := range c.sends {
		m := s.Message
		m.SendTime = 0
		o := porcupine.Operation{ClientId: s.Client, Input: m, Call: int64(s.Call), Return: int64(s.Return)}
		switch s.Outcome {
		case history.Acknowledged:
			o.Output = sent{position: s.Message.SendTime, duplicate: s.Duplicate}
		case history.Unknown:
			position, ok := seen[m]
			if first, kept := unsure[m]; !ok || !kept || first != i {
				continue
			}
			o.Output, o.Return = sent{position: position, unknown: true}, math.MaxInt64
		default:
			continue
		}
		operations = append(operations, o)
	}
	inOrder(operations)
	for _, p := range c.pulls {
		operations = append(operations, porcupine.Operation{
			ClientId: p.Client, Input: p.Request, Output: p.Page, Call: int64(p.Call), Return: int64(p.Return),
		})
	}
	bound(operations)
	return operations
}

// unsure returns the sends with an unknown outcome that may have stored their message, by message: the first attempt,
// where the client had no answer before. The other attempts with an unknown outcome change nothing that the first does
// not explain, and the search would try all their orders.
func (c chatHistory) unsure() map[chat.Message]int {
	first := make(map[chat.Message]int)
	stored := make(map[chat.Message]bool) // by an attempt that was acknowledged as new
	for i, s := range c.sends {           // in the order of their calls
		if s.Outcome == history.Refused {
			continue
		}
		m := s.Message
		m.SendTime = 0
		if _, ok := first[m]; !ok {
			first[m] = i
		}
		stored[m] = stored[m] || s.Outcome == history.Acknowledged && !s.Duplicate
	}
	maps.DeleteFunc(first, func(m chat.Message, i int) bool { return stored[m] || c.sends[i].Outcome != history.Unknown })
	return first
}

// bound ends sends with an unknown outcome where something shows that their message had been stored: an answer that has
// it, or has a message behind it, because a log only grows at its end.
func bound(operations []porcupine.Operation) {
	evidence := make(map[int64]int64) // position → the first return of an answer that has it
	note := func(position, at int64) {
		if known, ok := evidence[position]; !ok || at < known {
			evidence[position] = at
		}
	}
	for _, o := range operations {
		switch out := o.Output.(type) {
		case sent:
			note(out.position, o.Return)
		case chat.Page:
			for _, m := range out.Messages {
				note(m.SendTime, o.Return)
			}
		}
	}
	positions := slices.Sorted(maps.Keys(evidence))
	for i := len(positions) - 2; i >= 0; i-- {
		note(positions[i], evidence[positions[i+1]])
	}
	for i, o := range operations {
		if out, ok := o.Output.(sent); ok && out.unknown {
			operations[i].Return = max(o.Call, evidence[out.position])
		}
	}
}

// inOrder sets each send's predecessor.
func inOrder(sends []porcupine.Operation) {
	positions := []int64{0}
	for _, s := range sends {
		positions = append(positions, s.Output.(sent).position)
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	for i := range sends {
		out := sends[i].Output.(sent)
		place, _ := slices.BinarySearch(positions, out.position)
		out.before = positions[max(0, place-1)]
		sends[i].Output = out
	}
}

// seen returns where messages were ever seen, by clients or in the final logs.
func (c chatHistory) seen() map[chat.Message]int64 {
	positions := make(map[chat.Message]int64)
	note := func(messages []chat.Message) {
		for _, m := range messages {
			position := m.SendTime
			m.SendTime = 0
			positions[m] = position
		}
	}
	for _, p := range c.pulls {
		note(p.Page.Messages)
	}
	for _, s := range c.sends {
		if s.Outcome == history.Acknowledged {
			note([]chat.Message{s.Message})
		}
	}
	note(c.log)
	return positions
}

func describe(input, output any) string {
	switch in := input.(type) {
	case chat.Message:
		out := output.(sent)
		return fmt.Sprintf("send %q → %d%s%s", in.Text, out.position, when(out.duplicate, " duplicate"), when(out.unknown, " unknown"))
	case chat.PullRequest:
		page := output.(chat.Page)
		texts := make([]string, len(page.Messages))
		for i, m := range page.Messages {
			texts[i] = m.Text
		}
		return fmt.Sprintf("pull %d%s limit %d → %v%s", in.Cursor, when(in.Reverse, " reverse"), in.Limit, texts, when(page.HasMore, " …"))
	default:
		return fmt.Sprint(input)
	}
}

func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}
