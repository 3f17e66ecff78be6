package layout

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestPushKeys pins the names, as TestUserKeys does.
func TestPushKeys(t *testing.T) {
	k := NewKeys("im", DefaultPartitions, 0)
	for _, c := range []struct{ got, want, kind string }{
		{k.Subscriptions("alice"), "im:u:{alice}:subscriptions", SubscriptionsKey},
		{k.Muted("alice"), "im:u:{alice}:muted", MutedKey},
		{k.Pushed(), "im:pushed", PushedKey},
	} {
		if c.got != c.want {
			t.Errorf("key = %q, want %q", c.got, c.want)
		}
		if name, ours := k.Parse(c.got); !ours || name.Kind != c.kind {
			t.Errorf("Parse(%q) = %+v, %v; want kind %q", c.got, name, ours, c.kind)
		}
	}
}

func TestSubscriptionsRoundTrip(t *testing.T) {
	want := chat.Subscription{
		User: "ann", Device: "phone", Kind: chat.WebPush, Endpoint: "https://push.example/1", P256DH: "p", Auth: "a", Token: "t",
		Format: chat.PlainJSON, Created: 7,
	}
	if got, ok := ParseSubscription("ann", "phone", FormatSubscription(want)); !ok || got != want {
		t.Errorf("ParseSubscription(FormatSubscription(s)) = %+v, %v; want %+v", got, ok, want)
	}
	for _, malformed := range []string{"", "7", "7 {}", "x {\"kind\":\"fcm\"}", "7 nothing"} {
		if _, ok := ParseSubscription("ann", "phone", malformed); ok {
			t.Errorf("ParseSubscription(%q) is ok", malformed)
		}
	}
}
