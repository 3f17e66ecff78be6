package handler

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/cloudwego/gopkg/protocol/thrift"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// Signal tells the watchers of a chat.
func (h *Handler) Signal(ctx context.Context, r *rpc.SignalRequest) (*rpc.SignalResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	err := h.services.Live.Signal(from(ctx, r), wire.SignalOf(r))
	h.logCall(ctx, "Signal", wire.RequestIDOf(r), start, err)
	return wire.SignalResponse(err), nil
}

// Read moves a reader's cursor forward.
func (h *Handler) Read(ctx context.Context, r *rpc.ReadRequest) (*rpc.ReadResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	cursor, err := h.services.Live.Read(from(ctx, r), wire.ReadRequestOf(r))
	h.logCall(ctx, "Read", wire.RequestIDOf(r), start, err)
	return wire.ReadResponse(cursor, err), nil
}

// Attend says who watches chats through a gateway.
func (h *Handler) Attend(ctx context.Context, r *rpc.AttendRequest) (*rpc.AttendResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	err := h.services.Live.ReportPresence(from(ctx, r), r.Gateway, wire.AttendancesOf(r))
	h.logCall(ctx, "Attend", wire.RequestIDOf(r), start, err)
	return wire.AttendResponse(err), nil
}

// Present says who watches a chat.
func (h *Handler) Present(ctx context.Context, r *rpc.PresentRequest) (*rpc.PresentResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	readers, err := h.services.Live.Present(from(ctx, r), r.Chat)
	h.logCall(ctx, "Present", wire.RequestIDOf(r), start, err)
	return wire.PresentResponse(readers, err), nil
}

// maxFollowed is how many chats one stream may follow. Others stay unconfirmed.
const maxFollowed = 1_000_000

// Watch sends a gateway the events of the chats that it names, until the stream or the server ends. Every request is
// answered at once, by a response without events. The gateway then sends the next request, so little is in flight to a
// server that hangs.
func (h *Handler) Watch(ctx context.Context, stream rpc.IMService_WatchServer) error {
	ctx, cancel := context.WithCancel(ctx)
	watch := h.services.Live.Watch()
	defer watch.Close()
	down := &downstream{stream: stream}
	defer down.close()
	var stopping sync.WaitGroup
	defer stopping.Wait()
	defer cancel()
	stopping.Go(func() {
		select {
		case <-h.ended:
			cancel()
		case <-ctx.Done():
		}
	})
	go func() {
		defer cancel()                   // a gateway that has gone is told nothing any more
		h.hear(ctx, stream, watch, down) // it ends with the stream, which ends when this method returns
	}()
	for {
		events, err := watch.Next(ctx)
		if err == nil {
			err = down.send(ctx, events)
		}
		if err != nil {
			return nil // however it ended, the gateway opens another
		}
	}
}

// downstream sends responses over a stream, from one goroutine at a time.
type downstream struct {
	stream rpc.IMService_WatchServer
	mutex  sync.Mutex
	closed bool
}

func (d *downstream) send(ctx context.Context, events []chat.Event) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	return d.stream.Send(ctx, wire.WatchResponse(events))
}

// close lets nothing be sent any more: the stream is not to be used when its method has returned.
func (d *downstream) close() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.closed = true
}

// hear reads and answers the requests of a stream, until the stream ends.
func (h *Handler) hear(ctx context.Context, stream rpc.IMService_WatchServer, watch chat.Watch, down *downstream) {
	followed := map[chat.ID]struct{}{}
	for {
		var request watchRequest // Kitex looks at the stream's own context
		if err := stream.RecvMsg(context.Background(), &request); err != nil {
			return
		}
		add, remove, err := wire.WatchRequestOf(&request.WatchRequest)
		for _, id := range remove {
			delete(followed, id)
		}
		for i, id := range add {
			if _, known := followed[id]; !known && len(followed) == h.maxFollowed {
				add, err = add[:i], chat.Errorf(chat.ResourceExhausted, "a stream follows %d chats at most", h.maxFollowed)
				break
			}
			followed[id] = struct{}{}
		}
		if err != nil {
			h.logCall(ctx, "Watch", "", time.Now(), err)
		}
		watch.Add(add...)
		watch.Remove(remove...)
		if down.send(ctx, nil) != nil {
			return
		}
	}
}

// watchRequest is decoded only if it has its stated length: the generated code allocates for the claimed number of chats,
// which may exceed the memory.
type watchRequest struct{ rpc.WatchRequest }

// FastRead implements thrift.FastCodec.
func (r *watchRequest) FastRead(bytes []byte) (int, error) {
	if n, err := thrift.Binary.Skip(bytes, thrift.STRUCT); err != nil {
		return n, err
	}
	return r.WatchRequest.FastRead(bytes)
}
