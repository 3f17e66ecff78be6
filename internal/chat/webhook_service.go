package chat

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// WebhookOptions configure a WebhookService.
type WebhookOptions struct {
	RoomWebhooks int                   // of all users together
	Private      []string              // networks that webhooks may reach although they are private; with one, http is a scheme too
	Reachable    func(netip.Addr) bool // whether an address may be reached; nil: any
}

// WebhookService implements Webhooks and WebhookRegistry. It applies every rule before it calls the store.
type WebhookService struct {
	store   WebhookStore
	Access  Access // the access rules
	options WebhookOptions

	mutex   sync.Mutex
	last    StoredWebhooks // as they were read last
	checked time.Time      // when it was looked whether users are still admins
}

var (
	_ Webhooks        = (*WebhookService)(nil)
	_ WebhookRegistry = (*WebhookService)(nil)
)

// NewWebhookService returns the webhooks of a store.
func NewWebhookService(store WebhookStore, access Access, options WebhookOptions) *WebhookService {
	return &WebhookService{store: store, Access: access, options: options}
}

// acting returns the user who acts; "" is a service, or anyone with AUTH off.
func (w *WebhookService) acting(ctx context.Context) (user string, err error) {
	by := callerOf(ctx)
	identified, err := w.Access.identified(by)
	if err != nil || !identified || by.Service {
		return "", err
	}
	return by.User, nil
}

// edit reads the webhooks, has decide make an edit of them, and stores it; again, if another edit was faster.
func (w *WebhookService) edit(ctx context.Context, decide func(StoredWebhooks) (WebhookEdit, error)) error {
	for range changeAttempts {
		stored, err := w.store.ReadWebhooks(ctx)
		if err != nil {
			return AsError(err)
		}
		edit, err := decide(stored)
		if err != nil || len(edit.Set)+len(edit.Removed)+len(edit.Forget) == 0 {
			return err
		}
		edit.Version = stored.Version
		if made, err := w.store.EditWebhooks(ctx, edit); err != nil || made {
			return orNil(err)
		}
	}
	return Errorf(Unavailable, "the webhooks are being changed by another request; try again")
}

// CreateWebhook implements Webhooks.
func (w *WebhookService) CreateWebhook(ctx context.Context, r NewWebhook) (Webhook, error) {
	user, err := w.acting(ctx)
	if err != nil {
		return Webhook{}, err
	}
	made := Webhook{ID: strings.ToLower(rand.Text()), URL: r.URL, Chats: r.Chats, Events: r.Events, Bursts: r.Bursts, Enabled: true, Owner: user, Secret: newWebhookSecret()}
	if err := w.check(ctx, &made, user); err != nil {
		return Webhook{}, err
	}
	err = w.edit(ctx, func(stored StoredWebhooks) (WebhookEdit, error) {
		if err := w.room(stored, user); err != nil {
			return WebhookEdit{}, err
		}
		made.Created, made.Changed = stored.Clock, stored.Clock
		return WebhookEdit{Set: []Webhook{made}}, nil
	})
	if err != nil {
		return Webhook{}, err
	}
	return made, nil
}

// newWebhookSecret returns 32 random bytes in the form of Standard Webhooks.
func newWebhookSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails: it ends the process instead
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// check applies the rules for the fields of a webhook.
func (w *WebhookService) check(ctx context.Context, hook *Webhook, user string) (err error) {
	if err := w.options.checkURL(hook.URL); err != nil {
		return err
	}
	if hook.Chats, err = checkWebhookChats(hook.Chats); err != nil {
		return err
	}
	if hook.Events, err = checkWebhookEvents(hook.Events); err != nil {
		return err
	}
	if hook.Owner == "" {
		return nil
	}
	if len(hook.Chats) == 0 {
		return Errorf(PermissionDenied, "chats is missing: webhooks for all chats are for services; name rooms of which you are an admin")
	}
	for _, name := range []string{user, hook.Owner} {
		lost, err := w.notAdmin(ctx, []Webhook{*hook}, name)
		if err != nil {
			return err
		}
		if lost[0] != "" && name != "" {
			return Errorf(PermissionDenied, "%s is no admin of %s; a webhook of a user is for rooms of which the user is an admin", name, lost[0])
		}
	}
	return nil
}

