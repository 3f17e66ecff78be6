package rpcclient

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
)

const many = 300 // chats, of which each of two servers surely has some

// pair is a watch of two servers, one of which is behind a network.
type pair struct {
	steady, shaky *hub
	network       *network
	ids           []chat.ID
	heard         *told
	watch         chat.Watch
}

func watchPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{steady: newHub(), shaky: newHub(), ids: rooms(t, many)}
	p.network = networkTo(t, serveHub(t, p.shaky))
	p.watch = watching(t, serveHub(t, p.steady), p.network.addr)
	p.heard = listenTo(t, p.watch)
	p.watch.Add(p.ids...)
	p.spread(t)
	return p
}

// spread waits until each chat is followed at one server, and both have some.
func (p *pair) spread(t *testing.T) {
	t.Helper()
	eventually(t, "chats are spread", func() bool {
		return p.shaky.following() > 50 && p.steady.following() > 50 && p.shaky.following()+p.steady.following() == many
	})
	eventually(t, "all are confirmed", func() bool { return p.heard.chats(1) == many })
}

// position sets the position that the servers confirm and hint from now on.
func (p *pair) position(position int64) {
	p.steady.set(func(h *hub) { h.position = position })
	p.shaky.set(func(h *hub) { h.position = position })
}

// TestAStreamBreaks: others confirm its chats at once, and the next stream does again.
func TestAStreamBreaks(t *testing.T) {
	t.Parallel()
	p := watchPair(t)
	lost := p.shaky.following()
	p.position(2)
	p.network.cut()
	eventually(t, "its chats are confirmed again", func() bool { return p.heard.chats(2) >= lost })
	p.spread(t)
}

// TestAHungServer: its chats are confirmed at another within a second. When it answers again, they are back.
func TestAHungServer(t *testing.T) {
	t.Parallel()
	p := watchPair(t)
	moves := p.shaky.following()
	p.position(2)
	p.network.freeze()
	start := time.Now()
	eventually(t, "its chats are confirmed by the other", func() bool { return p.heard.chats(2) == moves })
	if took := time.Since(start); took > 5*time.Second { // 0.7 s, on a machine that has the time
		t.Errorf("chats of a hung server moved after %v, want less than a second", took)
	}
	if got := p.steady.following(); got != many {
		t.Errorf("the other follows %d chats, want all %d", got, many)
	}
	p.steady.set(func(h *hub) { h.position = 3 })
	p.network.thaw()
	p.spread(t)
	if got := p.shaky.following(); got != moves {
		t.Errorf("%d chats moved back, want the %d that had gone", got, moves)
	}
	if again := p.heard.chats(3); again != 0 {
		t.Errorf("the other was told again of %d chats that had not moved, want none", again)
	}
}

// TestAllServersHang: the chats stay, and events of the meantime arrive.
func TestAllServersHang(t *testing.T) {
	t.Parallel()
	h := newHub()
	network := networkTo(t, serveHub(t, h))
	client := connect(t, network.addr)
	w := client.Watch()
	t.Cleanup(w.Close)
	heard := listenTo(t, w)
	w.Add(rooms(t, 10)...)
	eventually(t, "all are confirmed", func() bool { return heard.chats(1) == 10 })
	network.freeze()
	eventually(t, "it is seen to hang", func() bool { return !(*client.servers.current.Load())[0].serving.Load() })
	h.tell(chat.Event{Chat: rooms(t, 1)[0], Position: 2})
	w.Add(mustID(t, "another"))
	network.thaw()
	eventually(t, "all is heard", func() bool { return heard.chats(2) == 1 && heard.chats(1) == 11 })
	h.set(func(h *hub) {
		if h.adds != 11 {
			t.Errorf("%d chats were added, want 11: the stream was well", h.adds)
		}
	})
}

