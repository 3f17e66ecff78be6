package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Webhooks        = (*Client)(nil)
	_ chat.WebhookRegistry = (*Client)(nil)
)

func webhookError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; it is unknown whether the webhook was changed")
}

// CreateWebhook implements chat.Webhooks. One that may have arrived is not repeated: there would be two.
func (c *Client) CreateWebhook(ctx context.Context, w chat.NewWebhook) (chat.Webhook, error) {
	return ask(ctx, c, kind{false, webhookError}, imservice.Client.CreateWebhook,
		wire.CreateWebhookRequest(w, caller(ctx), logging.RequestID(ctx)), wire.WebhookOf)
}

// Webhooks implements chat.Webhooks.
func (c *Client) Webhooks(ctx context.Context, id string) ([]chat.Webhook, error) {
	return ask(ctx, c, reads, imservice.Client.Webhooks,
		wire.WebhooksRequest(id, caller(ctx), logging.RequestID(ctx)), wire.WebhooksOf)
}

// ChangeWebhook implements chat.Webhooks. One that may have arrived is not repeated: a second rotation ends the secret before the first.
func (c *Client) ChangeWebhook(ctx context.Context, w chat.WebhookChange) (chat.Webhook, error) {
	return ask(ctx, c, kind{false, webhookError}, imservice.Client.ChangeWebhook,
		wire.ChangeWebhookRequest(w, caller(ctx), logging.RequestID(ctx)), wire.WebhookOf)
}

// RemoveWebhook implements chat.Webhooks. One that may have arrived is not repeated: the second would find none.
func (c *Client) RemoveWebhook(ctx context.Context, id string) error {
	return tell(ctx, c, kind{false, webhookError}, imservice.Client.RemoveWebhook,
		wire.RemoveWebhookRequest(id, false, caller(ctx), logging.RequestID(ctx)), wire.WebhookRemovedOf)
}

// WebhookRegistry implements chat.WebhookRegistry.
func (c *Client) WebhookRegistry(ctx context.Context, known string) (chat.RegisteredWebhooks, error) {
	return ask(ctx, c, reads, imservice.Client.WebhookRegistry,
		wire.WebhookRegistryRequest(known, caller(ctx), logging.RequestID(ctx)), wire.RegisteredWebhooksOf)
}

// DisableWebhook implements chat.WebhookRegistry.
func (c *Client) DisableWebhook(ctx context.Context, id string, changed int64, reason string) error {
	return tell(ctx, c, reads, imservice.Client.DisableWebhook,
		wire.DisableWebhookRequest(id, changed, reason, caller(ctx), logging.RequestID(ctx)), wire.WebhookDisabledOf)
}

// ForgetWebhook implements chat.WebhookRegistry.
func (c *Client) ForgetWebhook(ctx context.Context, id string) error {
	return tell(ctx, c, reads, imservice.Client.RemoveWebhook,
		wire.RemoveWebhookRequest(id, true, caller(ctx), logging.RequestID(ctx)), wire.WebhookRemovedOf)
}
