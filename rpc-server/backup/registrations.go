package backup

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

//go:embed scripts/registration.lua
var registrationSource string

var registrationScript = redis.NewScript(registrationSource)

// reasonImported is why an imported webhook is disabled.
const reasonImported = "imported: enable it once the other installation does not post to it any more"

// exportWords exports the registered words. Their counts follow from the messages.
func (e *Exporter) exportWords(ctx context.Context, key string) error {
	stored, err := e.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return err
	}
	for _, field := range slices.Sorted(maps.Keys(stored)) {
		w, is := layout.ParseWord(field, stored[field])
		if !is { // the version
			continue
		}
		if err := e.write(line{Kind: kindWord, Chat: w.Chat, Word: w.Word, Substring: w.Substring, At: w.ID}); err != nil {
			return err
		}
	}
	return nil
}

// exportWebhooks exports webhooks, if secrets are exported: with its secret anyone can sign requests that its receiver
// trusts.
func (e *Exporter) exportWebhooks(ctx context.Context, key string) error {
	if !e.options.Secrets {
		return nil
	}
	stored, err := e.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(stored)) {
		if _, is := layout.ParseWebhook(id, stored[id]); !is { // the version, or one that was removed
			continue
		}
		if err := e.write(line{Kind: kindWebhook, Webhook: id, Hook: json.RawMessage(stored[id])}); err != nil {
			return err
		}
	}
	return nil
}

// importWord registers a word. A worker that has counted before does not count the messages again that it has handled.
func (i *Importer) importWord(ctx context.Context, l line) error {
	w := chat.Word{Chat: l.Chat, Word: l.Word, ID: l.At, Substring: l.Substring}
	field, value := layout.WordField(w.Chat, w.Word), layout.WordValue(w)
	if _, is := layout.ParseWord(field, value); !is || len(strings.Fields(l.Word)) != 1 || l.Chat != "" && !isCanonical(l.Chat) {
		return fmt.Errorf("%q of chat %q is no word", l.Word, l.Chat)
	}
	stored, err := registrationScript.Run(ctx, i.redis, []string{i.keys.Words()}, field, value, "", w.ID, "").Int64()
	i.report.Words += stored
	return err
}

// importWebhook registers a webhook, and disables it: the installation that it comes from may still run. It begins with
// messages that are sent after the import.
func (i *Importer) importWebhook(ctx context.Context, l line) error {
	w, is := layout.ParseWebhook(l.Webhook, string(l.Hook))
	if !is || l.Webhook == "" || l.Webhook == layout.WebhooksVersion || strings.HasPrefix(l.Webhook, layout.RemovedWebhook) {
		return fmt.Errorf("%q is no webhook", l.Webhook)
	}
	now, err := i.redis.Time(ctx).Result()
	if err != nil {
		return err
	}
	w.Created = now.UnixMicro()
	if w.Enabled {
		w.Enabled, w.Reason = false, reasonImported
	}
	stored, err := registrationScript.Run(ctx, i.redis, []string{i.keys.Webhooks()}, w.ID, layout.WebhookJSON(w), rand.Text(), 0, layout.RemovedWebhook+w.ID).Int64()
	i.report.Webhooks += stored
	return err
}

func isCanonical(name string) bool {
	id, err := chat.ParseID(name)
	return err == nil && id.String() == name
}
