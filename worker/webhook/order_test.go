package webhook_test

import (
	"encoding/json"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/worker/webhook"
)

// TestOrderInRooms: bans, mutes, slow mode, announcements and pins come as notices, each once, with the documented fields. A webhook
// for messages alone gets none of them.
func TestOrderInRooms(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	notices, messages := receive(t, nil), receive(t, nil)
	b.room("club", "ann", "bob")
	said := b.send("club", "ann", "said")
	b.create("", chat.NewWebhook{URL: notices.URL, Chats: []string{"club"}, Events: []chat.WebhookEvent{chat.WebhookNotices}})
	hook := b.create("", chat.NewWebhook{URL: messages.URL, Chats: []string{"club"}})
	b.work(webhook.Config{})
	orderings := chattest.Orderings("club", "ann", "bob", said)
	for _, o := range orderings {
		if _, err := b.ChangeRoom(b.as("ann"), o.Change); err != nil {
			t.Fatalf("%s: %v", o.Change.Kind, err)
		}
	}
	got := notices.wait("a notice of each", func(got []delivery) bool { return len(got) >= len(orderings) })
	if len(got) != len(orderings) {
		t.Fatalf("%d notices came, want %d: %s", len(got), len(orderings), texts(got))
	}
	after := said
	for i, d := range got {
		var body struct{ Data json.RawMessage }
		if err := json.Unmarshal(d.body, &body); err != nil || d.Type != "notice" {
			t.Errorf("the type is %q of %s, %v; want notice", d.Type, d.body, err)
		}
		if want := chat.EventID("club", d.Data.SendTime); d.ID != want {
			t.Errorf("webhook-id = %q, want %q", d.ID, want)
		}
		after = orderings[i].Told(t, body.Data, after)
	}
	b.send("club", "ann", "last")
	first := messages.wait("the last message", func(got []delivery) bool { return len(got) > 0 })[0]
	verified(t, first, hook.Secret)
	if first.Data.Text != "last" {
		t.Errorf("a webhook for messages got %s", first.body)
	}
}
