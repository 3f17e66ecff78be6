package rpcclient

import (
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// hub is a chat.Live that confirms at once, sends watchers the events of a test, and knows the followed chats of each.
type hub struct {
	chattest.Silent
	mutex    sync.Mutex
	watches  map[*hubWatch]bool
	position int64 // of every chat
	adds     int   // chats, of all calls to Add
	largest  int   // chats in a call to Add
	mute     bool  // confirms nothing
}

type hubWatch struct {
	*events.Queue
	hub      *hub
	followed map[chat.ID]bool
}

func newHub() *hub { return &hub{watches: map[*hubWatch]bool{}, position: 1} }

func (h *hub) Watch() chat.Watch {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	w := &hubWatch{Queue: events.New(), hub: h, followed: map[chat.ID]bool{}}
	h.watches[w] = true
	return w
}

func (w *hubWatch) Add(ids ...chat.ID) {
	w.hub.mutex.Lock()
	defer w.hub.mutex.Unlock()
	w.hub.adds += len(ids)
	w.hub.largest = max(w.hub.largest, len(ids))
	for _, id := range ids {
		w.followed[id] = true
		if !w.hub.mute {
			w.Put(chat.Event{Chat: id, Position: w.hub.position})
		}
	}
}

func (w *hubWatch) Remove(ids ...chat.ID) {
	w.hub.mutex.Lock()
	defer w.hub.mutex.Unlock()
	for _, id := range ids {
		delete(w.followed, id)
	}
}

func (w *hubWatch) Close() {
	w.hub.mutex.Lock()
	defer w.hub.mutex.Unlock()
	delete(w.hub.watches, w)
	w.Queue.Close()
}

// tell gives an event to those who follow its chat.
func (h *hub) tell(e chat.Event) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for w := range h.watches {
		if w.followed[e.Chat] {
			w.Put(e)
		}
	}
}

// following counts the chats that are followed here, by the watches together.
func (h *hub) following() (n int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for w := range h.watches {
		n += len(w.followed)
	}
	return n
}

func (h *hub) follows(id chat.ID) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for w := range h.watches {
		if w.followed[id] {
			return true
		}
	}
	return false
}

func (h *hub) set(change func(*hub)) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	change(h)
}

// listenOver returns an rpc-server over a hub.
func listenOver(t *testing.T, h chat.Live, addr string) *service.Server {
	t.Helper()
	server, err := service.ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &counting{}}, Live: h}, io.NopCloser(nil), addr, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// serveHub runs an rpc-server over a hub until the test ends, and returns its address.
func serveHub(t *testing.T, h chat.Live) string {
	t.Helper()
	server := listenOver(t, h, "127.0.0.1:0")
	run(t, server)
	return server.Addr().String()
}

// eventually polls a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it does not come true that %s", what)
		}
	}
}

// network stands between clients and a server. It can be cut, and it can freeze: then it takes bytes no more, and says
// nothing, like a server that has been stopped by a signal.
type network struct {
	addr string

	mutex sync.Mutex
	open  map[net.Conn]bool // false: its bytes are lost
	flows chan struct{}     // closed while it is not frozen
	ended bool

	listener net.Listener
	running  sync.WaitGroup
}

func networkTo(t *testing.T, server string) *network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{
		addr: listener.Addr().String(), open: map[net.Conn]bool{}, flows: make(chan struct{}), listener: listener,
	}
	close(n.flows)
	n.running.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				_ = from.Close()
				continue
			}
			n.keep(from, to)
			n.running.Go(func() { n.carry(from, to) })
			n.running.Go(func() { n.carry(to, from) })
		}
	})
	t.Cleanup(n.end)
	return n
}

// end cuts it for good, and waits for its goroutines.
func (n *network) end() {
	_ = n.listener.Close()
	n.mutex.Lock()
	n.ended = true
	n.mutex.Unlock()
	n.thaw()
	n.cut()
	n.running.Wait()
}

func (n *network) keep(conns ...net.Conn) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, conn := range conns {
		n.open[conn] = true
		if n.ended {
			_ = conn.Close()
		}
	}
}

func (n *network) carry(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n.mutex.Lock()
		flows := n.flows
		n.mutex.Unlock()
		<-flows
		read, err := from.Read(buffer)
		n.mutex.Lock()
		flows = n.flows
		n.mutex.Unlock()
		<-flows
		n.mutex.Lock()
		carries, known := n.open[from]
		n.mutex.Unlock()
		if known && !carries && err == nil {
			continue
		}
		if _, written := to.Write(buffer[:read]); err != nil || written != nil {
			return
		}
	}
}

// cut ends all connections.
func (n *network) cut() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for conn := range n.open {
		_ = conn.Close()
	}
	clear(n.open)
}

// forget drops all further bytes of the open connections, without a word to either end.
func (n *network) forget() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for conn := range n.open {
		n.open[conn] = false
	}
}

func (n *network) freeze() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.flows = make(chan struct{})
}

func (n *network) thaw() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	select {
	case <-n.flows:
	default:
		close(n.flows)
	}
}

// told collects a watch's events until ctx ends.
type told struct {
	mutex  sync.Mutex
	events []chat.Event
}

func listenTo(t *testing.T, w chat.Watch) *told {
	t.Helper()
	heard := &told{}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		for {
			events, err := w.Next(ctx)
			if err != nil {
				return
			}
			heard.mutex.Lock()
			heard.events = append(heard.events, events...)
			heard.mutex.Unlock()
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return heard
}

// chats returns how many chats have been hinted at, from a position on.
func (h *told) chats(position int64) int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	found := map[chat.ID]bool{}
	for _, e := range h.events {
		if e.Kind == chat.Hint && e.Position >= position {
			found[e.Chat] = true
		}
	}
	return len(found)
}

func (h *told) has(is func(chat.Event) bool) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.ContainsFunc(h.events, is)
}
