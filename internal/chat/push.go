package chat

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Limits of push subscriptions and mutes.
const (
	MaxSubscriptions = 20   // of a user: one for each device
	MaxMuted         = 1000 // chats of a user
	MaxEndpointBytes = 2048 // of an endpoint, and of a token of FCM
	MaxPushTargets   = 1000 // users in one answer of PushTargets
)

// SubscriptionKind is the push service of a subscription.
type SubscriptionKind string

// The kinds.
const (
	WebPush       SubscriptionKind = "webpush" // an endpoint of Web Push (RFC 8030), with keys (RFC 8291)
	FCM           SubscriptionKind = "fcm"     // a token of Firebase Cloud Messaging
	PlainEndpoint SubscriptionKind = "plain"   // a POST to an https endpoint, as ntfy and UnifiedPush have it
)

// PlainFormat is the body of the POST to a plain endpoint.
type PlainFormat string

// The formats.
const (
	PlainText PlainFormat = "text" // the text is the body, the title a header, as ntfy has it
	PlainJSON PlainFormat = "json" // the body is the payload of Web Push, as UnifiedPush delivers it to an application
)

// Subscription says how a device of a user gets notifications.
type Subscription struct {
	User     string
	Device   string // of the user; it has one subscription
	Kind     SubscriptionKind
	Endpoint string      // of WebPush and PlainEndpoint
	P256DH   string      // of WebPush: the device's public key, base64url
	Auth     string      // of WebPush: the shared secret, base64url
	Token    string      // of FCM
	Format   PlainFormat // of PlainEndpoint; "" is PlainText
	Created  int64       // microseconds since 1970
}

// Unsubscription removes a device's subscription.
type Unsubscription struct {
	User    string
	Device  string
	Created int64 // only the subscription that was created then; 0 is any
}

// MuteRequest makes User mute a chat, or unmute it.
type MuteRequest struct {
	User  string
	Chat  string
	Mute  bool
	Until int64 // microseconds since 1970; 0 is for ever
}

// MutedChat is a chat of which its user is not told.
type MutedChat struct {
	Chat  string
	Until int64 // microseconds since 1970; 0 is for ever
}

// MaxPushMentions is the maximum number of Mentions of a PushQuery.
const MaxPushMentions = 1000

// PushQuery asks which users are to be told of a message.
type PushQuery struct {
	Chat     string
	Sender   string
	Position int64    // of the message
	Users    []string // only these; nil: all
	After    string   // the After of the previous page; "" is the beginning
	Mentions []string // users that the message mentions, at most MaxPushMentions; they are notified even if they have muted the chat
}

// PushTargets are the users of a chat to notify of a message, with their subscriptions. Left out are the sender, users
// who ignore the sender, and users who have muted the chat, unless they are mentioned. Users who have read the message
// with any device, or who follow the chat or an inbox, are left out too.
type PushTargets struct {
	Users      [][]Subscription // by user; each has at least one
	After      string           // where the next page begins; "" at the end
	ChatName   string           // the room's display name
	SenderName string           // the sender's
}

// Pushes hold the subscriptions and the muted chats of users. PushService implements it, and the RPC client does over the
// network. Its methods are safe for concurrent use and return an *Error or nil.
type Pushes interface {
	// Subscribe stores a device's subscription. It replaces the device's earlier one.
	Subscribe(context.Context, Subscription) error
	// Unsubscribe removes a device's subscription. It is idempotent.
	Unsubscribe(context.Context, Unsubscription) error
	// Subscriptions returns a user's subscriptions, sorted by device.
	Subscriptions(ctx context.Context, user string) ([]Subscription, error)
	// Mute mutes or unmutes a chat for a user. It is idempotent.
	Mute(context.Context, MuteRequest) error
	// Muted returns the chats that a user has muted, sorted.
	Muted(ctx context.Context, user string) ([]MutedChat, error)
	// Subscribers returns how many users have subscriptions, or had them lately. It is for services.
	Subscribers(context.Context) (int64, error)
	// PushTargets returns the users to notify of a message. It is for services.
	PushTargets(context.Context, PushQuery) (PushTargets, error)
}

