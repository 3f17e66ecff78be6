package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Webhook is a URL to which a worker posts events of chats, signed as Standard Webhooks. With AUTH=on its methods need a
// service's token, or that of an admin of all its chats.
type Webhook struct {
	ID      string   `json:"id"`
	URL     string   `json:"url"`
	Chats   []string `json:"chats"`  // none is all chats
	Events  []string `json:"events"` // of "messages" and "notices"
	Bursts  bool     `json:"bursts"` // messages of one sender in one chat are gathered
	Enabled bool     `json:"enabled"`
	Reason  string   `json:"reason,omitempty"` // why the server has disabled it
	User    string   `json:"user,omitempty"`   // the user who created it; "" for a service
	Created int64    `json:"created"`          // microseconds since 1970: messages that follow are posted

	Secret        string `json:"secret,omitempty"`         // of the answers to a creation and a rotation
	PreviousUntil int64  `json:"previous_until,omitempty"` // until when the secret before a rotation signs too
}

// NewWebhook asks for a webhook.
type NewWebhook struct {
	URL    string   `json:"url"`
	Chats  []string `json:"chats,omitempty"`  // none is all chats, for services
	Events []string `json:"events,omitempty"` // empty: messages
	Bursts bool     `json:"bursts,omitempty"`
}

// WebhookChange is a request of ChangeWebhook. nil leaves a field unchanged.
type WebhookChange struct {
	URL     *string  `json:"url,omitempty"`
	Chats   []string `json:"chats,omitempty"`
	Events  []string `json:"events,omitempty"`
	Bursts  *bool    `json:"bursts,omitempty"`
	Enabled *bool    `json:"enabled,omitempty"` // true has a disabled webhook go on where it was
	Rotate  *bool    `json:"rotate,omitempty"`  // true: a new secret, beside which the old one signs for a day; false: the old one ends
}

const webhookUnknown = "it is unknown whether the webhook was changed: list the webhooks to see"

func webhookPath(id string) string { return "/api/webhooks/" + url.PathEscape(id) }

// CreateWebhook makes a webhook. A request that may have arrived is not retried, because there would be two. Then a *RetryError
// has Unknown.
func (c *Client) CreateWebhook(ctx context.Context, w NewWebhook) (Webhook, error) {
	var made Webhook
	body, err := json.Marshal(w)
	if err != nil {
		return made, err
	}
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/webhooks", body: body, stores: true, unknown: webhookUnknown}, &made)
	return made, err
}

// Webhooks returns the webhooks that the caller may change, oldest first.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	var answer struct{ Webhooks []Webhook }
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/webhooks"}, &answer)
	return answer.Webhooks, err
}

// Webhook returns one.
func (c *Client) Webhook(ctx context.Context, id string) (Webhook, error) {
	var shown Webhook
	err := c.call(ctx, request{method: http.MethodGet, path: webhookPath(id)}, &shown)
	return shown, err
}

// ChangeWebhook makes all of a change or nothing. A request that may have arrived is not retried, because a second rotation
// would end the secret before the first.
func (c *Client) ChangeWebhook(ctx context.Context, id string, change WebhookChange) (Webhook, error) {
	var changed Webhook
	body, err := json.Marshal(change)
	if err != nil {
		return changed, err
	}
	err = c.call(ctx, request{method: http.MethodPatch, path: webhookPath(id), body: body, stores: true, unknown: webhookUnknown}, &changed)
	return changed, err
}

// RemoveWebhook removes a webhook. Nothing more is posted after about a second.
func (c *Client) RemoveWebhook(ctx context.Context, id string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: webhookPath(id), stores: true, unknown: webhookUnknown}, &struct{}{})
}
