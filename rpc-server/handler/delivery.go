package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// Deliver moves the position up to which a user has received a chat.
func (h *Handler) Deliver(ctx context.Context, r *rpc.DeliverRequest) (*rpc.DeliverResponse, error) {
	r = orEmpty(r)
	return wire.DeliverResponse(ask(ctx, h, h.services.Deliveries, "receipts", "Deliver", r,
		func(ctx context.Context, deliveries chat.Deliveries) (chat.Delivered, error) {
			return deliveries.Deliver(ctx, wire.DeliveryOf(r))
		})), nil
}

// Receipts returns how far a message has come.
func (h *Handler) Receipts(ctx context.Context, r *rpc.ReceiptsRequest) (*rpc.ReceiptsResponse, error) {
	r = orEmpty(r)
	return wire.ReceiptsResponse(ask(ctx, h, h.services.Deliveries, "receipts", "Receipts", r,
		func(ctx context.Context, deliveries chat.Deliveries) (chat.MessageReceipts, error) {
			return deliveries.Receipts(ctx, wire.ReceiptsRequestOf(r))
		})), nil
}
