package webhook_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/worker/webhook"
)

// want compares the code of an error.
func want(t *testing.T, what string, err error, code chat.Code) {
	t.Helper()
	if got := chat.CodeOf(err); got != code {
		t.Errorf("%s = %v, want %q", what, err, code)
	}
}

// TestRoomAdmins: an admin of rooms has webhooks for these rooms, which other admins of them may change too, and other users not see.
func TestRoomAdmins(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := receive(t, nil)
	b.room("one", "ann", "bob")
	b.room("two", "ann", "eve")
	b.changeRoom("one", chat.PromoteMember, "bob")
	for what, w := range map[string]chat.NewWebhook{
		"all chats":        {URL: r.URL},
		"a room, not hers": {URL: r.URL, Chats: []string{"one", "two"}},
		"a pair":           {URL: r.URL, Chats: []string{"one", "ann:bob"}},
		"no room":          {URL: r.URL, Chats: []string{"none"}},
	} {
		_, err := b.CreateWebhook(b.as("bob"), w)
		want(t, "a webhook of bob for "+what, err, chat.PermissionDenied)
	}
	hook := b.create("ann", chat.NewWebhook{URL: r.URL, Chats: []string{"one"}})
	both := b.create("ann", chat.NewWebhook{URL: r.URL, Chats: []string{"one", "two"}})
	services := b.create("", chat.NewWebhook{URL: r.URL, Chats: []string{"one"}})
	for user, ids := range map[string][]string{"ann": {hook.ID, both.ID}, "bob": {hook.ID}, "eve": nil, "": {hook.ID, both.ID, services.ID}} {
		hooks, err := b.Webhooks(b.as(user), "")
		var got []string
		for _, h := range hooks {
			got = append(got, h.ID)
			if h.Secret != "" || h.Previous != "" {
				t.Errorf("the webhooks of %q show a secret", user)
			}
		}
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("the webhooks of %q = %q, %v; want %q", user, got, err, ids)
		}
	}
	for _, id := range []string{both.ID, services.ID, "none"} {
		_, err := b.Webhooks(b.as("bob"), id)
		want(t, "bob reads another webhook", err, chat.NotFound)
		_, err = b.ChangeWebhook(b.as("bob"), chat.WebhookChange{ID: id, Enabled: new(false)})
		want(t, "bob changes another webhook", err, chat.NotFound)
		want(t, "bob removes another webhook", b.RemoveWebhook(b.as("bob"), id), chat.NotFound)
	}
	_, err := b.ChangeWebhook(b.as("bob"), chat.WebhookChange{ID: hook.ID, Chats: []string{"one", "two"}})
	want(t, "bob adds a room that is not bob's", err, chat.PermissionDenied)
	_, err = b.ChangeWebhook(b.as("bob"), chat.WebhookChange{ID: hook.ID, Chats: []string{}})
	want(t, "bob adds all chats", err, chat.PermissionDenied)
	_, err = b.ChangeWebhook(b.as("bob"), chat.WebhookChange{ID: hook.ID, Events: all})
	want(t, "bob changes a webhook of bob's room", err, "")
	want(t, "bob reads the registry", func() error { _, err := b.WebhookRegistry(b.as("bob"), ""); return err }(), chat.PermissionDenied)
	want(t, "bob disables as a worker", b.DisableWebhook(b.as("bob"), both.ID, both.Changed, "x"), chat.PermissionDenied)
	want(t, "bob forgets as a worker", b.ForgetWebhook(b.as("bob"), both.ID), chat.PermissionDenied)
	want(t, "bob removes a webhook of bob's room", b.RemoveWebhook(b.as("bob"), hook.ID), "")
}