// TestOneServerHangsAfterTheOther: from the last one, chats go nowhere.
func TestOneServerHangsAfterTheOther(t *testing.T) {
	t.Parallel()
	first, second := networkTo(t, serveHub(t, newHub())), networkTo(t, serveHub(t, newHub()))
	w := watching(t, first.addr, second.addr).(*watch)
	heard := listenTo(t, w)
	w.Add(rooms(t, many)...)
	eventually(t, "all are confirmed", func() bool { return heard.chats(1) == many })
	allAtSecond := func(settled func(choice) bool) func() bool {
		return func() bool {
			w.mutex.Lock()
			defer w.mutex.Unlock()
			for _, a := range w.chats {
				if a.at == nil || a.at.server.addr != second.addr {
					return false
				}
			}
			return settled(w.choice)
		}
	}
	eventually(t, "both streams are open", func() bool {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		return len(w.choice.streams) == 2
	})
	first.freeze()
	eventually(t, "all are at the second", allAtSecond(func(c choice) bool { return c.serving }))
	second.freeze()
	eventually(t, "neither serves, and all are there still", allAtSecond(func(c choice) bool {
		return !c.serving && len(c.streams) == 2
	}))
}

// TestALostConnection: the server, or a balancer in front, has forgotten the stream without a word. It is opened again
// once the server answers.
func TestALostConnection(t *testing.T) {
	t.Parallel()
	h := newHub()
	network := networkTo(t, serveHub(t, h))
	client := connect(t, network.addr)
	w := client.Watch()
	t.Cleanup(w.Close)
	heard := listenTo(t, w)
	w.Add(rooms(t, 10)...)
	eventually(t, "all are confirmed", func() bool { return heard.chats(1) == 10 })
	h.set(func(h *hub) { h.position = 2 })
	network.forget()
	eventually(t, "all are confirmed again", func() bool { return heard.chats(2) == 10 })
}

// TestAServerStops: while it says that it will, its chats go to another, and each is followed by one of the two at any
// time. The stop does not wait for streams. When it is there again, its chats are back.
func TestAServerStops(t *testing.T) {
	t.Parallel()
	staying, leaving := newHub(), newHub()
	server := listenOver(t, leaving, "127.0.0.1:0")
	server.DrainDelay = 3 * time.Second
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	p := &pair{steady: staying, shaky: leaving, ids: rooms(t, many)}
	p.watch = watching(t, serveHub(t, staying), server.Addr().String())
	p.heard = listenTo(t, p.watch)
	p.watch.Add(p.ids...)
	p.spread(t)
	moves := leaving.following()
	p.position(2)
	start := time.Now()
	stop()
	for leaving.following() > 0 {
		for _, id := range p.ids {
			if !leaving.follows(id) && !staying.follows(id) {
				t.Fatalf("%v is followed nowhere", id)
			}
		}
		runtime.Gosched()
	}
	if took := time.Since(start); took >= server.DrainDelay {
		t.Errorf("chats moved after %v, want that before the server stops accepting", took)
	}
	eventually(t, "its chats are confirmed by the other", func() bool { return p.heard.chats(2) == moves })
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
	if took := time.Since(start); took > server.DrainDelay+4*time.Second {
		t.Errorf("the server stopped after %v, want it to wait for no stream", took)
	}
	run(t, listenOver(t, leaving, server.Addr().String()))
	p.spread(t)
}

// TestAMoveWaitsForTheConfirmation: a chat is removed where it was when it is heard at the new place.
func TestAMoveWaitsForTheConfirmation(t *testing.T) {
	t.Parallel()
	first, second := newHub(), newHub()
	late := listenOver(t, second, "127.0.0.1:0")
	t.Cleanup(func() { _ = late.Close() })
	addr := late.Addr().String()
	if err := late.Close(); err != nil {
		t.Fatal(err)
	}
	w := watching(t, serveHub(t, first), addr)
	heard := listenTo(t, w)
	w.Add(rooms(t, many)...)
	eventually(t, "all are confirmed", func() bool { return heard.chats(1) == many })
	second.set(func(h *hub) { h.mute = true })
	run(t, listenOver(t, second, addr))
	eventually(t, "some are added at the second", func() bool { return second.following() > 50 })
	if got := first.following(); got != many {
		t.Errorf("the first follows %d chats, want all %d until they are confirmed elsewhere", got, many)
	}
	for _, id := range rooms(t, many) {
		second.tell(chat.Event{Chat: id, Position: 2})
	}
	eventually(t, "each is followed at one", func() bool { return first.following()+second.following() == many })
}

