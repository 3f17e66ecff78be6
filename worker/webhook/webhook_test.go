package webhook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/worker/webhook"
)

var all = []chat.WebhookEvent{chat.WebhookMessages, chat.WebhookNotices}

// TestDelivery: each message once, in its order, over HTTPS, signed; also those of the time without a worker, and the notices.
func TestDelivery(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := newReceiver(t, nil)
	r.StartTLS()
	t.Cleanup(r.Close)
	b.send("a:b", "a", "before")
	hook := b.create("", chat.NewWebhook{URL: r.URL + "/hook?key=1", Events: all})
	b.send("a:b", "a", "0")
	_, stop := b.work(webhook.Config{})
	r.texts(1)
	b.room("team.one", "ann")
	for i := range 30 {
		b.send("a:b", "a", fmt.Sprint(i+1))
	}
	r.wait("32 events", func(got []delivery) bool { return len(got) >= 32 })
	stop()
	b.work(webhook.Config{}) // nothing is repeated
	b.send("a:b", "a", "last")
	got := r.wait("the last", func(got []delivery) bool { return texts(got)[len(got)-1] == "last" })
	var pair []string
	ids := map[string]bool{}
	for _, d := range got {
		verified(t, d, hook.Secret)
		if ids[d.ID] {
			t.Errorf("%s came twice", d.ID)
		}
		ids[d.ID] = true
		if want := fmt.Sprintf("%s@%d", d.Data.Chat, d.Data.SendTime); d.ID != strings.ReplaceAll(want, ".", "%2E") {
			t.Errorf("webhook-id = %q, want %q", d.ID, want)
		}
		if at, err := time.Parse(time.RFC3339Nano, d.Time); err != nil || at.UnixMicro() != d.Data.SendTime {
			t.Errorf("timestamp = %q, want that of %d", d.Time, d.Data.SendTime)
		}
		switch {
		case d.Data.Chat == "a:b" && d.Type == "message":
			pair = append(pair, d.Data.Text)
		case d.Data.Chat != "team.one" || d.Type != "notice" || d.Data.Event != "created":
			t.Errorf("%s came, want messages of a:b and a notice of team.one", d.body)
		}
	}
	if len(got) != 33 || len(pair) != 32 || pair[0] != "0" || pair[30] != "30" || !slices.IsSortedFunc(got, byPair) {
		t.Errorf("%d events came, those of a:b are %q; want 0 to 30 and the last", len(got), pair)
	}
}

func byPair(a, b delivery) int {
	if a.Data.Chat != b.Data.Chat {
		return 0
	}
	return int(a.Data.SendTime - b.Data.SendTime)
}

// TestRetry: an event comes again until it is taken, with the same id, and its chat waits; other chats do not.
func TestRetry(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var tries atomic.Int64
	var ids [4]string
	r := receive(t, func(d delivery) int {
		if d.Data.Chat == "a:bad" && d.Data.Text == "1" && tries.Load() < 4 {
			n := tries.Add(1)
			ids[n-1] = d.ID
			return []int{500, 404, 307, 429}[n-1]
		}
		return 200
	})
	b.create("", chat.NewWebhook{URL: r.URL})
	b.work(webhook.Config{})
	for i := range 3 {
		b.send("a:bad", "a", fmt.Sprint(i))
		b.send("a:good", "a", fmt.Sprint(i))
	}
	got := r.wait("6 events", func(got []delivery) bool { return len(got) >= 6 })
	var bad []string
	for _, d := range got {
		if d.Data.Chat == "a:bad" {
			bad = append(bad, d.Data.Text)
			if d.Data.Text == "1" && ids != [4]string{d.ID, d.ID, d.ID, d.ID} {
				t.Errorf("the tries had the ids %q, want %s", ids, d.ID)
			}
		}
	}
	if !slices.Equal(bad, []string{"0", "1", "2"}) || len(got) != 6 {
		t.Errorf("the bad chat's events are %q of %d, want 0, 1 and 2 of 6", bad, len(got))
	}
}

// reason waits until a webhook is disabled.
func (b *bed) reason(id string) string {
	b.t.Helper()
	var hook chat.Webhook
	eventually(b.t, "the webhook is disabled", func() bool {
		hooks, err := b.Webhooks(b.as(""), id)
		if err != nil {
			b.t.Fatal(err)
		}
		hook = hooks[0]
		return !hook.Enabled
	})
	return hook.Reason
}

// TestGone: 410 disables a webhook. Enabled again, it goes on where it was.
func TestGone(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	gone := atomic.Bool{}
	gone.Store(true)
	r := receive(t, func(delivery) int {
		if gone.Load() {
			return http.StatusGone
		}
		return 200
	})
	hook := b.create("", chat.NewWebhook{URL: r.URL})
	b.work(webhook.Config{})
	b.send("a:b", "a", "1")
	if reason := b.reason(hook.ID); !strings.Contains(reason, "410") {
		t.Errorf("the reason is %q, want one with 410", reason)
	}
	b.send("a:b", "a", "2")
	gone.Store(false)
	if after := b.change(chat.WebhookChange{ID: hook.ID, Enabled: new(true)}); !after.Enabled || after.Reason != "" || after.Secret != "" {
		t.Errorf("enabled again it is %+v", after)
	}
	if got := r.texts(2); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("the events are %q, want 1 and 2", got)
	}
}

