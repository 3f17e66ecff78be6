package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// fakeWebhooks echo their requests, and fail as the service does.
type fakeWebhooks struct{ service *fakeService }

func (f fakeWebhooks) CreateWebhook(_ context.Context, w chat.NewWebhook) (chat.Webhook, error) {
	made := chat.Webhook{ID: "x", URL: w.URL, Chats: w.Chats, Events: w.Events, Bursts: w.Bursts, Enabled: true, Created: 1, Secret: "whsec_x"}
	return made, f.service.err()
}

func (f fakeWebhooks) Webhooks(_ context.Context, id string) ([]chat.Webhook, error) {
	if id == "none" {
		return nil, chat.Errorf(chat.NotFound, "there is none")
	}
	hook := chat.Webhook{ID: "x", URL: "https://example.org", Events: []chat.WebhookEvent{chat.WebhookMessages}, Reason: "410", Owner: "a", Created: 1, PreviousUntil: 2}
	return []chat.Webhook{hook}, f.service.err()
}

func (f fakeWebhooks) ChangeWebhook(_ context.Context, w chat.WebhookChange) (chat.Webhook, error) {
	return chat.Webhook{ID: w.ID, URL: "https://example.org", Chats: w.Chats, Events: w.Events, Created: 1}, f.service.err()
}

func (f fakeWebhooks) RemoveWebhook(context.Context, string) error { return f.service.err() }
