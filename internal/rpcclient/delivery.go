package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Deliveries = (*Client)(nil)

// Deliver implements chat.Deliveries.
func (c *Client) Deliver(ctx context.Context, d chat.Delivery) (chat.Delivered, error) {
	return ask(ctx, c, reads, imservice.Client.Deliver,
		wire.DeliverRequest(d, caller(ctx), logging.RequestID(ctx)), wire.DeliveredOf)
}

// Receipts implements chat.Deliveries.
func (c *Client) Receipts(ctx context.Context, r chat.MessageReceiptsRequest) (chat.MessageReceipts, error) {
	return ask(ctx, c, reads, imservice.Client.Receipts,
		wire.ReceiptsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.MessageReceiptsOf)
}