// TestDemotedAdmin: the webhook of an admin who is one no longer is disabled, whatever worker and rpc-server run.
func TestDemotedAdmin(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := receive(t, nil)
	b.room("one", "ann", "bob")
	b.room("two", "ann", "bob")
	b.changeRoom("one", chat.PromoteMember, "bob")
	b.changeRoom("two", chat.PromoteMember, "bob")
	hook := b.create("bob", chat.NewWebhook{URL: r.URL, Chats: []string{"one"}})
	other := b.create("bob", chat.NewWebhook{URL: r.URL, Chats: []string{"two"}})
	b.work(webhook.Config{})
	b.send("one", "ann", "1")
	b.send("two", "ann", "1")
	r.texts(2)
	b.changeRoom("one", chat.DemoteAdmin, "bob")
	if reason := b.reason(hook.ID); reason != "bob is no longer an admin of one" {
		t.Errorf("the reason is %q", reason)
	}
	_, err := b.ChangeWebhook(b.as("bob"), chat.WebhookChange{ID: hook.ID, Enabled: new(true)})
	want(t, "bob enables the webhook", err, chat.PermissionDenied)
	b.send("one", "ann", "secret")
	b.send("two", "ann", "2")
	for _, text := range r.texts(3) {
		if text == "secret" {
			t.Error("a message came after the demotion")
		}
	}
	b.changeRoom("two", chat.DeleteRoom)
	if reason := b.reason(other.ID); reason != "bob is no longer an admin of two" {
		t.Errorf("the reason is %q", reason)
	}
}

// TestChats: a webhook is for its chats. One that is added begins with the messages that follow.
func TestChats(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := receive(t, nil)
	hook := b.create("", chat.NewWebhook{URL: r.URL, Chats: []string{"b:a", "a:b"}})
	if !slices.Equal(hook.Chats, []string{"a:b"}) || !slices.Equal(hook.Events, []chat.WebhookEvent{chat.WebhookMessages}) {
		t.Errorf("the webhook is for %q of %q, want messages of a:b", hook.Events, hook.Chats)
	}
	b.work(webhook.Config{})
	b.send("a:c", "a", "another chat's")
	b.send("a:b", "a", "1")
	r.texts(1)
	_, err := b.ChangeWebhook(b.as(""), chat.WebhookChange{ID: hook.ID, Chats: []string{}})
	want(t, "from some chats to all", err, chat.InvalidArgument)
	b.change(chat.WebhookChange{ID: hook.ID, Chats: []string{"a:c"}})
	b.send("a:c", "a", "2")
	if got := r.texts(2); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("the texts are %q, want 1 and 2", got)
	}
}

// TestRemoval: a removed webhook gets nothing more, and its projection goes, also where another worker lags behind.
func TestRemoval(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := receive(t, nil)
	hook := b.create("", chat.NewWebhook{URL: r.URL})
	one, _ := b.work(webhook.Config{})
	two, _ := b.work(webhook.Config{})
	for _, sink := range []*webhook.Sink{one, two} {
		sink.CleanAfter(3*time.Second, 6*time.Second)
	}
	b.send("a:b", "a", "1")
	r.texts(1)
	eventually(t, "there is a projection", func() bool {
		states, err := b.Projections(b.as(""), "webhook."+hook.ID)
		return err == nil && states[0].Handled == 1
	})
	want(t, "the removal", b.RemoveWebhook(b.as(""), hook.ID), "")
	want(t, "a second removal", b.RemoveWebhook(b.as(""), hook.ID), chat.NotFound)
	eventually(t, "the webhook is forgotten", func() bool {
		registered, err := b.WebhookRegistry(b.as(""), "")
		return err == nil && len(registered.Removed) == 0 && len(registered.Webhooks) == 0
	})
	states, err := b.Projections(b.as(""), "")
	if err != nil || len(states) != 0 {
		t.Errorf("the projections are %+v, %v; want none", states, err)
	}
	b.send("a:b", "a", "2")
	b.create("", chat.NewWebhook{URL: r.URL})
	b.send("a:b", "a", "3")
	if got := r.texts(2); !slices.Equal(got, []string{"1", "3"}) {
		t.Errorf("the texts are %q, want 1 and 3", got)
	}
}

// TestDeletedUser: the webhooks of a user go with the account.
func TestDeletedUser(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.room("one", "ann")
	b.create("ann", chat.NewWebhook{URL: "https://example.org", Chats: []string{"one"}})
	kept := b.create("", chat.NewWebhook{URL: "https://example.org"})
	if _, err := b.DeleteAccount(b.as(""), chat.Deletion{User: "ann"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the user's webhook is gone", func() bool {
		hooks, err := b.Webhooks(b.as(""), "")
		return err == nil && len(hooks) == 1 && hooks[0].ID == kept.ID
	})
}