// room refuses one more webhook of a user, or of a service, where there are too many. Removed ones count until they are forgotten.
func (w *WebhookService) room(stored StoredWebhooks, user string) error {
	own, users := 0, 0
	count := func(owner string) {
		if owner != "" {
			users++
		}
		if owner == user {
			own++
		}
	}
	for _, hook := range stored.Webhooks {
		count(hook.Owner)
	}
	if user == "" {
		if len(stored.Webhooks) >= MaxWebhooks {
			return Errorf(ResourceExhausted, "there are %d webhooks, which is the limit; remove some first", len(stored.Webhooks))
		}
		return nil
	}
	for _, removed := range stored.Removed {
		count(removed.Owner)
	}
	switch {
	case w.options.RoomWebhooks == 0:
		return Errorf(PermissionDenied, "webhooks are for services here: ROOM_WEBHOOKS is 0")
	case own >= MaxUserWebhooks:
		return Errorf(ResourceExhausted, "%s has %d webhooks, which is the limit; remove some, and try again in a minute", user, own)
	case users >= w.options.RoomWebhooks || len(stored.Webhooks) >= MaxWebhooks:
		return Errorf(ResourceExhausted, "users have %d webhooks, which is the limit of this server (ROOM_WEBHOOKS)", users)
	}
	return nil
}

// notAdmin returns, for each webhook, the first of its chats of which a user is no admin, or "". The user "" is the owner of each.
func (w *WebhookService) notAdmin(ctx context.Context, hooks []Webhook, user string) ([]string, error) {
	lost := make([]string, len(hooks))
	var queries []RoomQuery
	var of []int
	for i, hook := range hooks {
		name := user
		if name == "" {
			name = hook.Owner
		}
		for _, chat := range hook.Chats {
			id, err := ParseID(chat)
			if err != nil || !id.IsRoom() {
				lost[i] = chat
				break
			}
			queries, of = append(queries, RoomQuery{Room: id, Users: []string{name}}), append(of, i)
		}
	}
	if len(queries) == 0 {
		return lost, nil
	}
	rooms, err := w.store.ReadRooms(ctx, queries)
	if err != nil {
		return nil, AsError(err)
	}
	for k, room := range rooms {
		q := queries[k]
		admin := room.Members[q.Users[0]].Role == Admin && exists(q.Room, room) == nil
		if !admin && lost[of[k]] == "" {
			lost[of[k]] = q.Room.String()
		}
	}
	return lost, nil
}

// visible returns the webhooks that a user may change: the user's own, and those of other users for rooms of which the user
// is an admin. The user "" may change all.
func (w *WebhookService) visible(ctx context.Context, all []Webhook, user string) ([]Webhook, error) {
	if user == "" {
		return all, nil
	}
	var own, others []Webhook
	for _, hook := range all {
		switch hook.Owner {
		case user:
			own = append(own, hook)
		case "":
		default:
			others = append(others, hook)
		}
	}
	lost, err := w.notAdmin(ctx, others, user)
	if err != nil {
		return nil, err
	}
	for i, hook := range others {
		if lost[i] == "" {
			own = append(own, hook)
		}
	}
	slices.SortStableFunc(own, func(a, b Webhook) int { return int(a.Created - b.Created) })
	return own, nil
}

// find returns a webhook that a user may change.
func (w *WebhookService) find(ctx context.Context, stored StoredWebhooks, id, user string) (Webhook, error) {
	at := slices.IndexFunc(stored.Webhooks, func(hook Webhook) bool { return hook.ID == id })
	if at >= 0 {
		visible, err := w.visible(ctx, stored.Webhooks[at:at+1], user)
		if err != nil {
			return Webhook{}, err
		}
		if len(visible) > 0 {
			return visible[0], nil
		}
	}
	return Webhook{}, Errorf(NotFound, "there is no webhook %q that you may see", id)
}

