package delivery

import (
	"maps"
	"sync"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/faults/checker"
)

// transports are the transports of messages.
var transports = []client.Transport{client.LongPoll, client.ServerSentEvents, client.WebSocket, overDevice, overTelnet}

// ofClients are the transports of the Go client and of pullchat.
var ofClients = transports[:3]

// overDevice and overTelnet are connections of devices and of people to the tcp-servers. overNode and overChromium are all transports
// of clients/js, where it runs.
const (
	overDevice client.Transport = 100 + iota
	overTelnet
	overNode
	overChromium
)

var transportNames = map[client.Transport]string{
	client.LongPoll: "long-poll", client.ServerSentEvents: "SSE", client.WebSocket: "WebSocket", overDevice: "device", overTelnet: "telnet",
	overNode: "Node", overChromium: "Chromium",
}

// watcher watches chats from their beginning, and records the messages.
type watcher struct {
	name  string
	over  client.Transport
	chats []string
	// steady: only the servers are disturbed. The delays of its messages are measured.
	steady bool
	places *places // over telnet: the positions of messages, which come without them

	mutex   sync.Mutex
	got     map[string][]chat.Message
	at      map[string][]time.Time // the time of each message
	reached map[string]int64       // the furthest position
}

func newWatcher(name string, over client.Transport, chats []string) *watcher {
	return &watcher{
		name: transportNames[over] + " watcher that " + name, over: over, chats: chats,
		got: map[string][]chat.Message{}, at: map[string][]time.Time{}, reached: map[string]int64{},
	}
}

// take records received messages.
func (w *watcher) take(m client.Message) {
	now := time.Now()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.got[m.Chat] = append(w.got[m.Chat], stored(m))
	w.at[m.Chat] = append(w.at[m.Chat], now)
	w.reached[m.Chat] = max(w.reached[m.Chat], m.SendTime)
}

// count returns how many messages have come.
func (w *watcher) count() (count int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, all := range w.got {
		count += len(all)
	}
	return count
}

// next returns the next cursor in each chat: after the last message, or the beginning.
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

// behind names a chat in which the watcher has not reached these positions, or returns "".
func (w *watcher) behind(positions map[string]int64) string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, name := range w.chats {
		if w.places != nil && len(w.got[name]) > 0 {
			w.reached[name] = max(w.reached[name], w.places.of(name, w.got[name][len(w.got[name])-1].Text))
		}
		if w.reached[name] < positions[name] {
			return name
		}
	}
	return ""
}

// verdict is the judgement of watchers.
type verdict struct {
	watchers, deliveries int
	faults               []checker.Fault
	delays               []time.Duration // between storing and receiving a message, of steady watchers
}

// judge compares a watcher with the logs of all chats. Delays are those of messages stored since a time.
func (w *watcher) judge(logs map[string][]chat.Message, since time.Time) verdict {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	v := verdict{watchers: 1}
	for _, name := range w.chats {
		v.deliveries += len(w.got[name])
		if w.places != nil {
			locate(w.got[name], logs[name])
		}
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

// add merges a second verdict.
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

// positions returns the last position of each log.
func positions(logs map[string][]chat.Message) map[string]int64 {
	last := map[string]int64{}
	for name, log := range maps.All(logs) {
		if len(log) > 0 {
			last[name] = log[len(log)-1].SendTime
		}
	}
	return last
}

// stored is a message in a log.
func stored(m client.Message) chat.Message {
	return chat.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, SendTime: m.SendTime}
}
