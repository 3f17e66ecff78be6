package rpcclient

import (
	"context"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// watch is a chat.Watch over one stream to each rpc-server that serves. Each chat is followed at one server. All
// gateways choose the same one, so a server hears only of its share of the chats. When servers come or go, the chats
// whose choice differs move, and their confirmations make all followers pull.
type watch struct {
	queue   *events.Queue
	servers *servers
	stop    chan struct{} // closed by Close
	once    sync.Once
	ended   chan struct{} // closed when its goroutines have ended

	mutex   sync.Mutex
	chats   map[chat.ID]assignment
	moving  int       // chats that are unsure
	streams []*stream // that are open
	choice  choice    // the last one that chats were settled over
}

var _ chat.Watch = (*watch)(nil)

// assignment is where a chat is followed.
type assignment struct {
	at   *stream // nil where no stream is open
	from *stream // where it was before; it is removed there when at has confirmed it
	// unsure: the chat has moved, and events may be lost until at has confirmed it.
	unsure bool
}

func newWatch(servers *servers) *watch {
	w := &watch{
		queue: events.New(), servers: servers, stop: make(chan struct{}), ended: make(chan struct{}),
		chats: map[chat.ID]assignment{},
	}
	if !servers.run(w.run) {
		w.queue.Close()
		close(w.ended)
	}
	return w
}

// Next implements chat.Watch.
func (w *watch) Next(ctx context.Context) ([]chat.Event, error) { return w.queue.Next(ctx) }

// Close implements chat.Watch. It waits for the streams to end.
func (w *watch) Close() {
	w.once.Do(func() { close(w.stop) })
	<-w.ended
}

// Add implements chat.Watch.
func (w *watch) Add(ids ...chat.ID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, id := range ids {
		a, known := w.chats[id]
		if !known {
			a.at = w.choice.of(id)
		}
		a.at.change(id, true)
		w.put(id, a)
	}
}

// Remove implements chat.Watch.
func (w *watch) Remove(ids ...chat.ID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, id := range ids {
		a := w.chats[id]
		a.at.change(id, false)
		a.from.change(id, false)
		w.put(id, assignment{})
		delete(w.chats, id)
	}
}

// put sets where a chat is. The mutex is held, as in all that follow but run.
func (w *watch) put(id chat.ID, a assignment) {
	if w.chats[id].unsure {
		w.moving--
	}
	if a.unsure {
		w.moving++
	}
	w.chats[id] = a
}

// run keeps a stream to each server, and the chats where they belong, until ctx ends or the watch is closed.
func (w *watch) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer close(w.ended)
	defer w.queue.Close()
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer cancel()
	keepers := map[*server]context.CancelFunc{}
	for {
		changed := w.servers.changed.next()
		all := *w.servers.current.Load()
		for one, end := range keepers {
			if !slices.Contains(all, one) {
				end()
				delete(keepers, one)
			}
		}
		for _, one := range all {
			if keepers[one] == nil {
				until, end := context.WithCancel(ctx)
				keepers[one] = end
				keeping.Go(func() { w.keep(until, one) })
			}
		}
		w.settle()
		select {
		case <-changed:
		case <-w.stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// settle moves the chats whose choice has changed.
func (w *watch) settle() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	next := choose(w.streams)
	if next.equals(w.choice) {
		return
	}
	w.choice = next
	for id, a := range w.chats {
		if to := next.of(id); to != a.at && (next.serving || !a.at.isOpen()) {
			w.put(id, a.moved(id, to))
		}
	}
}

// moved returns the assignment of a chat that is followed at another stream from now on, or at none.
func (a assignment) moved(id chat.ID, to *stream) assignment {
	to.change(id, true)
	before := a.at
	if a.from.isOpen() { // it is heard there still, and not yet where it was to go
		a.at.change(id, false)
		before = a.from
	}
	if before == to || !before.isOpen() {
		before = nil
	}
	return assignment{at: to, from: before, unsure: a.unsure || a.at != nil}
}

// confirmed ends the moves of chats that a stream has confirmed. The right to be in a room may have changed meanwhile.
func (w *watch) confirmed(by *stream, told []chat.Event) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.moving == 0 {
		return
	}
	for _, e := range told {
		if a := w.chats[e.Chat]; e.Kind == chat.Hint && a.at == by && a.unsure {
			a.from.change(e.Chat, false)
			w.put(e.Chat, assignment{at: by})
			if _, _, pair := e.Chat.Users(); !pair {
				w.queue.Put(chat.Event{Chat: e.Chat, Kind: chat.MembersChanged})
			}
		}
	}
}

// opened and broken say which streams there are.
func (w *watch) opened(s *stream) {
	w.mutex.Lock()
	s.open = true
	w.streams = append(slices.Clone(w.streams), s)
	w.mutex.Unlock()
	w.servers.changed.notify()
}

func (w *watch) broken(s *stream) {
	w.mutex.Lock()
	s.open = false
	s.pending = nil
	w.streams = slices.DeleteFunc(slices.Clone(w.streams), func(other *stream) bool { return other == s })
	w.mutex.Unlock()
	w.servers.changed.notify()
}

// choice are the streams over which chats are spread.
type choice struct {
	streams []*stream
	serving bool // their servers serve. Otherwise none does: chats stay where they are, and others wait there too
}

func choose(streams []*stream) choice {
	var serving []*stream
	for _, s := range streams {
		if s.server.serving.Load() {
			serving = append(serving, s)
		}
	}
	if len(serving) == 0 {
		return choice{streams: streams}
	}
	return choice{streams: serving, serving: true}
}

func (c choice) equals(other choice) bool {
	return c.serving == other.serving && slices.Equal(c.streams, other.streams)
}

// of returns the stream of a chat, by rendezvous hashing: where one stream goes, its chats are spread over the others,
// and no other chat moves. It is nil where there is no stream.
func (c choice) of(id chat.ID) (best *stream) {
	if len(c.streams) < 2 {
		for _, only := range c.streams {
			best = only
		}
		return best
	}
	hash, most := xxhash.Sum64String(id.String()), uint64(0)
	for _, s := range c.streams {
		if score := mix(hash ^ s.seed); best == nil || score > most {
			best, most = s, score
		}
	}
	return best
}

// mix makes every bit of the result depend on every bit of x: the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
