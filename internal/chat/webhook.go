package chat

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A webhook has a worker post the events of chats to a URL. Each is a projection of its own: WebhookProjection is its
// name. docs/webhooks.md describes the requests to receivers.

// Limits of webhooks.
const (
	MaxWebhooks      = 1000 // in all
	MaxUserWebhooks  = 10   // of one user
	MaxWebhookChats  = 100  // that one names
	MaxWebhookURL    = 2048 // bytes
	maxWebhookReason = 500  // bytes

	// SecretOverlaps is how long the secret before a rotation signs beside the new one.
	SecretOverlaps = 24 * time.Hour
)

// WebhookEvent is a kind of events.
type WebhookEvent string

// The kinds of events.
const (
	WebhookMessages WebhookEvent = "messages" // of users
	WebhookNotices  WebhookEvent = "notices"  // changes of rooms
)

// Webhook is a subscription of a URL.
type Webhook struct {
	ID      string
	URL     string
	Chats   []string // canonical ids; empty: all chats
	Events  []WebhookEvent
	Bursts  bool // messages of one sender in one chat are gathered
	Enabled bool
	Reason  string // why the server has disabled it; "" is a caller
	Owner   string // the user who made it, who must be admin of all Chats; "" is a service
	Created int64  // microseconds since 1970: messages that follow are posted
	Changed int64  // rises with each change

	// The secrets in the form of Standard Webhooks, "whsec_…". Only the answers to a creation and a rotation have Secret,
	// and only workers get Previous.
	Secret        string
	Previous      string // the one before a rotation
	PreviousUntil int64  // until when it signs too
}

// WebhookProjection is the name of a webhook's projection.
func WebhookProjection(id string) string { return "webhook." + id }

// NewWebhook asks for a webhook.
type NewWebhook struct {
	URL    string
	Chats  []string       // none is all chats, for services
	Events []WebhookEvent // empty: messages
	Bursts bool
}

// WebhookChange asks for a change. nil is unchanged.
type WebhookChange struct {
	ID      string
	URL     *string
	Chats   []string
	Events  []WebhookEvent
	Bursts  *bool
	Enabled *bool
	Rotate  *bool // true: a new secret, beside which the old one signs for SecretOverlaps; false: the old one ends now
}

// Webhooks manages webhooks. A service manages all of them; a user those that only name rooms of which the user is an admin.
// WebhookService implements it, and the RPC client does over the network.
type Webhooks interface {
	// CreateWebhook makes a webhook. Its answer has the secret.
	CreateWebhook(context.Context, NewWebhook) (Webhook, error)
	// Webhooks returns those that the caller may change, oldest first, or the one with an id, which is NotFound otherwise.
	Webhooks(ctx context.Context, id string) ([]Webhook, error)
	// ChangeWebhook makes all of a change or nothing. The answer to a rotation has the secret.
	ChangeWebhook(context.Context, WebhookChange) (Webhook, error)
	// RemoveWebhook removes a webhook. A request that is under way may still reach the receiver.
	RemoveWebhook(ctx context.Context, id string) error
}

// WebhookRegistry has the methods that workers need to run webhooks. They are for services; with AUTH off, for anyone.
type WebhookRegistry interface {
	// WebhookRegistry returns all webhooks with their secrets, or that the known version is the newest. First it disables
	// those of users who are no longer admins.
	WebhookRegistry(ctx context.Context, known string) (RegisteredWebhooks, error)
	// DisableWebhook disables a webhook that has not been changed since.
	DisableWebhook(ctx context.Context, id string, changed int64, reason string) error
	// ForgetWebhook ends the mention of a removed webhook. Its projection must have been removed.
	ForgetWebhook(ctx context.Context, id string) error
}

// RegisteredWebhooks is the result of WebhookRegistry.
type RegisteredWebhooks struct {
	Version   string
	Unchanged bool // Version is the known one: only Private is set besides
	Webhooks  []Webhook
	Removed   map[string]time.Duration // webhook → how long ago it was removed
	Private   []string                 // networks that webhooks may reach although they are private
}

