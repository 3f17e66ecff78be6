package layout

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// The keys of push notifications.
//
//	key                          type        content
//	                                         written by; expires
//	im:u:{<user>}:subscriptions  hash        device → "created subscription": in µs, and JSON
//	                                         subscribe.lua; never expires
//	im:u:{<user>}:muted          hash        chat → until when it is muted, in µs; 0 is for ever
//	                                         mute.lua; never expires
//	im:pushed                    sorted set  when it was listed, in µs → a user with subscriptions
//	                                         Store, before subscribe.lua; pushed.lua; never expires
//
// A user stays in im:pushed for a minute at least: a subscription may be on its way.

// Subscriptions is the key of a user's push subscriptions.
func (k Keys) Subscriptions(user string) string { return k.User(user) + ":" + SubscriptionsKey }

// Muted is the key of the chats that a user has muted.
func (k Keys) Muted(user string) string { return k.User(user) + ":" + MutedKey }

// Pushed is the key of the users with push subscriptions.
func (k Keys) Pushed() string { return k.Prefix + ":" + PushedKey }

// More kinds of keys, as KeyName has them.
const (
	SubscriptionsKey = "subscriptions"
	MutedKey         = "muted"
	PushedKey        = "pushed"
)

// subscription is the stored form.
type subscription struct {
	Kind     string `json:"kind"`
	Endpoint string `json:"endpoint,omitempty"`
	P256DH   string `json:"p256dh,omitempty"`
	Auth     string `json:"auth,omitempty"`
	Token    string `json:"token,omitempty"`
	Format   string `json:"format,omitempty"`
}

// FormatSubscription returns "created JSON", the value of a device.
func FormatSubscription(s chat.Subscription) string {
	stored, _ := json.Marshal(subscription{string(s.Kind), s.Endpoint, s.P256DH, s.Auth, s.Token, string(s.Format)}) // strings cannot fail
	return strconv.FormatInt(s.Created, 10) + " " + string(stored)
}

// ParseSubscription is the reverse; false for a malformed value.
func ParseSubscription(user, device, value string) (chat.Subscription, bool) {
	created, text, _ := strings.Cut(value, " ")
	var s subscription
	at, err := strconv.ParseInt(created, 10, 64)
	if err != nil || json.Unmarshal([]byte(text), &s) != nil || s.Kind == "" {
		return chat.Subscription{}, false
	}
	return chat.Subscription{
		User: user, Device: device, Created: at, Kind: chat.SubscriptionKind(s.Kind), Endpoint: s.Endpoint, P256DH: s.P256DH, Auth: s.Auth,
		Token: s.Token, Format: chat.PlainFormat(s.Format),
	}, true
}

// ParseMuted reads the end of a mute.
func ParseMuted(value string) (until int64, ok bool) {
	until, err := strconv.ParseInt(value, 10, 64)
	return until, err == nil && until >= 0
}
