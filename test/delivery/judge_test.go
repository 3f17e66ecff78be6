package delivery

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/faults/checker"
)

// TestJudge: the judge names each difference between a watcher's messages and the log.
func TestJudge(t *testing.T) {
	var log []chat.Message
	for i, text := range []string{"one", "two", "three"} {
		log = append(log, chat.Message{Chat: "c", Text: text, SendTime: int64(i) + 1})
	}
	for _, c := range []struct {
		name string
		got  []int // indices into the log
		want map[checker.Kind]int
	}{
		{"all of it", []int{0, 1, 2}, map[checker.Kind]int{}},
		{"nothing", nil, map[checker.Kind]int{checker.ReadNever: 3}},
		{"without the last", []int{0, 1}, map[checker.Kind]int{checker.ReadNever: 1}},
		{"one twice", []int{0, 1, 1, 2}, map[checker.Kind]int{checker.ReadTwice: 1}},
		{"turned round", []int{0, 2, 1}, map[checker.Kind]int{checker.ReadReordered: 1}},
	} {
		w := newWatcher("gets "+c.name, client.LongPoll, []string{"c"})
		for _, place := range c.got {
			m := log[place]
			w.take(client.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, SendTime: m.SendTime})
		}
		v := w.judge(map[string][]chat.Message{"c": log}, time.Time{})
		if got := v.kinds(); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", w.name, got, c.want)
		}
		if late, want := w.behind(map[string]int64{"c": 3}) != "", !slices.Contains(c.got, 2); late != want {
			t.Errorf("%s: it is behind: %v, want %v", w.name, late, want)
		}
	}
}
