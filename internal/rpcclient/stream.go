package rpcclient

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/wire"
)

// These limit a request in chats and bytes. The next request waits for the answer to this one. So the requests to a
// server that hangs fit into the kernel's buffers: Kitex does not bound a write, and cannot end a stream during one.
const (
	maxChatsInRequest = 1000
	maxRequestBytes   = 32 << 10
)

// An answer is late after answerLate. A stream that has been idle for askEvery is asked whether it is still there.
const (
	answerLate = 5 * time.Second
	askEvery   = 20 * time.Second
)

// stream is one stream of Watch. The mutex of its watch guards open and pending.
type stream struct {
	server *server
	kitex  imservice.IMService_WatchClient
	seed   uint64 // of the server

	open     bool             // the server has answered on it, and it has not ended
	pending  map[chat.ID]bool // chats to send to the server: true to add a chat, false to remove it
	more     chan struct{}    // one element: there is something pending
	answered chan struct{}    // one element: the server has heard the last request
}

func newStream(server *server, kitex imservice.IMService_WatchClient) *stream {
	return &stream{
		server: server, kitex: kitex, seed: xxhash.Sum64String(server.addr), pending: map[chat.ID]bool{},
		more: make(chan struct{}, 1), answered: make(chan struct{}, 1),
	}
}

func (s *stream) isOpen() bool { return s != nil && s.open }

// change has the server told of a chat. Only the last change of each chat is.
func (s *stream) change(id chat.ID, add bool) {
	if !s.isOpen() {
		return
	}
	s.pending[id] = add
	events.Ring(s.more)
}

// keep keeps a stream to a server open while it serves, until ctx ends.
func (w *watch) keep(ctx context.Context, server *server) {
	server.lookNow()
	pause := &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: time.Second,
	}
	pause.Reset()
	for w.untilServing(ctx, server) {
		if w.follow(ctx, server) {
			pause.Reset()
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// untilServing returns false where ctx has ended before.
func (w *watch) untilServing(ctx context.Context, server *server) bool {
	for {
		changed := w.servers.changed.next()
		if ctx.Err() != nil {
			return false
		}
		if server.serving.Load() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// follow opens a stream and passes on its events, until the stream breaks or ctx ends. It reports whether the server
// has answered. A server that does not know the method, or is about to stop, does not answer.
func (w *watch) follow(ctx context.Context, server *server) (answered bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kitex, err := server.kitex.Watch(ctx)
	if err != nil {
		return false
	}
	s := newStream(server, kitex)
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		defer cancel() // and so the loop below
		w.send(ctx, s)
	})
	defer cancel()
	defer w.broken(s)
	for {
		response, err := kitex.Recv(ctx)
		if err != nil {
			return answered
		}
		if told := wire.EventsOf(response); len(told) > 0 {
			w.confirmed(s, told)
			w.queue.Put(told...)
		}
		if len(response.Events) == 0 {
			if !answered {
				answered = true
				w.opened(s)
			}
			events.Ring(s.answered)
		}
	}
}

// send tells the server of changes until ctx ends, the stream breaks, or an answer is late. It begins with a request
// without chats, and sends another where hints may have been lost: when the server had not served for a while, or
// nothing was said for long. If it is another process by now, or the network has forgotten the connection, it breaks.
func (w *watch) send(ctx context.Context, s *stream) {
	late := time.NewTimer(answerLate)
	defer late.Stop()
	idle := time.NewTicker(askEvery)
	defer idle.Stop()
	for request, serving := (&rpc.WatchRequest{}), true; ; {
		if request != nil {
			if err := s.kitex.Send(ctx, request); err != nil {
				return
			}
			late.Reset(answerLate)
			select {
			case <-s.answered:
			case <-late.C:
				return
			case <-ctx.Done():
				return
			}
		}
		changed, did := w.servers.changed.next(), serving
		serving = s.server.serving.Load()
		if request = w.take(s); request != nil {
			continue
		}
		if serving && !did {
			request = &rpc.WatchRequest{}
			continue
		}
		select {
		case <-s.more:
		case <-changed:
		case <-idle.C:
			request = &rpc.WatchRequest{}
		case <-ctx.Done():
			return
		}
	}
}

// take returns the next request, or nil where nothing is pending.
func (w *watch) take(s *stream) *rpc.WatchRequest {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(s.pending) == 0 {
		return nil
	}
	var add, remove []chat.ID
	size := 0
	for id, added := range s.pending {
		if size += len(id.String()); len(add)+len(remove) == maxChatsInRequest || size > maxRequestBytes {
			break
		}
		delete(s.pending, id)
		if added {
			add = append(add, id)
		} else {
			remove = append(remove, id)
		}
	}
	return wire.WatchRequest(add, remove)
}