// Webhooks implements Webhooks.
func (w *WebhookService) Webhooks(ctx context.Context, id string) ([]Webhook, error) {
	user, err := w.acting(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := w.store.ReadWebhooks(ctx)
	if err != nil {
		return nil, AsError(err)
	}
	var hooks []Webhook
	if id == "" {
		hooks, err = w.visible(ctx, stored.Webhooks, user)
	} else {
		hooks = make([]Webhook, 1)
		hooks[0], err = w.find(ctx, stored, id, user)
	}
	if err != nil {
		return nil, err
	}
	for i := range hooks {
		hooks[i] = hooks[i].shown(stored.Clock, false)
	}
	return hooks, nil
}

// shown is a webhook as callers see it.
func (w Webhook) shown(now int64, secret bool) Webhook {
	if w.Previous == "" || w.PreviousUntil < now {
		w.PreviousUntil = 0
	}
	w.Previous = ""
	if !secret {
		w.Secret = ""
	}
	return w
}

// ChangeWebhook implements Webhooks.
func (w *WebhookService) ChangeWebhook(ctx context.Context, r WebhookChange) (Webhook, error) {
	user, err := w.acting(ctx)
	if err != nil {
		return Webhook{}, err
	}
	if r.URL == nil && r.Chats == nil && r.Events == nil && r.Bursts == nil && r.Enabled == nil && r.Rotate == nil {
		return Webhook{}, Errorf(InvalidArgument, "nothing to change; give url, chats, events, bursts, enabled or rotate")
	}
	var changed Webhook
	err = w.edit(ctx, func(stored StoredWebhooks) (WebhookEdit, error) {
		before, err := w.find(ctx, stored, r.ID, user)
		if err != nil {
			return WebhookEdit{}, err
		}
		after := before.with(r, stored.Clock)
		if err := w.check(ctx, &after, user); err != nil {
			return WebhookEdit{}, err
		}
		if err := w.passOver(ctx, before, after); err != nil {
			return WebhookEdit{}, err
		}
		changed = after.shown(stored.Clock, r.Rotate != nil && *r.Rotate)
		return WebhookEdit{Set: []Webhook{after}}, nil
	})
	if err != nil {
		return Webhook{}, err
	}
	return changed, nil
}

// with applies a change.
func (w Webhook) with(r WebhookChange, now int64) Webhook {
	if r.URL != nil {
		w.URL = *r.URL
	}
	if r.Chats != nil {
		w.Chats = r.Chats
	}
	if r.Events != nil {
		w.Events = r.Events
	}
	if r.Bursts != nil {
		w.Bursts = *r.Bursts
	}
	if r.Enabled != nil {
		w.Enabled, w.Reason = *r.Enabled, ""
	}
	if r.Rotate != nil {
		w.Previous, w.PreviousUntil = "", 0
		if *r.Rotate {
			w.Previous, w.PreviousUntil = w.Secret, now+SecretOverlaps.Microseconds()
			w.Secret = newWebhookSecret()
		}
	}
	w.Changed = max(now, w.Changed+1)
	return w
}

// passOver has chats that are new to a webhook begin with the messages that follow, and not with those since its creation.
func (w *WebhookService) passOver(ctx context.Context, before, after Webhook) error {
	if len(before.Chats) == 0 {
		return nil
	}
	if len(after.Chats) == 0 {
		return Errorf(InvalidArgument, "a webhook for some chats cannot become one for all; create another one")
	}
	for _, chat := range after.Chats {
		if slices.Contains(before.Chats, chat) {
			continue
		}
		change := ProjectionChange{Name: WebhookProjection(after.ID), Action: SkipProjection, Chat: chat}
		if err := w.store.ChangeProjection(ctx, change); err != nil {
			return AsError(err)
		}
	}
	return nil
}

// RemoveWebhook implements Webhooks.
func (w *WebhookService) RemoveWebhook(ctx context.Context, id string) error {
	user, err := w.acting(ctx)
	if err != nil {
		return err
	}
	return w.edit(ctx, func(stored StoredWebhooks) (WebhookEdit, error) {
		hook, err := w.find(ctx, stored, id, user)
		return WebhookEdit{Removed: []RemovedWebhook{{ID: id, Owner: hook.Owner, At: stored.Clock}}}, err
	})
}
