package wire

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestPushRoundTrip: requests and answers arrive unchanged.
func TestPushRoundTrip(t *testing.T) {
	t.Parallel()
	by := chat.Caller{User: "ann"}
	s := chat.Subscription{
		User: "ann", Device: "phone", Kind: chat.WebPush, Endpoint: "https://push.example/1", P256DH: "p", Auth: "a", Token: "t",
		Format: chat.PlainJSON, Created: 7,
	}
	of := func(user, device string) chat.Subscription { s := s; s.User, s.Device = user, device; return s }
	u := chat.Unsubscription{User: "ann", Device: "phone", Created: 7}
	m := chat.MuteRequest{User: "ann", Chat: "club", Mute: true, Until: 8}
	q := chat.PushQuery{Chat: "club", Sender: "bob", Position: 9, Users: []string{"ann"}, After: "ann", Mentions: []string{"ann"}}
	targets := chat.PushTargets{
		Users: [][]chat.Subscription{{of("ann", "pad"), of("ann", "phone")}, {of("cid", "pad")}}, After: "dan", ChatName: "The club", SenderName: "Bob",
	}
	muted := []chat.MutedChat{{Chat: "ann:bob"}, {Chat: "club", Until: 5}}
	for name, c := range map[string]struct{ got, want any }{
		"subscription":   {SubscribeRequestOf(SubscribeRequest(s, by, "id")), s},
		"unsubscription": {UnsubscribeRequestOf(UnsubscribeRequest(u, by, "id")), u},
		"mute":           {MuteRequestOf(MuteRequest(m, by, "id")), m},
		"query":          {PushQueryOf(PushTargetsRequest(q, by, "id")), q},
		"targets":        {first(PushTargetsOf(PushTargetsResponse(targets, nil))), targets},
		"subscriptions":  {first(SubscriptionsOf(SubscriptionsResponse([]chat.Subscription{s}, nil))), []chat.Subscription{s}},
		"muted":          {first(MutedOf(MutedResponse(muted, nil))), muted},
		"subscribers":    {first(SubscribersOf(SubscribersResponse(3, nil))), int64(3)},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("the %s is %+v, want %+v", name, c.got, c.want)
		}
	}
	if err := MuteOf(MuteResponse(chat.Errorf(chat.Conflict, "no"))); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("the error is %v, want a conflict", err)
	}
}

func first[T any](value T, _ error) T { return value }
