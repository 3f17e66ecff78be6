package projection

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func at(sender string, after time.Duration) chat.Message {
	return chat.Message{Sender: sender, SendTime: 1e15 + after.Microseconds()}
}

// sizes adds messages, and at last lets all bursts close.
func sizes(messages []chat.Message) (all []string) {
	g := newGatherer(DefaultBursts, "")
	note := func(closed [][]chat.Message) {
		for _, burst := range closed {
			all = append(all, fmt.Sprint(burst[0].Sender, len(burst)))
		}
	}
	for _, m := range messages {
		note(g.expire(m.SendTime))
		note(g.add(m))
	}
	note(g.expire(2e15))
	return all
}

// TestBursts: 10 messages, 3 seconds of quiet or 10 seconds in all close a burst, for each sender apart.
func TestBursts(t *testing.T) {
	t.Parallel()
	every := func(sender string, n int, pause time.Duration) (messages []chat.Message) {
		for i := range n {
			messages = append(messages, at(sender, time.Duration(i)*pause))
		}
		return messages
	}
	for name, c := range map[string]struct {
		messages []chat.Message
		want     []string
	}{
		"25 quick ones":           {every("a", 25, time.Millisecond), []string{"a10", "a10", "a5"}},
		"a steady talker":         {every("a", 8, 2900*time.Millisecond), []string{"a4", "a4"}},
		"quiet for 3 seconds":     {every("a", 3, 3*time.Second), []string{"a3"}},
		"quiet for longer":        {every("a", 3, 3*time.Second+time.Microsecond), []string{"a1", "a1", "a1"}},
		"two senders":             {[]chat.Message{at("a", 0), at("b", 1), at("a", 2), at("b", 3)}, []string{"a2", "b2"}},
		"a notice is by itself":   {[]chat.Message{at("a", 0), {Sender: "a", SendTime: 1e15 + 1, Notice: &chat.Notice{}}, at("a", 2*time.Second)}, []string{"a1", "a1", "a1"}},
		"one after another sends": {[]chat.Message{at("a", 0), at("b", 9*time.Second), at("a", 9*time.Second)}, []string{"a1", "a1", "b1"}},
	} {
		got := sizes(c.messages)
		slices.Sort(got)
		slices.Sort(c.want)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestBurstsAfterARestart: wherever a worker dies, the next one continues with the same bursts from the stored cursor.
func TestBurstsAfterARestart(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var messages []chat.Message
		position := time.Duration(0)
		for range 60 {
			position += time.Duration(random.IntN(4_000_000)+1) * time.Microsecond
			if random.IntN(2) == 0 {
				position -= position % time.Millisecond / 2
			}
			messages = append(messages, at(string(rune('a'+random.IntN(3))), position))
		}
		want := run(messages, nil)
		crashes := map[int]bool{}
		for range 5 {
			crashes[random.IntN(len(messages))] = true
		}
		if got := run(messages, crashes); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: with crashes the bursts are\n%v\nwant\n%v", seed, got, want)
		}
	}
}

// run handles messages, and forgets all but the stored cursor before some of them. It returns the bursts without repeats.
func run(messages []chat.Message, crashes map[int]bool) (bursts []string) {
	g, cursor, read := newGatherer(DefaultBursts, ""), chat.Cursor{Position: 1}, int64(1)
	seen := map[string]bool{}
	for i := 0; i <= len(messages); i++ {
		now := int64(2e15)
		if i < len(messages) {
			now = messages[i].SendTime
		}
		if crashes[i] {
			g = newGatherer(DefaultBursts, cursor.State)
			for _, m := range messages[:i] {
				if m.SendTime >= cursor.Position {
					note(g, g.add(m), seen)
				}
			}
			delete(crashes, i)
		}
		note(g, g.expire(now), seen)
		if i < len(messages) {
			note(g, g.add(messages[i]), seen)
			read = now + 1
		}
		cursor = g.cursor(read, nil)
	}
	for burst := range seen {
		bursts = append(bursts, burst)
	}
	slices.Sort(bursts)
	return bursts
}

func note(g *gatherer, closed [][]chat.Message, seen map[string]bool) {
	for _, burst := range closed {
		seen[fmt.Sprint(burst[0].Sender, burst[0].SendTime, last(burst), len(burst))] = true
		g.handled(burst)
	}
}
