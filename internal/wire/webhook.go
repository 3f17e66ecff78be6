package wire

import (
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func webhook(w chat.Webhook) *rpc.Webhook {
	return &rpc.Webhook{
		Id: w.ID, Url: w.URL, Chats: w.Chats, Events: texts(w.Events), Bursts: optional(w.Bursts), Enabled: w.Enabled, Reason: optional(w.Reason),
		Owner: optional(w.Owner), Created: w.Created, Changed: w.Changed,
		Secret: optional(w.Secret), Previous: optional(w.Previous), PreviousUntil: optional(w.PreviousUntil),
	}
}

func webhookOf(w *rpc.Webhook) chat.Webhook {
	return chat.Webhook{
		ID: w.Id, URL: w.Url, Chats: w.Chats, Events: eventsOf(w.Events), Bursts: w.GetBursts(), Enabled: w.Enabled, Reason: w.GetReason(),
		Owner: w.GetOwner(), Created: w.Created, Changed: w.Changed,
		Secret: w.GetSecret(), Previous: w.GetPrevious(), PreviousUntil: w.GetPreviousUntil(),
	}
}

func texts(events []chat.WebhookEvent) []string {
	return convertTo(events, func(e chat.WebhookEvent) string { return string(e) })
}

func eventsOf(texts []string) []chat.WebhookEvent {
	return convertTo(texts, func(text string) chat.WebhookEvent { return chat.WebhookEvent(text) })
}

// CreateWebhookRequest is of chat.Webhooks.
func CreateWebhookRequest(w chat.NewWebhook, by chat.Caller, requestID string) *rpc.CreateWebhookRequest {
	return &rpc.CreateWebhookRequest{Url: w.URL, Chats: w.Chats, Events: texts(w.Events), Bursts: optional(w.Bursts), Meta: meta(by, requestID)}
}

func NewWebhookOf(r *rpc.CreateWebhookRequest) chat.NewWebhook {
	return chat.NewWebhook{URL: r.Url, Chats: r.Chats, Events: eventsOf(r.Events), Bursts: r.GetBursts()}
}

// ChangeWebhookRequest keeps an empty list apart from none.
func ChangeWebhookRequest(w chat.WebhookChange, by chat.Caller, requestID string) *rpc.ChangeWebhookRequest {
	r := &rpc.ChangeWebhookRequest{
		Id: w.ID, Url: w.URL, Chats: w.Chats, Bursts: w.Bursts, Enabled: w.Enabled, Rotate: w.Rotate, Meta: meta(by, requestID),
	}
	if w.Events != nil {
		r.Events = append([]string{}, texts(w.Events)...)
	}
	return r
}

func WebhookChangeOf(r *rpc.ChangeWebhookRequest) chat.WebhookChange {
	w := chat.WebhookChange{ID: r.Id, URL: r.Url, Chats: r.Chats, Bursts: r.Bursts, Enabled: r.Enabled, Rotate: r.Rotate}
	if r.Events != nil {
		w.Events = append([]chat.WebhookEvent{}, eventsOf(r.Events)...)
	}
	return w
}

func WebhookResponse(w chat.Webhook, err error) *rpc.WebhookResponse {
	code, text := outcome(err)
	response := &rpc.WebhookResponse{Code: code, Msg: text}
	if err == nil {
		response.Webhook = webhook(w)
	}
	return response
}

func WebhookOf(r *rpc.WebhookResponse) (chat.Webhook, error) {
	var w chat.Webhook
	if r.Webhook != nil {
		w = webhookOf(r.Webhook)
	}
	return w, errorOf(r.Code, r.Msg)
}

func WebhooksRequest(id string, by chat.Caller, requestID string) *rpc.WebhooksRequest {
	return &rpc.WebhooksRequest{Id: optional(id), Meta: meta(by, requestID)}
}

func WebhooksResponse(hooks []chat.Webhook, err error) *rpc.WebhooksResponse {
	code, text := outcome(err)
	return &rpc.WebhooksResponse{Code: code, Msg: text, Webhooks: convertTo(hooks, webhook)}
}

func WebhooksOf(r *rpc.WebhooksResponse) ([]chat.Webhook, error) {
	return convert(r.Webhooks, webhookOf), errorOf(r.Code, r.Msg)
}

// RemoveWebhookRequest is of chat.Webhooks; with forget of chat.WebhookRegistry.
func RemoveWebhookRequest(id string, forget bool, by chat.Caller, requestID string) *rpc.RemoveWebhookRequest {
	return &rpc.RemoveWebhookRequest{Id: id, Forget: optional(forget), Meta: meta(by, requestID)}
}

func RemoveWebhookResponse(err error) *rpc.RemoveWebhookResponse {
	code, text := outcome(err)
	return &rpc.RemoveWebhookResponse{Code: code, Msg: text}
}

func WebhookRemovedOf(r *rpc.RemoveWebhookResponse) error { return errorOf(r.Code, r.Msg) }

func WebhookRegistryRequest(known string, by chat.Caller, requestID string) *rpc.WebhookRegistryRequest {
	return &rpc.WebhookRegistryRequest{Version: optional(known), Meta: meta(by, requestID)}
}

func WebhookRegistryResponse(all chat.RegisteredWebhooks, err error) *rpc.WebhookRegistryResponse {
	code, text := outcome(err)
	response := &rpc.WebhookRegistryResponse{
		Code: code, Msg: text, Version: optional(all.Version), Unchanged: optional(all.Unchanged), Webhooks: convertTo(all.Webhooks, webhook), Private: all.Private,
	}
	for id, ago := range all.Removed {
		if response.Removed == nil {
			response.Removed = map[string]int64{}
		}
		response.Removed[id] = ago.Microseconds()
	}
	return response
}

func RegisteredWebhooksOf(r *rpc.WebhookRegistryResponse) (chat.RegisteredWebhooks, error) {
	all := chat.RegisteredWebhooks{Version: r.GetVersion(), Unchanged: r.GetUnchanged(), Webhooks: convert(r.Webhooks, webhookOf), Private: r.Private}
	for id, ago := range r.Removed {
		if all.Removed == nil {
			all.Removed = map[string]time.Duration{}
		}
		all.Removed[id] = time.Duration(ago) * time.Microsecond
	}
	return all, errorOf(r.Code, r.Msg)
}

func DisableWebhookRequest(id string, changed int64, reason string, by chat.Caller, requestID string) *rpc.DisableWebhookRequest {
	return &rpc.DisableWebhookRequest{Id: id, Changed: changed, Reason: reason, Meta: meta(by, requestID)}
}

func DisableWebhookResponse(err error) *rpc.DisableWebhookResponse {
	code, text := outcome(err)
	return &rpc.DisableWebhookResponse{Code: code, Msg: text}
}

func WebhookDisabledOf(r *rpc.DisableWebhookResponse) error { return errorOf(r.Code, r.Msg) }
