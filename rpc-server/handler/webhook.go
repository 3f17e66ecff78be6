package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// Webhooks is the part of the domain that webhooks are.
type Webhooks interface {
	chat.Webhooks
	chat.WebhookRegistry
}

// ofWebhooks is ask of webhooks.
func ofWebhooks[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, Webhooks) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Webhooks, "webhooks", method, r, do)
}

// CreateWebhook makes a webhook.
func (h *Handler) CreateWebhook(ctx context.Context, r *rpc.CreateWebhookRequest) (*rpc.WebhookResponse, error) {
	r = orEmpty(r)
	return wire.WebhookResponse(ofWebhooks(ctx, h, "CreateWebhook", r, func(ctx context.Context, w Webhooks) (chat.Webhook, error) {
		return w.CreateWebhook(ctx, wire.NewWebhookOf(r))
	})), nil
}

// Webhooks returns the webhooks that the caller may change.
func (h *Handler) Webhooks(ctx context.Context, r *rpc.WebhooksRequest) (*rpc.WebhooksResponse, error) {
	r = orEmpty(r)
	return wire.WebhooksResponse(ofWebhooks(ctx, h, "Webhooks", r, func(ctx context.Context, w Webhooks) ([]chat.Webhook, error) {
		return w.Webhooks(ctx, r.GetId())
	})), nil
}

// ChangeWebhook changes a webhook.
func (h *Handler) ChangeWebhook(ctx context.Context, r *rpc.ChangeWebhookRequest) (*rpc.WebhookResponse, error) {
	r = orEmpty(r)
	return wire.WebhookResponse(ofWebhooks(ctx, h, "ChangeWebhook", r, func(ctx context.Context, w Webhooks) (chat.Webhook, error) {
		return w.ChangeWebhook(ctx, wire.WebhookChangeOf(r))
	})), nil
}

// RemoveWebhook removes a webhook, or forgets a removed one.
func (h *Handler) RemoveWebhook(ctx context.Context, r *rpc.RemoveWebhookRequest) (*rpc.RemoveWebhookResponse, error) {
	r = orEmpty(r)
	_, err := ofWebhooks(ctx, h, "RemoveWebhook", r, func(ctx context.Context, w Webhooks) (struct{}, error) {
		if r.GetForget() {
			return done(w.ForgetWebhook(ctx, r.Id))
		}
		return done(w.RemoveWebhook(ctx, r.Id))
	})
	return wire.RemoveWebhookResponse(err), nil
}

// WebhookRegistry returns all webhooks, for workers.
func (h *Handler) WebhookRegistry(ctx context.Context, r *rpc.WebhookRegistryRequest) (*rpc.WebhookRegistryResponse, error) {
	r = orEmpty(r)
	return wire.WebhookRegistryResponse(ofWebhooks(ctx, h, "WebhookRegistry", r, func(ctx context.Context, w Webhooks) (chat.RegisteredWebhooks, error) {
		return w.WebhookRegistry(ctx, r.GetVersion())
	})), nil
}

// DisableWebhook disables a webhook, for workers.
func (h *Handler) DisableWebhook(ctx context.Context, r *rpc.DisableWebhookRequest) (*rpc.DisableWebhookResponse, error) {
	r = orEmpty(r)
	_, err := ofWebhooks(ctx, h, "DisableWebhook", r, func(ctx context.Context, w Webhooks) (struct{}, error) {
		return done(w.DisableWebhook(ctx, r.Id, r.Changed, r.Reason))
	})
	return wire.DisableWebhookResponse(err), nil
}
