package projection

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Bursts gathers the messages of one sender in one chat. Which messages are a burst depends on the log alone: a repeat gives
// the same bursts.
type Bursts struct {
	Messages int           // a burst closes with this many messages
	Quiet    time.Duration // it closes when its sender is quiet this long
	Longest  time.Duration // it closes this long after its first message
}

// DefaultBursts are 10 messages, 3 seconds of quiet, 10 seconds in all.
var DefaultBursts = Bursts{Messages: 10, Quiet: 3 * time.Second, Longest: 10 * time.Second}

// Validate returns the fault of the settings, or nil.
func (b Bursts) Validate() error {
	if b.Messages < 1 || b.Messages > 1000 || b.Quiet <= 0 || b.Longest < b.Quiet || b.Longest > time.Hour {
		return errors.New("a burst has 1 to 1000 messages; its quiet time is positive, and its longest time at least that and at most 1h")
	}
	return nil
}

// gatherer gathers the messages of one chat, which come in their order.
type gatherer struct {
	rule Bursts
	open map[string][]chat.Message // by sender
	done map[string]int64          // the last position of each sender that was handled, as far as it is not before the cursor
}

func newGatherer(rule Bursts, state string) *gatherer {
	g := &gatherer{rule: rule, open: map[string][]chat.Message{}, done: map[string]int64{}}
	if state != "" {
		_ = json.Unmarshal([]byte(state), &g.done) // a malformed one is none: events are repeated
	}
	return g
}

// joins reports whether a message at a position belongs to a burst.
func (g *gatherer) joins(burst []chat.Message, position int64) bool {
	first, last := burst[0].SendTime, burst[len(burst)-1].SendTime
	return position-last <= g.rule.Quiet.Microseconds() && position-first < g.rule.Longest.Microseconds()
}

// add takes the next message, and returns the bursts that it closes. A notice is a burst of its own.
func (g *gatherer) add(m chat.Message) (closed [][]chat.Message) {
	if m.SendTime <= g.done[m.Sender] {
		return nil
	}
	burst := g.open[m.Sender]
	if len(burst) > 0 && (m.Notice != nil || !g.joins(burst, m.SendTime)) {
		closed = append(closed, burst)
		burst = nil
	}
	burst = append(burst, m)
	if len(burst) >= g.rule.Messages || m.Notice != nil {
		delete(g.open, m.Sender)
		return append(closed, burst)
	}
	g.open[m.Sender] = burst
	return closed
}

// expire closes the bursts that no message at or after now can join.
func (g *gatherer) expire(now int64) (closed [][]chat.Message) {
	for sender, burst := range g.open {
		if !g.joins(burst, now) {
			closed = append(closed, burst)
			delete(g.open, sender)
		}
	}
	slices.SortFunc(closed, func(a, b []chat.Message) int { return cmp.Compare(last(a), last(b)) })
	return closed
}

func last(burst []chat.Message) int64 { return burst[len(burst)-1].SendTime }

// wait returns how long after now the next burst may close; false if none is open.
func (g *gatherer) wait(now int64) (time.Duration, bool) {
	var next int64
	for _, burst := range g.open {
		closes := min(last(burst)+g.rule.Quiet.Microseconds()+1, burst[0].SendTime+g.rule.Longest.Microseconds())
		if next == 0 || closes < next {
			next = closes
		}
	}
	return time.Duration(max(next-now, 0)) * time.Microsecond, next != 0
}

// handled notes that a burst was handled.
func (g *gatherer) handled(burst []chat.Message) { g.done[burst[0].Sender] = last(burst) }

// cursor returns where reading must begin again: at the first message that was not handled. closed are bursts on their way;
// read is the position after the last message that was added.
func (g *gatherer) cursor(read int64, closed [][]chat.Message) chat.Cursor {
	from := read
	for _, burst := range g.open {
		from = min(from, burst[0].SendTime)
	}
	for _, burst := range closed {
		from = min(from, burst[0].SendTime)
	}
	for sender, position := range g.done {
		if position < from {
			delete(g.done, sender)
		}
	}
	cursor := chat.Cursor{Position: from}
	if len(g.done) > 0 {
		state, _ := json.Marshal(g.done) // a map of numbers cannot fail
		cursor.State = string(state)
	}
	return cursor
}