// StoredWebhooks are all webhooks as they are stored.
type StoredWebhooks struct {
	Version  string // changes with every change; "" for none
	Clock    int64  // the storage's, in microseconds since 1970
	Webhooks []Webhook
	Removed  []RemovedWebhook
}

// RemovedWebhook is one whose projection is to be removed.
type RemovedWebhook struct {
	ID    string
	Owner string
	At    int64 // microseconds since 1970
}

// WebhookEdit changes the webhooks if their version is still the same.
type WebhookEdit struct {
	Version string
	Set     []Webhook
	Removed []RemovedWebhook
	Forget  []string // ids of removed ones
}

// WebhookStore holds webhooks. Its arguments have been checked.
type WebhookStore interface {
	RoomReader
	// WebhookVersion returns the version of all webhooks.
	WebhookVersion(context.Context) (string, error)
	// ReadWebhooks returns all webhooks, oldest first.
	ReadWebhooks(context.Context) (StoredWebhooks, error)
	// EditWebhooks makes an edit. It returns false if the version is another one.
	EditWebhooks(context.Context, WebhookEdit) (bool, error)
	// ChangeProjection is that of Projections.
	ChangeProjection(context.Context, ProjectionChange) error
}

// checkURL returns why no webhook may have a URL, or nil. The addresses behind a name are checked when they are dialed.
func (o WebhookOptions) checkURL(text string) error {
	if len(text) > MaxWebhookURL {
		return Errorf(InvalidArgument, "url is %d bytes; the limit is %d", len(text), MaxWebhookURL)
	}
	parsed, err := url.Parse(text)
	switch {
	case text == "":
		return Errorf(InvalidArgument, "url is missing")
	case err != nil || parsed.Hostname() == "" || strings.ContainsFunc(text, notURL):
		return Errorf(InvalidArgument, "url is not one like https://example.org/hook")
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || len(o.Private) == 0):
		return Errorf(InvalidArgument, "url begins with %q; it must begin with https://", parsed.Scheme+"://")
	case parsed.User != nil:
		return Errorf(InvalidArgument, "url has a user or a password; receivers verify the signature instead")
	case parsed.Fragment != "":
		return Errorf(InvalidArgument, "url has a fragment, which is never sent; leave out # and what follows")
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	host := strings.TrimSuffix(strings.ToLower(parsed.Hostname()), ".")
	if err != nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		address, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if err == nil && o.Reachable != nil && !o.Reachable(address) {
		return Errorf(InvalidArgument, "url has the private address %s; WEBHOOK_ALLOW_PRIVATE of the rpc-server can allow it", address)
	}
	return nil
}

// notURL: other characters are escaped in a URL.
func notURL(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^{|}`+"`", r) }

// checkWebhookChats returns the canonical form of chats, each once.
func checkWebhookChats(chats []string) ([]string, error) {
	if len(chats) > MaxWebhookChats {
		return nil, Errorf(InvalidArgument, "%d chats are too many; the limit is %d", len(chats), MaxWebhookChats)
	}
	var canonical []string
	for _, name := range chats {
		id, err := ParseID(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(canonical, id.String()) {
			canonical = append(canonical, id.String())
		}
	}
	return canonical, nil
}

// checkWebhookEvents returns the kinds of events, each once; messages for none.
func checkWebhookEvents(events []WebhookEvent) ([]WebhookEvent, error) {
	var kinds []WebhookEvent
	for _, kind := range []WebhookEvent{WebhookMessages, WebhookNotices} {
		if slices.Contains(events, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, event := range events {
		if !slices.Contains(kinds, event) {
			return nil, Errorf(InvalidArgument, "events has %q; they are messages and notices", event)
		}
	}
	if len(kinds) == 0 {
		kinds = []WebhookEvent{WebhookMessages}
	}
	return kinds, nil
}