// TestGivesUp: one that fails for long is disabled. Changed, it has as long again.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	fails := atomic.Bool{}
	fails.Store(true)
	var tries atomic.Int64
	r := receive(t, func(delivery) int {
		if tries.Add(1); fails.Load() {
			return 503
		}
		return 200
	})
	hook := b.create("", chat.NewWebhook{URL: r.URL})
	b.work(webhook.Config{WebhookGiveUp: 4 * time.Second})
	b.send("a:b", "a", "1")
	if reason := b.reason(hook.ID); !strings.Contains(reason, "503") || !strings.Contains(reason, "since") {
		t.Errorf("the reason is %q, want one with since when and 503", reason)
	}
	before := tries.Load()
	b.change(chat.WebhookChange{ID: hook.ID, Enabled: new(true)})
	b.reason(hook.ID)
	if n := tries.Load() - before; n < 3 {
		t.Errorf("enabled again it was tried %d times before it was disabled, want more", n)
	}
	fails.Store(false)
	b.change(chat.WebhookChange{ID: hook.ID, Enabled: new(true)})
	if got := r.texts(1); got[0] != "1" {
		t.Errorf("the event is %q, want 1", got)
	}
}

// TestRotation: both secrets sign for a day, or until the old one is ended.
func TestRotation(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := receive(t, nil)
	hook := b.create("", chat.NewWebhook{URL: r.URL})
	b.work(webhook.Config{})
	rotated := b.change(chat.WebhookChange{ID: hook.ID, Rotate: new(true)})
	left := time.Until(time.UnixMicro(rotated.PreviousUntil))
	if rotated.Secret == "" || rotated.Secret == hook.Secret || left < 23*time.Hour || left > 25*time.Hour {
		t.Fatalf("rotated it is %+v, want a new secret and a day for the old one", rotated)
	}
	i := 0
	next := func() delivery {
		i++
		b.send("a:b", "a", fmt.Sprint(i))
		return r.wait("the next", func(got []delivery) bool { return len(got) >= i })[i-1]
	}
	eventually(t, "two secrets sign", func() bool { return strings.Count(next().signatures, "v1,") == 2 })
	d := next()
	verified(t, d, hook.Secret)
	verified(t, d, rotated.Secret)
	b.change(chat.WebhookChange{ID: hook.ID, Rotate: new(false)})
	eventually(t, "one secret signs", func() bool { return strings.Count(next().signatures, "v1,") == 1 })
	d = next()
	verified(t, d, rotated.Secret)
	old, _ := standardwebhooks.NewWebhook(hook.Secret)
	if err := old.Verify(d.body, d.header); err == nil {
		t.Error("the old secret still signs")
	}
}

// TestSlowReceiver: one that never answers delays its own events only.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	release := make(chan struct{})
	slow := receive(t, func(delivery) int {
		<-release
		return 200
	})
	t.Cleanup(func() { close(release) })
	fast := receive(t, nil)
	b.create("", chat.NewWebhook{URL: slow.URL})
	b.create("", chat.NewWebhook{URL: fast.URL})
	b.work(webhook.Config{WebhookTimeout: time.Hour}) // events that wait for the slow one come too late for this test
	for i := range 40 {
		b.send(fmt.Sprintf("a:b%d", i%20), "a", "x")
	}
	fast.texts(40)
}

// TestBursts: messages of one sender are one event. A webhook can begin and end to gather them.
func TestBursts(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	r := receive(t, nil)
	hook := b.create("", chat.NewWebhook{URL: r.URL, Bursts: true, Events: all})
	b.work(webhook.Config{})
	var last int64
	for i := range 3 {
		last = b.send("a:b", "a", fmt.Sprint(i))
	}
	got := r.wait("a burst", func(got []delivery) bool { return len(got) >= 1 })
	d := got[0]
	verified(t, d, hook.Secret)
	if d.Type != "burst" || len(d.Data.Messages) != 3 || d.Data.Sender != "a" || d.Data.Chat != "a:b" || d.Data.SendTime != last || d.Data.Messages[2].Text != "2" {
		t.Errorf("%s came, want a burst of 3", d.body)
	}
	b.send("a:b", "a", "one") // it closes by quiet, perhaps while the change arrives
	b.change(chat.WebhookChange{ID: hook.ID, Bursts: new(false)})
	r.wait("a message after the bursts", func(got []delivery) bool {
		b.send("a:b", "b", "plain")
		return got[len(got)-1].Type == "message"
	})
	at := b.send("a:b", "b", "end")
	got = r.wait("the end", func(got []delivery) bool { return got[len(got)-1].Data.SendTime == at })
	seen := map[string]bool{}
	for _, d := range got {
		if seen[d.ID] {
			t.Errorf("%s came twice: %s", d.ID, d.body)
		}
		seen[d.ID] = true
	}
	b.change(chat.WebhookChange{ID: hook.ID, Bursts: new(true)})
	n := len(got)
	r.wait("a burst again", func(got []delivery) bool {
		b.send("a:b", "b", "again")
		return len(got) > n && got[len(got)-1].Type == "burst"
	})
}