// PushStore is the store of a PushService. It applies no rules: its arguments have been checked.
type PushStore interface {
	// AddSubscription stores a subscription and sets Created. The error is Conflict if the user has MaxSubscriptions others.
	AddSubscription(context.Context, Subscription) error
	// RemoveSubscription removes a subscription, if it exists.
	RemoveSubscription(context.Context, Unsubscription) error
	// ReadSubscriptions returns a user's subscriptions, sorted by device.
	ReadSubscriptions(ctx context.Context, user string) ([]Subscription, error)
	// SetMuted mutes or unmutes a chat. The error is Conflict if the user has muted MaxMuted others.
	SetMuted(ctx context.Context, user string, id ID, mute bool, until int64) error
	// ReadMuted returns the chats that are muted now, sorted.
	ReadMuted(ctx context.Context, user string) ([]MutedChat, error)
	// Subscribers returns how many users are listed as those with subscriptions.
	Subscribers(context.Context) (int64, error)
	// FindPushTargets answers a PushQuery.
	FindPushTargets(context.Context, ID, PushQuery) (PushTargets, error)
	// ReadNames is that of an InboxStore.
	ReadNames(ctx context.Context, rooms []ID, users []string) (ofRooms, ofUsers []string, err error)
}

// check returns why no subscription may look like this, or nil. It sets the kind and the format that follow from the rest.
func (s *Subscription) check() error {
	if err := checkWord("device", s.Device); err != nil {
		return err
	}
	kind := WebPush
	switch {
	case s.Token != "":
		kind = FCM
	case s.P256DH == "" && s.Auth == "":
		kind = PlainEndpoint
	}
	if s.Kind != "" && s.Kind != kind {
		return Errorf(InvalidArgument, "type %q: webpush has an endpoint, p256dh and auth, fcm a token, plain an endpoint alone", s.Kind)
	}
	s.Kind = kind
	if kind != PlainEndpoint && s.Format != "" {
		return Errorf(InvalidArgument, "format is for plain endpoints")
	}
	switch kind {
	case FCM:
		return s.checkToken()
	case WebPush:
		if err := checkKey("p256dh", s.P256DH, publicKeyBytes); err != nil {
			return err
		}
		if err := checkKey("auth", s.Auth, 16); err != nil {
			return err
		}
	default:
		if s.Format == "" {
			s.Format = PlainText
		}
		if s.Format != PlainText && s.Format != PlainJSON {
			return Errorf(InvalidArgument, "format is %q; it is text or json", s.Format)
		}
	}
	return checkEndpoint(s.Endpoint)
}

func (s *Subscription) checkToken() error {
	switch {
	case s.Endpoint != "" || s.P256DH != "" || s.Auth != "":
		return Errorf(InvalidArgument, "a subscription has a token of FCM or an endpoint, not both")
	case len(s.Token) > MaxEndpointBytes:
		return Errorf(InvalidArgument, "token is %d bytes; the limit is %d", len(s.Token), MaxEndpointBytes)
	case strings.ContainsFunc(s.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Errorf(InvalidArgument, "token has characters that are not allowed in a token of FCM")
	}
	return nil
}

// publicKeyBytes is the size of a public key of P-256 that is not compressed.
const publicKeyBytes = 65

// checkKey refuses a value other than size bytes of base64url, with or without padding.
func checkKey(what, key string, size int) error {
	decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(key, "="))
	if err == nil && size == publicKeyBytes {
		_, err = ecdh.P256().NewPublicKey(decoded)
	}
	if err != nil || len(decoded) != size {
		return Errorf(InvalidArgument, "%s is not %d bytes in base64url, as a PushSubscription of a browser has it", what, size)
	}
	return nil
}

// checkEndpoint refuses URLs that no push service has. Networks are checked when the endpoint is called.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return Errorf(InvalidArgument, "endpoint is missing")
	}
	if len(endpoint) > MaxEndpointBytes || !utf8.ValidString(endpoint) {
		return Errorf(InvalidArgument, "endpoint is longer than %d bytes, or not UTF-8", MaxEndpointBytes)
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Hostname() == "":
		return Errorf(InvalidArgument, "endpoint is not a URL")
	case u.Scheme != "https":
		return Errorf(InvalidArgument, "endpoint is not an https URL")
	case u.User != nil || strings.Contains(endpoint, "#"):
		return Errorf(InvalidArgument, "endpoint has a user or a fragment")
	}
	return nil
}
