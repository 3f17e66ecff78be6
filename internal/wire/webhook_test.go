package wire

import (
	"reflect"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestWebhooksRoundTrip(t *testing.T) {
	t.Parallel()
	by := chat.Caller{}
	events := []chat.WebhookEvent{chat.WebhookMessages}
	hook := chat.Webhook{
		ID: "x", URL: "https://example.org", Chats: []string{"a"}, Events: events, Bursts: true, Enabled: true, Reason: "r", Owner: "ann", Created: 1, Changed: 2,
		Secret: "s", Previous: "p", PreviousUntil: 3,
	}
	if got, err := WebhookOf(WebhookResponse(hook, nil)); err != nil || !reflect.DeepEqual(got, hook) {
		t.Errorf("a webhook becomes %+v, %v; want %+v", got, err, hook)
	}
	if got, err := WebhooksOf(WebhooksResponse([]chat.Webhook{hook}, nil)); err != nil || !reflect.DeepEqual(got, []chat.Webhook{hook}) {
		t.Errorf("webhooks become %+v, %v", got, err)
	}
	made := chat.NewWebhook{URL: "u", Chats: []string{"a"}, Events: events, Bursts: true}
	if got := NewWebhookOf(CreateWebhookRequest(made, by, "")); !reflect.DeepEqual(got, made) {
		t.Errorf("a new webhook becomes %+v, want %+v", got, made)
	}
	for _, change := range []chat.WebhookChange{
		{ID: "x"},
		{ID: "x", Chats: []string{}, Events: []chat.WebhookEvent{}}, // which is not the same as nil
		{ID: "x", URL: new("u"), Chats: []string{"a"}, Events: events, Bursts: new(false), Enabled: new(true), Rotate: new(true)},
	} {
		if got := WebhookChangeOf(ChangeWebhookRequest(change, by, "")); !reflect.DeepEqual(got, change) {
			t.Errorf("a change becomes %+v, want %+v", got, change)
		}
	}
	registered := chat.RegisteredWebhooks{Version: "v", Webhooks: []chat.Webhook{hook}, Removed: map[string]time.Duration{"y": time.Second}, Private: []string{"10.0.0.0/8"}}
	if got, err := RegisteredWebhooksOf(WebhookRegistryResponse(registered, nil)); err != nil || !reflect.DeepEqual(got, registered) {
		t.Errorf("the registry becomes %+v, %v; want %+v", got, err, registered)
	}
	failed := chat.Errorf(chat.NotFound, "no")
	for _, err := range []error{
		func() error { _, err := WebhookOf(WebhookResponse(hook, failed)); return err }(),
		func() error { _, err := WebhooksOf(WebhooksResponse(nil, failed)); return err }(),
		func() error { _, err := RegisteredWebhooksOf(WebhookRegistryResponse(registered, failed)); return err }(),
		WebhookRemovedOf(RemoveWebhookResponse(failed)), WebhookDisabledOf(DisableWebhookResponse(failed)),
	} {
		if chat.CodeOf(err) != chat.NotFound {
			t.Errorf("an error becomes %v, want not_found", err)
		}
	}
}
