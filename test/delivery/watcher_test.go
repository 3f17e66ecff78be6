package delivery

import (
	"maps"
	"sync"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/faults/checker"
)

// doors are the ways in which messages come.
var doors = []client.Door{client.LongPoll, client.ServerSentEvents, client.WebSocket}

var doorNames = map[client.Door]string{
	client.LongPoll: "long-poll", client.ServerSentEvents: "SSE", client.WebSocket: "WebSocket",
}

// watcher is one who watches chats from their beginning, and what it got.
type watcher struct {
	name  string
	door  client.Door
	chats []string
	// steady: nothing happens to it but what happens to the servers. How late it gets messages is measured.
	steady bool

	mutex   sync.Mutex
	got     map[string][]chat.Message
	at      map[string][]time.Time // when it got each
	reached map[string]int64       // the furthest position
}

func newWatcher(name string, door client.Door, chats []string) *watcher {
	return &watcher{
		name: doorNames[door] + " watcher that " + name, door: door, chats: chats,
		got: map[string][]chat.Message{}, at: map[string][]time.Time{}, reached: map[string]int64{},
	}
}

// take takes what has just come.
func (w *watcher) take(m client.Message) {
	now := time.Now()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.got[m.Chat] = append(w.got[m.Chat], stored(m))
	w.at[m.Chat] = append(w.at[m.Chat], now)
	w.reached[m.Chat] = max(w.reached[m.Chat], m.SendTime)
}

// next is where each of its chats goes on: after the last message that came, or at the beginning.
func (w *watcher) next() map[string]int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	cursors := map[string]int64{}
	for _, name := range w.chats {
		cursors[name] = 0
		if all := w.got[name]; len(all) > 0 {
			cursors[name] = all[len(all)-1].SendTime + 1
		}
	}
	return cursors
}

// behind returns one of its chats in which it has not come to these positions, or "".
func (w *watcher) behind(positions map[string]int64) string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, name := range w.chats {
		if w.reached[name] < positions[name] {
			return name
		}
	}
	return ""
}

// verdict is what is to be said of watchers.
type verdict struct {
	watchers, deliveries int
	faults               []checker.Fault
	delays               []time.Duration // between storing and getting a message, of steady watchers
}

// judge holds what a watcher got against the logs of all chats. Delays are those of messages stored since a time.
func (w *watcher) judge(logs map[string][]chat.Message, since time.Time) verdict {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	v := verdict{watchers: 1}
	for _, name := range w.chats {
		v.deliveries += len(w.got[name])
		v.faults = append(v.faults, checker.Followed(name, w.name, w.got[name], logs[name])...)
		if !w.steady {
			continue
		}
		for i, m := range w.got[name] {
			stored := time.UnixMicro(m.SendTime)
			if delay := w.at[name][i].Sub(stored); stored.After(since) && delay >= 0 { // else the position is no time
				v.delays = append(v.delays, delay)
			}
		}
	}
	return v
}

// add makes one verdict of two.
func (v *verdict) add(other verdict) {
	v.watchers += other.watchers
	v.deliveries += other.deliveries
	v.faults = append(v.faults, other.faults...)
	v.delays = append(v.delays, other.delays...)
}

// kinds counts the faults of each kind.
func (v verdict) kinds() map[checker.Kind]int {
	counts := map[checker.Kind]int{}
	for _, f := range v.faults {
		counts[f.Kind]++
	}
	return counts
}

// positions are those of the last messages of logs.
func positions(logs map[string][]chat.Message) map[string]int64 {
	last := map[string]int64{}
	for name, log := range maps.All(logs) {
		if len(log) > 0 {
			last[name] = log[len(log)-1].SendTime
		}
	}
	return last
}

// stored is a message as the judge knows it.
func stored(m client.Message) chat.Message {
	return chat.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, SendTime: m.SendTime}
}
