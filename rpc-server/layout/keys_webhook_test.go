package layout

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestWebhooksKey pins the name, as TestUserKeys does.
func TestWebhooksKey(t *testing.T) {
	t.Parallel()
	k := NewKeys("im", DefaultPartitions, 0)
	if k.Webhooks() != "im:webhooks" {
		t.Errorf("the key is %s", k.Webhooks())
	}
	if name, ours := k.Parse(k.Webhooks()); !ours || name.Kind != WebhooksKey {
		t.Errorf("Parse(%q) = %+v, %v", k.Webhooks(), name, ours)
	}
}

// TestWebhookForms pins the stored forms of webhooks.
func TestWebhookForms(t *testing.T) {
	t.Parallel()
	few := chat.Webhook{ID: "x", URL: "https://example.org", Events: []chat.WebhookEvent{"messages"}, Enabled: true, Created: 1, Changed: 2, Secret: "s"}
	all := chat.Webhook{
		ID: "x", URL: "https://example.org", Chats: []string{"a:b"}, Events: []chat.WebhookEvent{"messages", "notices"}, Bursts: true, Reason: "410", Owner: "ann",
		Created: 1, Changed: 2, Secret: "s", Previous: "p", PreviousUntil: 3,
	}
	for want, w := range map[string]chat.Webhook{
		`{"url":"https://example.org","events":["messages"],"enabled":true,"created":1,"changed":2,"secret":"s"}`: few,
		`{"url":"https://example.org","chats":["a:b"],"events":["messages","notices"],"bursts":true,"enabled":false,"reason":"410","owner":"ann",` +
			`"created":1,"changed":2,"secret":"s","previous":"p","previous_until":3}`: all,
	} {
		got := WebhookJSON(w)
		if again, ok := ParseWebhook("x", got); got != want || !ok || !reflect.DeepEqual(again, w) {
			t.Errorf("WebhookJSON = %s, which is %+v; want %s", got, again, want)
		}
	}
	if _, ok := ParseWebhook("x", "none"); ok {
		t.Error("ParseWebhook(none) = true")
	}
	for want, r := range map[string]chat.RemovedWebhook{"7 ann": {ID: "x", Owner: "ann", At: 7}, "7 ": {ID: "x", At: 7}} {
		got := RemovedWebhookValue(r)
		if again, ok := ParseRemovedWebhook("removed:x", got); got != want || !ok || again != r {
			t.Errorf("RemovedWebhookValue = %q, which is %+v; want %q", got, again, want)
		}
	}
	if _, ok := ParseRemovedWebhook("x", "7 ann"); ok {
		t.Error("ParseRemovedWebhook(x) = true")
	}
}
