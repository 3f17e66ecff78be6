package handler

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// Signal tells the watchers of a chat.
func (h *Handler) Signal(ctx context.Context, r *rpc.SignalRequest) (*rpc.SignalResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	err := h.live.Signal(ctx, wire.SignalOf(r))
	h.logCall(ctx, "Signal", r.GetRequestId(), start, err)
	return wire.SignalResponse(err), nil
}

// Read moves a reader's cursor forward.
func (h *Handler) Read(ctx context.Context, r *rpc.ReadRequest) (*rpc.ReadResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	cursor, err := h.live.Read(ctx, wire.ReadRequestOf(r))
	h.logCall(ctx, "Read", r.GetRequestId(), start, err)
	return wire.ReadResponse(cursor, err), nil
}

// Attend says who watches chats through a gateway.
func (h *Handler) Attend(ctx context.Context, r *rpc.AttendRequest) (*rpc.AttendResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	err := h.live.Attend(ctx, r.Gateway, wire.AttendancesOf(r))
	h.logCall(ctx, "Attend", r.GetRequestId(), start, err)
	return wire.AttendResponse(err), nil
}

// Present says who watches a chat.
func (h *Handler) Present(ctx context.Context, r *rpc.PresentRequest) (*rpc.PresentResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	readers, err := h.live.Present(ctx, r.Chat)
	h.logCall(ctx, "Present", r.GetRequestId(), start, err)
	return wire.PresentResponse(readers, err), nil
}

// Watch tells a gateway what happens in the chats that it names, until the stream or the server ends.
func (h *Handler) Watch(ctx context.Context, stream rpc.IMService_WatchServer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := h.live.Watch()
	defer watch.Close()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		defer cancel() // a gateway that has gone is told nothing any more
		h.hear(ctx, stream, watch)
	}()
	for {
		events, err := watch.Next(ctx)
		if err == nil {
			err = stream.Send(ctx, wire.WatchResponse(events))
		}
		if err != nil {
			cancel()
			<-heard
			return nil //nolint:nilerr // however it ended, the gateway opens another
		}
	}
}

// hear takes what goes up a stream until it ends.
func (h *Handler) hear(ctx context.Context, stream rpc.IMService_WatchServer, watch chat.Watch) {
	for {
		request, err := stream.Recv(ctx)
		if err != nil {
			return
		}
		add, remove, err := wire.WatchRequestOf(request)
		if err != nil {
			h.logCall(ctx, "Watch", "", time.Now(), err)
		}
		watch.Add(add...)
		watch.Remove(remove...)
	}
}
