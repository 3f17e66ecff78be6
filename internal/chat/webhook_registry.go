package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// adminsAsked is the least time between two looks whether the owners of webhooks are still admins.
const adminsAsked = time.Second

// worker refuses callers who are users.
func (w *WebhookService) worker(ctx context.Context) error {
	user, err := w.acting(ctx)
	if err == nil && user != "" {
		err = Errorf(PermissionDenied, "the registry of webhooks is for services: use a service's token")
	}
	return err
}

// WebhookRegistry implements WebhookRegistry.
func (w *WebhookService) WebhookRegistry(ctx context.Context, known string) (RegisteredWebhooks, error) {
	if err := w.worker(ctx); err != nil {
		return RegisteredWebhooks{}, err
	}
	stored, err := w.newest(ctx)
	if err != nil {
		return RegisteredWebhooks{}, err
	}
	changed, err := w.disableLost(ctx, stored)
	if err == nil && changed {
		stored, err = w.newest(ctx)
	}
	if err != nil {
		return RegisteredWebhooks{}, err
	}
	if known == stored.Version && known != "" && len(stored.Removed) == 0 {
		return RegisteredWebhooks{Version: known, Unchanged: true, Private: w.options.Private}, nil
	}
	removed := make(map[string]time.Duration, len(stored.Removed))
	for _, r := range stored.Removed {
		removed[r.ID] = max(time.Duration(stored.Clock-r.At)*time.Microsecond, 0)
	}
	return RegisteredWebhooks{Version: stored.Version, Webhooks: stored.Webhooks, Removed: removed, Private: w.options.Private}, nil
}

// newest returns the webhooks. As long as their version stays, they are those that were read last.
func (w *WebhookService) newest(ctx context.Context) (StoredWebhooks, error) {
	version, err := w.store.WebhookVersion(ctx)
	if err != nil {
		return StoredWebhooks{}, AsError(err)
	}
	w.mutex.Lock()
	last := w.last
	w.mutex.Unlock()
	if version == last.Version && len(last.Removed) == 0 { // the removed ones grow older
		return last, nil
	}
	stored, err := w.store.ReadWebhooks(ctx)
	if err != nil {
		return StoredWebhooks{}, AsError(err)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.last = stored
	return stored, nil
}

// disableLost disables the webhooks of users who are no admins any more.
func (w *WebhookService) disableLost(ctx context.Context, stored StoredWebhooks) (changed bool, err error) {
	var hooks []Webhook
	for _, hook := range stored.Webhooks {
		if hook.Owner != "" && hook.Enabled {
			hooks = append(hooks, hook)
		}
	}
	w.mutex.Lock()
	due := len(hooks) > 0 && time.Since(w.checked) >= adminsAsked
	if due {
		w.checked = time.Now()
	}
	w.mutex.Unlock()
	if !due {
		return false, nil
	}
	lost, err := w.notAdmin(ctx, hooks, "")
	if err != nil {
		return false, err
	}
	for i, hook := range hooks {
		if lost[i] == "" {
			continue
		}
		if err := w.disable(ctx, hook.ID, hook.Changed, fmt.Sprintf("%s is no longer an admin of %s", hook.Owner, lost[i])); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// DisableWebhook implements WebhookRegistry.
func (w *WebhookService) DisableWebhook(ctx context.Context, id string, changed int64, reason string) error {
	if err := w.worker(ctx); err != nil {
		return err
	}
	return w.disable(ctx, id, changed, reason)
}

func (w *WebhookService) disable(ctx context.Context, id string, changed int64, reason string) error {
	return w.edit(ctx, func(stored StoredWebhooks) (WebhookEdit, error) {
		at := slices.IndexFunc(stored.Webhooks, func(hook Webhook) bool { return hook.ID == id })
		if at < 0 || stored.Webhooks[at].Changed != changed || !stored.Webhooks[at].Enabled {
			return WebhookEdit{}, nil
		}
		hook := stored.Webhooks[at]
		hook.Enabled, hook.Reason, hook.Changed = false, strings.ToValidUTF8(reason[:min(len(reason), maxWebhookReason)], ""), max(stored.Clock, changed+1)
		return WebhookEdit{Set: []Webhook{hook}}, nil
	})
}

// ForgetWebhook implements WebhookRegistry.
func (w *WebhookService) ForgetWebhook(ctx context.Context, id string) error {
	if err := w.worker(ctx); err != nil {
		return err
	}
	return w.edit(ctx, func(stored StoredWebhooks) (WebhookEdit, error) {
		if !slices.ContainsFunc(stored.Removed, func(r RemovedWebhook) bool { return r.ID == id }) {
			return WebhookEdit{}, nil
		}
		return WebhookEdit{Forget: []string{id}}, nil
	})
}
