package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Pushes = (*Client)(nil)

// Subscribe implements chat.Pushes.
func (c *Client) Subscribe(ctx context.Context, s chat.Subscription) error {
	return tell(ctx, c, reads, imservice.Client.Subscribe,
		wire.SubscribeRequest(s, caller(ctx), logging.RequestID(ctx)), wire.SubscribeOf)
}

// Unsubscribe implements chat.Pushes.
func (c *Client) Unsubscribe(ctx context.Context, u chat.Unsubscription) error {
	return tell(ctx, c, reads, imservice.Client.Unsubscribe,
		wire.UnsubscribeRequest(u, caller(ctx), logging.RequestID(ctx)), wire.UnsubscribeOf)
}

// Subscriptions implements chat.Pushes.
func (c *Client) Subscriptions(ctx context.Context, user string) ([]chat.Subscription, error) {
	return ask(ctx, c, reads, imservice.Client.Subscriptions,
		wire.SubscriptionsRequest(user, caller(ctx), logging.RequestID(ctx)), wire.SubscriptionsOf)
}

// Mute implements chat.Pushes.
func (c *Client) Mute(ctx context.Context, m chat.MuteRequest) error {
	return tell(ctx, c, reads, imservice.Client.Mute,
		wire.MuteRequest(m, caller(ctx), logging.RequestID(ctx)), wire.MuteOf)
}

// Muted implements chat.Pushes.
func (c *Client) Muted(ctx context.Context, user string) ([]chat.MutedChat, error) {
	return ask(ctx, c, reads, imservice.Client.Muted,
		wire.MutedRequest(user, caller(ctx), logging.RequestID(ctx)), wire.MutedOf)
}

// Subscribers implements chat.Pushes.
func (c *Client) Subscribers(ctx context.Context) (int64, error) {
	return ask(ctx, c, reads, imservice.Client.Subscribers,
		wire.SubscribersRequest(caller(ctx), logging.RequestID(ctx)), wire.SubscribersOf)
}

// PushTargets implements chat.Pushes.
func (c *Client) PushTargets(ctx context.Context, q chat.PushQuery) (chat.PushTargets, error) {
	return ask(ctx, c, reads, imservice.Client.PushTargets,
		wire.PushTargetsRequest(q, caller(ctx), logging.RequestID(ctx)), wire.PushTargetsOf)
}