// TestAServerIsNoLongerNamed: its stream ends, and its chats go to others.
func TestAServerIsNoLongerNamed(t *testing.T) {
	first, second := newHub(), newHub()
	server := listenOver(t, first, "127.0.0.1:0")
	run(t, server)
	_, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	run(t, listenOver(t, second, "127.0.0.2:"+port))
	named := []string{"127.0.0.1", "127.0.0.2"}
	servers := resolving(t, []string{"rpc:" + port}, func(string) []string { return named })
	w := newWatch(servers)
	t.Cleanup(w.Close)
	p := &pair{steady: first, shaky: second, ids: rooms(t, many), watch: w, heard: listenTo(t, w)}
	w.Add(p.ids...)
	p.spread(t)
	moves := second.following()
	p.position(2)
	named = named[:1]
	servers.resolve()
	eventually(t, "its chats are confirmed by the other", func() bool { return p.heard.chats(2) == moves })
	eventually(t, "its stream has ended", func() bool { return second.following() == 0 })
	named = []string{"127.0.0.1", "127.0.0.2"}
	servers.resolve()
	p.spread(t)
}

// TestCloseEndsAllGoroutines also with a server that hangs.
func TestCloseEndsAllGoroutines(t *testing.T) {
	for name, hangs := range map[string]bool{"all is well": false, "a server hangs": true} {
		t.Run(name, func(t *testing.T) {
			shaky, steady := newHub(), newHub()
			network := networkTo(t, serveHub(t, shaky))
			addrs := []string{network.addr, serveHub(t, steady)}
			warm := connectAll(t, addrs...) // goroutines that Kitex starts once for the process
			one := warm.Watch()
			one.Add(rooms(t, many)...)
			eventually(t, "all are followed", func() bool { return shaky.following()+steady.following() == many })
			warm.Close()
			eventually(t, "none is followed", func() bool { return shaky.following()+steady.following() == 0 })
			before := goleak.IgnoreCurrent()
			client, err := New(Config{RPCServers: addrs})
			if err != nil {
				t.Fatal(err)
			}
			w := client.Watch()
			w.Add(rooms(t, many)...)
			eventually(t, "all are followed", func() bool { return shaky.following()+steady.following() == many })
			if hangs {
				network.freeze()
				w.Add(rooms(t, 20_000)...)
			}
			start := time.Now()
			w.Close()
			client.Close()
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("Close() took %v, want it at once", took)
			}
			network.thaw()
			eventually(t, "none is followed", func() bool { return shaky.following()+steady.following() == 0 })
			network.end() // also of the connections that Kitex keeps for calls
			goleak.VerifyNone(t, before,
				goleak.IgnoreTopFunction("github.com/cloudwego/kitex/client.(*timeoutPool).createWorker.func1"))
		})
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	p := watchPair(t)
	var using sync.WaitGroup
	for i := range 4 {
		using.Go(func() {
			for range 50 {
				p.watch.Remove(p.ids[i*10 : i*10+10]...)
				p.watch.Add(p.ids[i*10 : i*10+10]...)
			}
		})
	}
	using.Go(func() {
		for range 5 {
			p.network.cut()
			p.steady.tell(chat.Event{Chat: p.ids[0], Position: 9})
		}
	})
	using.Wait()
	p.spread(t)
}
