package backup

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// registered returns the words and the webhooks, as text.
func (p *place) registered() []string {
	p.t.Helper()
	words, err := p.store.ReadWords(context.Background(), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	hooks, err := p.store.ReadWebhooks(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	var all []string
	for _, w := range words.Words {
		all = append(all, fmt.Sprintf("%+v", w))
	}
	for _, h := range hooks.Webhooks {
		h.Created = 0
		all = append(all, fmt.Sprintf("%+v", h))
	}
	slices.Sort(all)
	return all
}

func (p *place) hook(id, url string, enabled bool) chat.Webhook {
	p.t.Helper()
	stored, err := p.store.ReadWebhooks(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	hook := chat.Webhook{
		ID: id, URL: url, Chats: []string{"club"}, Events: []chat.WebhookEvent{chat.WebhookMessages}, Bursts: true, Enabled: enabled, Owner: "ann",
		Created: 1, Changed: 2, Secret: "whsec_new", Previous: "whsec_old", PreviousUntil: 3,
	}
	if made, err := p.store.EditWebhooks(context.Background(), chat.WebhookEdit{Version: stored.Version, Set: []chat.Webhook{hook}}); err != nil || !made {
		p.t.Fatal(made, err)
	}
	return hook
}

func (p *place) word(w chat.Word) chat.Word {
	p.t.Helper()
	w, err := p.store.AddWord(context.Background(), w, 10)
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

// TestRegistrationsAreImported: words as they are, webhooks disabled and only with the secrets. Existing entries stay,
// and removed ones do not come back. Workers see that the registries have changed.
func TestRegistrationsAreImported(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from, to := newPlace(t, url, "from"), newPlace(t, url, "to")
	everywhere, inClub := from.word(chat.Word{Word: "lunch"}), from.word(chat.Word{Chat: "club", Word: "tea", Substring: true})
	from.word(chat.Word{Word: "known"})
	known := to.word(chat.Word{Word: "known", Substring: true})
	hook := from.hook("first", "https://example.com/first", true)
	from.hook("second", "https://example.com/second", false)
	from.hook("gone", "https://example.com/gone", true)
	from.hook("kept", "https://example.com/other", true)
	kept := to.hook("kept", "https://example.com/kept", true)
	to.hook("gone", "https://example.com/gone", true)
	before, err := to.store.ReadWebhooks(context.Background())
	if err == nil {
		_, err = to.store.EditWebhooks(context.Background(), chat.WebhookEdit{Version: before.Version, Removed: []chat.RemovedWebhook{{ID: "gone", At: 1}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if before, err = to.store.ReadWebhooks(context.Background()); err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	if err := from.exporter(&out, ExportOptions{}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	plain := out.String()
	if strings.Contains(plain, "whsec_") {
		t.Error("an export without secrets has those of webhooks")
	}
	if report := to.imports(plain); report.Words != 2 || report.Webhooks != 0 {
		t.Errorf("without secrets %d words and %d webhooks are imported", report.Words, report.Webhooks)
	}
	began := time.Now().UnixMicro()
	whole := from.exports()
	if report := to.imports(whole); report.Words != 0 || report.Webhooks != 2 {
		t.Errorf("%d words and %d webhooks are imported", report.Words, report.Webhooks)
	}
	second := hook
	second.ID, second.URL, second.Enabled = "second", "https://example.com/second", false
	hook.Enabled, hook.Reason = false, reasonImported
	var want []string
	for _, h := range []chat.Webhook{hook, second, kept} {
		h.Created = 0
		want = append(want, fmt.Sprintf("%+v", h))
	}
	for _, w := range []chat.Word{everywhere, inClub, known} {
		want = append(want, fmt.Sprintf("%+v", w))
	}
	slices.Sort(want)
	if got := to.registered(); !slices.Equal(got, want) {
		t.Errorf("there are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	after, err := to.store.ReadWebhooks(context.Background())
	if err != nil || after.Version == before.Version {
		t.Errorf("the version of the webhooks is %q after %q, %v", after.Version, before.Version, err)
	}
	for _, h := range after.Webhooks {
		if h.ID != "kept" && h.Created < began-time.Second.Microseconds() {
			t.Errorf("%s posts what was sent since %d, before the import", h.ID, h.Created)
		}
	}
	if changed, err := to.store.ReadWords(context.Background(), known.ID); err != nil || len(changed.Words) != 3 || changed.Version <= known.ID {
		t.Errorf("a worker that has read the words reads %+v, %v", changed, err)
	}
	if report := to.imports(whole); report.Words != 0 || report.Webhooks != 0 {
		t.Errorf("another import stores %d words and %d webhooks", report.Words, report.Webhooks)
	}
}

// TestImportRefusesRegistrations that no server would have stored.
func TestImportRefusesRegistrations(t *testing.T) {
	t.Parallel()
	p := newPlace(t, redistest.Start(t).URL(), "to")
	stored := layout.WebhookJSON(chat.Webhook{URL: "https://example.com/"})
	for _, line := range []string{
		`{"kind":"word","at":1}`, `{"kind":"word","word":"two words","at":1}`, `{"kind":"word","word":"x"}`, `{"kind":"word","word":"x","chat":"b:a","at":1}`,
		`{"kind":"webhook","webhook":"a"}`, `{"kind":"webhook","webhook":"a","hook":{}}`, `{"kind":"webhook","hook":` + stored + `}`,
		`{"kind":"webhook","webhook":"version","hook":` + stored + `}`, `{"kind":"webhook","webhook":"removed:a","hook":` + stored + `}`,
	} {
		if err := p.importer(ImportOptions{}).Run(context.Background(), strings.NewReader(file(line))); err == nil {
			t.Errorf("%s is imported", line)
		}
	}
	if got := p.registered(); len(got) > 0 {
		t.Errorf("there are %q", got)
	}
}
