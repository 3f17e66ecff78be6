package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Webhooks answers the routes of webhooks.
type Webhooks struct {
	*Handler
	webhooks chat.Webhooks
}

// NewWebhooks returns the routes over webhooks.
func NewWebhooks(h *Handler, webhooks chat.Webhooks) *Webhooks { return &Webhooks{h, webhooks} }

// webhooksBytes fits chat.MaxWebhookChats of the longest chats, and the longest URL.
const webhooksBytes = 24 << 10

func webhook(w chat.Webhook) *api.Webhook {
	answered := &api.Webhook{
		Id: w.ID, Url: w.URL, Chats: append([]string{}, w.Chats...), Events: []string{}, Bursts: w.Bursts, Enabled: w.Enabled, Created: w.Created,
		Reason: given(w.Reason), User: given(w.Owner), Secret: given(w.Secret), PreviousUntil: given(w.PreviousUntil),
	}
	for _, event := range w.Events {
		answered.Events = append(answered.Events, string(event))
	}
	return answered
}

// given returns nil for the zero value.
func given[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// webhookEvents keeps no events apart from an empty list.
func webhookEvents(texts []string) []chat.WebhookEvent {
	if texts == nil {
		return nil
	}
	events := make([]chat.WebhookEvent, len(texts))
	for i, text := range texts {
		events[i] = chat.WebhookEvent(text)
	}
	return events
}

func answerWebhook(c *app.RequestContext, status int, w chat.Webhook, err error) {
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, status, webhook(w))
}

// Create answers POST /api/webhooks.
func (w *Webhooks) Create(ctx context.Context, c *app.RequestContext) {
	var request api.CreateWebhookRequest
	if err := w.readLong(c, webhooksBytes, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	made, err := w.webhooks.CreateWebhook(ctx, chat.NewWebhook{
		URL: request.Url, Chats: request.Chats, Events: webhookEvents(request.Events), Bursts: request.Bursts,
	})
	answerWebhook(c, consts.StatusCreated, made, err)
}

// List answers GET /api/webhooks.
func (w *Webhooks) List(ctx context.Context, c *app.RequestContext) {
	hooks, err := w.webhooks.Webhooks(ctx, "")
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.WebhooksResponse{Webhooks: make([]*api.Webhook, len(hooks))}
	for i, hook := range hooks {
		answer.Webhooks[i] = webhook(hook)
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// Show answers GET /api/webhooks/{webhook}.
func (w *Webhooks) Show(ctx context.Context, c *app.RequestContext) {
	hooks, err := w.webhooks.Webhooks(ctx, c.Param("webhook"))
	if err == nil && len(hooks) != 1 {
		err = chat.Errorf(chat.NotFound, "there is no such webhook")
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answerWebhook(c, consts.StatusOK, hooks[0], nil)
}

// Change answers PATCH /api/webhooks/{webhook}.
func (w *Webhooks) Change(ctx context.Context, c *app.RequestContext) {
	var request api.ChangeWebhookRequest
	if err := w.readLong(c, webhooksBytes, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	changed, err := w.webhooks.ChangeWebhook(ctx, chat.WebhookChange{
		ID: c.Param("webhook"), URL: request.Url, Chats: request.Chats, Events: webhookEvents(request.Events), Bursts: request.Bursts,
		Enabled: request.Enabled, Rotate: request.Rotate,
	})
	answerWebhook(c, consts.StatusOK, changed, err)
}

// Remove answers DELETE /api/webhooks/{webhook}.
func (w *Webhooks) Remove(ctx context.Context, c *app.RequestContext) {
	if err := w.webhooks.RemoveWebhook(ctx, c.Param("webhook")); err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}
