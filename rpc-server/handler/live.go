package handler

import (
	"context"
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
	err := h.live.Signal(from(ctx, r), wire.SignalOf(r))
	h.logCall(ctx, "Signal", r.GetRequestId(), start, err)
	return wire.SignalResponse(err), nil
}

// Read moves a reader's cursor forward.
func (h *Handler) Read(ctx context.Context, r *rpc.ReadRequest) (*rpc.ReadResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	cursor, err := h.live.Read(from(ctx, r), wire.ReadRequestOf(r))
	h.logCall(ctx, "Read", r.GetRequestId(), start, err)
	return wire.ReadResponse(cursor, err), nil
}

// Attend says who watches chats through a gateway.
func (h *Handler) Attend(ctx context.Context, r *rpc.AttendRequest) (*rpc.AttendResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	err := h.live.Attend(from(ctx, r), r.Gateway, wire.AttendancesOf(r))
	h.logCall(ctx, "Attend", r.GetRequestId(), start, err)
	return wire.AttendResponse(err), nil
}

// Present says who watches a chat.
func (h *Handler) Present(ctx context.Context, r *rpc.PresentRequest) (*rpc.PresentResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	readers, err := h.live.Present(from(ctx, r), r.Chat)
	h.logCall(ctx, "Present", r.GetRequestId(), start, err)
	return wire.PresentResponse(readers, err), nil
}

// maxFollowed is how many chats one stream may follow. Others stay unconfirmed.
const maxFollowed = 1_000_000

// Watch tells a gateway what happens in the chats that it names, until the stream or the server ends. Every request is
// answered by a response without events as soon as it was heard: a gateway sends the next one then, so that what it
// has sent to a server that hangs is little.
func (h *Handler) Watch(ctx context.Context, stream rpc.IMService_WatchServer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := h.live.Watch()
	defer watch.Close()
	heard := make(chan struct{}, 1) // a request, or several
	go func() {
		defer cancel()               // a gateway that has gone is told nothing any more
		h.hear(stream, watch, heard) // it ends with the stream, which ends when this method returns
	}()
	news := make(chan []chat.Event)
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() {
		defer cancel()
		listen(ctx, watch, news)
	})
	defer cancel()
	return h.tell(ctx, stream, news, heard)
}

// tell sends what there is to say. It is the only one that sends.
func (h *Handler) tell(
	ctx context.Context, stream rpc.IMService_WatchServer, news <-chan []chat.Event, heard <-chan struct{},
) error {
	for {
		var events []chat.Event
		select {
		case <-ctx.Done():
			return nil
		case <-h.ended:
			return nil
		case <-heard:
		case events = <-news:
		}
		if err := stream.Send(ctx, wire.WatchResponse(events)); err != nil {
			return nil //nolint:nilerr // however it ended, the gateway opens another
		}
	}
}

// listen passes on a watch's events until ctx or the watch ends.
func listen(ctx context.Context, watch chat.Watch, news chan<- []chat.Event) {
	for {
		events, err := watch.Next(ctx)
		if err != nil {
			return
		}
		select {
		case news <- events:
		case <-ctx.Done():
			return
		}
	}
}

// hear takes what goes up a stream until it ends.
func (h *Handler) hear(stream rpc.IMService_WatchServer, watch chat.Watch, heard chan<- struct{}) {
	ctx := context.Background() // Kitex looks at the stream's own
	followed := map[chat.ID]struct{}{}
	for {
		var request watchRequest
		if err := stream.RecvMsg(ctx, &request); err != nil {
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
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}

// watchRequest is read only if it is as long as it says: the generated code makes room for the number of chats that a
// list claims, which can be more than there is memory.
type watchRequest struct{ rpc.WatchRequest }

// FastRead implements thrift.FastCodec.
func (r *watchRequest) FastRead(bytes []byte) (int, error) {
	if n, err := thrift.Binary.Skip(bytes, thrift.STRUCT); err != nil {
		return n, err
	}
	return r.WatchRequest.FastRead(bytes)
}