// TestLimits: users have few webhooks, and not all of the server's.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.room("one", "ann", "bob")
	b.changeRoom("one", chat.PromoteMember, "bob")
	hook := chat.NewWebhook{URL: "https://example.org", Chats: []string{"one"}}
	var made chat.Webhook
	for range chat.MaxUserWebhooks {
		made = b.create("ann", hook)
	}
	_, err := b.CreateWebhook(b.as("ann"), hook)
	want(t, "one more of ann", err, chat.ResourceExhausted)
	b.create("bob", hook)
	b.create("bob", hook)
	_, err = b.CreateWebhook(b.as("bob"), hook)
	want(t, "one more than all users may have", err, chat.ResourceExhausted)
	want(t, "the removal", b.RemoveWebhook(b.as("ann"), made.ID), "")
	_, err = b.CreateWebhook(b.as("ann"), hook)
	want(t, "one in place of one whose projection may be there still", err, chat.ResourceExhausted)
	b.create("", hook)
}

// TestURLs: an invalid URL is refused at once, if its text is enough to tell.
func TestURLs(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, url := range []string{
		"", "example.org", "ftp://example.org", "https://", "https://user:pass@example.org", "https://example.org/#x", "https://example.org/a b",
		"https://127.0.0.2", "https://[::1]:1", "https://10.0.0.1", "https://169.254.169.254/latest", "https://" + strings.Repeat("x", 2048), "https://exa\nmple.org",
	} {
		_, err := b.CreateWebhook(b.as(""), chat.NewWebhook{URL: url})
		want(t, fmt.Sprintf("a webhook at %.40q", url), err, chat.InvalidArgument)
	}
	for _, url := range []string{"https://example.org", "http://127.0.0.1:8080/x?y=z", "https://localhost/", "https://[2606:4700::1]:8443/"} {
		_, err := b.CreateWebhook(b.as(""), chat.NewWebhook{URL: url})
		want(t, "a webhook at "+url, err, "")
	}
	_, err := b.CreateWebhook(b.as(""), chat.NewWebhook{URL: "https://example.org", Events: []chat.WebhookEvent{"reads"}})
	want(t, "unknown events", err, chat.InvalidArgument)
	if id := webhook.ID("ä.b:c@7"); id != "%C3%A4%2Eb:c@7" {
		t.Errorf("the header's id is %q", id)
	}
}

// narrowing is a registry whose rpc-servers are started again without private networks.
type narrowing struct {
	webhook.Registry
	narrow atomic.Bool
	looks  int           // after that
	told   chan struct{} // closed at the second
}

func (n *narrowing) WebhookRegistry(ctx context.Context, known string) (chat.RegisteredWebhooks, error) {
	narrow := n.narrow.Load()
	all, err := n.Registry.WebhookRegistry(ctx, known)
	if narrow {
		all.Private = nil
		if n.looks++; n.looks == 2 {
			close(n.told)
		}
	}
	return all, err
}

// TestNarrowedNetworks: a worker reaches no network any more that its rpc-servers do not allow any more, though no webhook has changed.
func TestNarrowedNetworks(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	registry := &narrowing{Registry: b.Client, told: make(chan struct{})}
	b.registry = registry
	r := receive(t, nil)
	hook := b.create("", chat.NewWebhook{URL: r.URL})
	b.work(webhook.Config{WebhookGiveUp: time.Second})
	b.send("a:b", "a", "1")
	r.texts(1)
	registry.narrow.Store(true)
	<-registry.told // the changes of the first look have been applied
	b.send("a:b", "a", "2")
	if reason := b.reason(hook.ID); !strings.Contains(reason, "private and not allowed") {
		t.Errorf("the reason is %q, want that the address is not allowed", reason)
	}
	if got := r.texts(1); len(got) != 1 {
		t.Errorf("the receiver has %q, want the first alone", got)
	}
}
