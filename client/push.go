package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// PushSubscription says how a device of a user gets notifications: over Web Push with Endpoint, P256DH and Auth, over Firebase
// Cloud Messaging with Token, or with a POST to a plain Endpoint.
type PushSubscription struct {
	Device   string `json:"device"`             // a device has one subscription
	Type     string `json:"type,omitempty"`     // "webpush", "fcm" or "plain"; it follows from the rest
	Endpoint string `json:"endpoint,omitempty"` // an https URL
	P256DH   string `json:"p256dh,omitempty"`
	Auth     string `json:"auth,omitempty"`   // answers leave it out
	Token    string `json:"token,omitempty"`  // answers leave it out
	Format   string `json:"format,omitempty"` // of a plain endpoint: "text", the default, or "json"
	Created  int64  `json:"created,omitempty"`
}

// Subscribe stores the subscription of a device of a user. It replaces the device's earlier one.
func (c *Client) Subscribe(ctx context.Context, user string, s PushSubscription) error {
	s.Created = 0
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.call(ctx, request{method: http.MethodPut, path: "/api/push/subscriptions?" + url.Values{"as": {user}}.Encode(), body: body}, &struct{}{})
}

// Unsubscribe ends the notifications of a device of a user.
func (c *Client) Unsubscribe(ctx context.Context, user, device string) error {
	path := "/api/push/subscriptions?" + url.Values{"as": {user}, "device": {device}}.Encode()
	return c.call(ctx, request{method: http.MethodDelete, path: path}, &struct{}{})
}

// Subscriptions returns the subscriptions of a user, sorted by device, and the key with which a browser subscribes, or "".
func (c *Client) Subscriptions(ctx context.Context, user string) (subscriptions []PushSubscription, vapidPublicKey string, err error) {
	var answer struct {
		Subscriptions []PushSubscription `json:"subscriptions"`
		Key           string             `json:"vapid_public_key"`
	}
	err = c.get(ctx, "/api/push/subscriptions", url.Values{"as": {user}}, &answer)
	return answer.Subscriptions, answer.Key, err
}

// MutedChat is a chat without push notifications.
type MutedChat struct {
	Chat  string `json:"chat"`
	Until int64  `json:"until,omitempty"` // microseconds since 1970; 0 is for ever
}

// Mute ends a user's push notifications of a chat, until a time; the zero time is for ever.
func (c *Client) Mute(ctx context.Context, user, chat string, until time.Time) error {
	r := request{method: http.MethodPut, path: mutedPath(user, chat)}
	if !until.IsZero() {
		body, err := json.Marshal(map[string]int64{"until": until.UnixMicro()})
		if err != nil {
			return err
		}
		r.body = body
	}
	return c.call(ctx, r, &struct{}{})
}

// Unmute is the reverse of Mute.
func (c *Client) Unmute(ctx context.Context, user, chat string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: mutedPath(user, chat)}, &struct{}{})
}

func mutedPath(user, chat string) string {
	return "/api/muted/" + url.PathEscape(chat) + "?" + url.Values{"as": {user}}.Encode()
}

// Muted returns the chats that a user has muted, sorted.
func (c *Client) Muted(ctx context.Context, user string) ([]MutedChat, error) {
	var answer struct {
		Chats []MutedChat `json:"chats"`
	}
	err := c.get(ctx, "/api/muted", url.Values{"as": {user}}, &answer)
	return answer.Chats, err
}
