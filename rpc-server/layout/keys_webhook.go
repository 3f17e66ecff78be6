package layout

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// The key of webhooks.
//
//	key          type  what it holds                                                  written by    expires
//	im:webhooks  hash  webhook → JSON, see WebhookJSON; "removed:<webhook>" → "µs owner": its projection is to be removed;
//	                   version → what is another one after every change               webhooks.lua  never

// Webhooks is the key of all webhooks.
func (k Keys) Webhooks() string { return k.Prefix + ":" + WebhooksKey }

// WebhooksKey is the kind of the key, as KeyName has it.
const WebhooksKey = "webhooks"

// The fields of webhooks, beside the webhooks themselves.
const (
	WebhooksVersion = "version"
	RemovedWebhook  = "removed:" // and the webhook
)

// webhook is a webhook's stored form.
type webhook struct {
	URL           string              `json:"url"`
	Chats         []string            `json:"chats,omitempty"`
	Events        []chat.WebhookEvent `json:"events"`
	Bursts        bool                `json:"bursts,omitempty"`
	Enabled       bool                `json:"enabled"`
	Reason        string              `json:"reason,omitempty"`
	Owner         string              `json:"owner,omitempty"`
	Created       int64               `json:"created"`
	Changed       int64               `json:"changed"`
	Secret        string              `json:"secret"`
	Previous      string              `json:"previous,omitempty"`
	PreviousUntil int64               `json:"previous_until,omitempty"`
}

// WebhookJSON is the stored form of a webhook.
func WebhookJSON(w chat.Webhook) string {
	encoded, _ := json.Marshal(webhook{ // nothing in it can fail
		URL: w.URL, Chats: w.Chats, Events: w.Events, Bursts: w.Bursts, Enabled: w.Enabled, Reason: w.Reason, Owner: w.Owner,
		Created: w.Created, Changed: w.Changed, Secret: w.Secret, Previous: w.Previous, PreviousUntil: w.PreviousUntil,
	})
	return string(encoded)
}

// ParseWebhook is the reverse of WebhookJSON. It is false for a malformed one.
func ParseWebhook(id, stored string) (chat.Webhook, bool) {
	var w webhook
	if err := json.Unmarshal([]byte(stored), &w); err != nil || w.URL == "" {
		return chat.Webhook{}, false
	}
	return chat.Webhook{
		ID: id, URL: w.URL, Chats: w.Chats, Events: w.Events, Bursts: w.Bursts, Enabled: w.Enabled, Reason: w.Reason, Owner: w.Owner,
		Created: w.Created, Changed: w.Changed, Secret: w.Secret, Previous: w.Previous, PreviousUntil: w.PreviousUntil,
	}, true
}

// RemovedWebhookValue is the stored form of a removed webhook.
func RemovedWebhookValue(r chat.RemovedWebhook) string {
	return strconv.FormatInt(r.At, 10) + " " + r.Owner
}

// ParseRemovedWebhook reads a field of removed webhooks and its value. It is false for other fields.
func ParseRemovedWebhook(field, stored string) (chat.RemovedWebhook, bool) {
	id, removed := strings.CutPrefix(field, RemovedWebhook)
	at, owner, _ := strings.Cut(stored, " ")
	n, err := strconv.ParseInt(at, 10, 64)
	return chat.RemovedWebhook{ID: id, Owner: owner, At: n}, removed && err == nil
}
