package storage

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var _ chat.WebhookStore = (*Store)(nil)

var webhooksScript = script("webhooks")

// WebhookVersion implements chat.WebhookStore.
func (s *Store) WebhookVersion(ctx context.Context) (string, error) {
	key := s.keys.Webhooks()
	var call *redis.SliceCmd
	err := s.callOne(ctx, "read the version of the webhooks", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HMGet(ctx, key, layout.WebhooksVersion)
		return call
	})
	if err != nil {
		return "", err
	}
	version, _ := call.Val()[0].(string) // "" for none
	return version, nil
}

// ReadWebhooks implements chat.WebhookStore with webhooks.lua.
func (s *Store) ReadWebhooks(ctx context.Context) (chat.StoredWebhooks, error) {
	key := s.keys.Webhooks()
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "read the webhooks", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewStringSliceCmd(ctx, "evalsha", webhooksScript.Hash(), 1, key, "-")
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return chat.StoredWebhooks{}, err
	}
	values := call.Val()
	stored := chat.StoredWebhooks{Clock: number(values[0])}
	for i := 1; i+1 < len(values); i += 2 {
		field, value := values[i], values[i+1]
		if field == layout.WebhooksVersion {
			stored.Version = value
		} else if removed, is := layout.ParseRemovedWebhook(field, value); is {
			stored.Removed = append(stored.Removed, removed)
		} else if hook, is := layout.ParseWebhook(field, value); is {
			stored.Webhooks = append(stored.Webhooks, hook)
		}
	}
	slices.SortFunc(stored.Webhooks, func(a, b chat.Webhook) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.ID, b.ID))
	})
	return stored, nil
}

// EditWebhooks implements chat.WebhookStore with webhooks.lua.
func (s *Store) EditWebhooks(ctx context.Context, e chat.WebhookEdit) (bool, error) {
	key := s.keys.Webhooks()
	args := []any{"evalsha", webhooksScript.Hash(), 1, key, e.Version, rand.Text(), len(e.Set) + len(e.Removed)}
	for _, hook := range e.Set {
		args = append(args, hook.ID, layout.WebhookJSON(hook))
	}
	for _, removed := range e.Removed {
		args = append(args, layout.RemovedWebhook+removed.ID, layout.RemovedWebhookValue(removed))
	}
	for _, removed := range e.Removed {
		args = append(args, removed.ID)
	}
	for _, id := range e.Forget {
		args = append(args, layout.RemovedWebhook+id)
	}
	var call *redis.IntCmd
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewIntCmd(ctx, args...)
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return false, userError("change the webhooks", err)
	}
	return call.Val() == 1, nil
}

// removeWebhooksOf removes the webhooks of a user whose account is deleted.
func (s *Store) removeWebhooksOf(ctx context.Context, user string) error {
	for range 10 {
		stored, err := s.ReadWebhooks(ctx)
		if err != nil {
			return err
		}
		edit := chat.WebhookEdit{Version: stored.Version}
		for _, hook := range stored.Webhooks {
			if hook.Owner == user {
				edit.Removed = append(edit.Removed, chat.RemovedWebhook{ID: hook.ID, At: stored.Clock})
			}
		}
		if len(edit.Removed) == 0 {
			return nil
		}
		if made, err := s.EditWebhooks(ctx, edit); err != nil || made {
			return err
		}
	}
	return fmt.Errorf("remove the webhooks of %s: %w", user, errWebhooksContended)
}

var errWebhooksContended = errors.New("they are being changed by another request")
