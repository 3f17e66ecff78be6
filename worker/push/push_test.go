package push

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

// TestWebPush: a browser decrypts one notification of a burst, from the sender that it knows.
func TestWebPush(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"), webPush("ann"))
	b.handle(burst("club", time.Now(), "one", "two", "three"))
	got := b.next()
	if got.title != "Ann Å (The Club)" || got.text != "one\ntwo\nthree" || got.fields["count"] != 3.0 || got.fields["chat"] != "club" || got.fields["sender"] != "ann" {
		t.Errorf("the notification is %+v", got)
	}
	if got.ttl < 3590 || got.ttl > 3600 || got.urgency != "high" || got.path != "/web/bob-web" {
		t.Errorf("the headers are %+v", got)
	}
	b.nothing("one for each burst, and none for the sender")
	b.handle(burst("club", time.Now(), "four"), burst("ann:bob", time.Now(), "five"))
	again, other := b.next(), b.next()
	if again.topic != got.topic || other.topic == got.topic {
		t.Errorf("the topics are %q, %q and %q of another chat", got.topic, again.topic, other.topic)
	}
	if other.title != "Ann Å" {
		t.Errorf("the title of a conversation is %q, want the sender", other.title)
	}
	if stats := b.Stats(); stats != (Stats{Sent: 3}) {
		t.Errorf("the counts are %+v", stats)
	}
}

// TestLongTexts: whatever a burst has, it fits into every service, as whole characters.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"), plain("cid", "/topic", chat.PlainText), plain("dan", "/json/topic", chat.PlainJSON), ofFCM("eve", true))
	for _, text := range []string{strings.Repeat("é", 4000), strings.Repeat("\x01", 4000), strings.Repeat("<", 4000), strings.Repeat("😀", 1000)} {
		b.handle(burst("club", time.Now(), text, text))
		for range 4 {
			got := b.next()
			if !strings.HasPrefix(text, strings.TrimSuffix(got.text, "…")) || len(got.text) < 100 || len(got.text) > maxText {
				t.Errorf("%s has %d bytes of a long text: %.20q", got.path, len(got.text), got.text)
			}
		}
	}
}

// TestPlain: ntfy has the title in a header, and UnifiedPush the JSON of Web Push.
func TestPlain(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, plain("bob", "/bobs-topic", chat.PlainText))
	b.handle(burst("club", time.Now(), "hi ho"))
	if got := b.next(); got.title != "Ann Å (The Club)" || got.text != "hi ho" {
		t.Errorf("ntfy has %+v", got)
	}
	b = newBed(t, nil, plain("bob", "/json/bobs-topic", chat.PlainJSON))
	b.handle(burst("club", time.Now(), "hi ho"))
	if got := b.next(); got.title != "Ann Å (The Club)" || got.text != "hi ho" || got.fields["count"] != 1.0 {
		t.Errorf("UnifiedPush has %+v", got)
	}
}

// TestFCM: the service account's token is accepted, and the message has the documented form.
func TestFCM(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, ofFCM("bob", true))
	e := burst("club", time.Now(), "hi", "ho")
	b.handle(e)
	got := b.next()
	if got.path != "token-bob" || got.title != "Ann Å (The Club)" || got.text != "hi\nho" || got.topic != b.topic("club") || got.fields["event"] != e.ID || got.fields["count"] != "2" {
		t.Errorf("FCM has %+v", got)
	}
	b.handle(burst("club", time.Now(), "again"))
	b.next()
	if n := b.calls("/token"); n != 1 {
		t.Errorf("%d access tokens were asked for, want 1", n)
	}
}

// TestTextOff: no text leaves the server.
func TestTextOff(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.PushText = "off" }, webPush("bob"), plain("cid", "/topic", chat.PlainText), ofFCM("dan", true), plain("eve", "/json/t", chat.PlainJSON))
	b.handle(burst("club", time.Now(), "secret", "secret"))
	for range 4 {
		if got := b.next(); strings.Contains(fmt.Sprintf("%+v", got), "secret") || got.text != "" && got.text != "2 new messages" {
			t.Errorf("%+v has the text", got)
		}
	}
}

// TestNothingToTell: notices, erased and old messages.
func TestNothingToTell(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	notice, erased := burst("club", time.Now(), "ann joined"), burst("club", time.Now(), "")
	notice.Messages[0].Notice, erased.Messages[0].Erased = &chat.Notice{Event: chat.MemberAdded}, true
	b.handle(notice, erased, burst("club", time.Now().Add(-2*time.Hour), "old"))
	b.nothing("a notice, an erased and an old message")
	if len(b.source.queries) != 0 {
		t.Errorf("it is asked who is told: %+v", b.source.queries)
	}
	partly := burst("club", time.Now(), "one", "", "three")
	partly.Messages[1].Erased = true
	b.handle(partly)
	if got := b.next(); got.text != "one\nthree" || got.fields["count"] != 2.0 {
		t.Errorf("of a burst with an erased message comes %+v", got)
	}
}

// TestMentions: the rpc-server gets the users that the messages of a burst mention, also when a call is made again.
func TestMentions(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, 503)
	e := burst("club", time.Now(), "one", "two", "three")
	e.Messages[0].Content = &chat.Content{Mentions: []string{"bob", "cid"}}
	e.Messages[2].Content = &chat.Content{Mentions: []string{"bob", "dan"}}
	b.handle(e)
	b.later(time.Minute)
	b.next()
	for _, q := range b.source.queries {
		if got := strings.Join(q.Mentions, " "); got != "bob cid dan" {
			t.Errorf("the query %+v mentions %q, want bob, cid and dan", q, got)
		}
	}
	if len(b.source.queries) != 2 {
		t.Errorf("there were %d queries, want two", len(b.source.queries))
	}
}

// TestALaterOneWins: an earlier notification that waits does not replace a later one that was taken.
func TestALaterOneWins(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"), webPush("cid"))
	b.answer("/web/bob-web", nil, 503)
	b.source.hidden["cid"] = true
	b.handle(burst("club", time.Now(), "one"))
	b.source.hidden["bob"], b.source.hidden["cid"] = true, false
	b.handle(burst("other", time.Now(), "x")) // waits, as the service fails
	b.later(time.Second)
	b.next() // it works again
	b.source.hidden["bob"], b.source.hidden["cid"] = false, true
	b.handle(burst("club", time.Now(), "two"))
	if got := b.next(); got.text != "two" {
		t.Errorf("%q came, want two", got.text)
	}
	b.later(time.Hour / 2)
	b.nothing("the earlier one")
}

// TestAServiceThatHangs: its users wait, no others do.
func TestAServiceThatHangs(t *testing.T) {
	t.Parallel()
	hung := make(chan struct{})
	release := sync.OnceFunc(func() { close(hung) })
	var calls sync.WaitGroup
	stuck := newReceiver(t)
	stuck.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		defer calls.Done()
		<-hung
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	t.Cleanup(release)
	b := newBed(t, nil, webPush("bob"), func(*receiver) chat.Subscription {
		return chat.Subscription{User: "cid", Device: "pad", Kind: chat.PlainEndpoint, Endpoint: stuck.URL + "/topic", Format: chat.PlainText}
	})
	b.roots.AddCert(stuck.Certificate())
	b.outbox.waitFor = 3 * time.Second // which the service that works does not need
	b.handle(burst("club", time.Now(), "one"))
	b.outbox.waitFor = time.Hour // from now on, waiting for it would be noticed
	for range 10 {
		b.handle(burst("club", time.Now(), "more"), burst("other", time.Now(), "more"))
	}
	for range 21 {
		if got := b.next(); got.path != "/web/bob-web" {
			t.Fatalf("%+v came, want bob's", got)
		}
	}
	release()
	b.settled()
	if stats := b.Stats(); stats.Sent != 21 || len(b.outbox.waiting) != 2 {
		t.Errorf("the counts are %+v, and %d wait; want 21 sent, and the last of each chat waiting", stats, len(b.outbox.waiting))
	}
}

// TestPrivateNetworks: an endpoint on this machine is not called, unless its network is allowed.
func TestPrivateNetworks(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.PushAllow = nil }, webPush("bob"), plain("cid", "/topic", chat.PlainText))
	b.handle(burst("club", time.Now(), "hi"))
	b.settled()
	if stats := b.Stats(); stats.Dropped != 2 || b.calls("/topic")+b.calls("/web/bob-web") != 0 {
		t.Errorf("the counts are %+v, want 2 dropped without a call", stats)
	}
}

// TestRedirects are not followed.
func TestRedirects(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, plain("bob", "/topic", chat.PlainText))
	b.answer("/topic", http.Header{"Location": {"/other"}}, http.StatusPermanentRedirect)
	b.handle(burst("club", time.Now(), "hi"))
	if stats := b.Stats(); stats.Dropped != 1 || b.calls("/other") != 0 {
		t.Errorf("the counts are %+v, and /other was called %d times", stats, b.calls("/other"))
	}
}

// TestAbsence: the worker looks for absent users some time after the message, and notifies no user before that.
func TestAbsence(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.PushAbsent = 200 * time.Millisecond }, webPush("bob"))
	b.source.onQuery = func() { b.source.hidden["bob"] = true } // reads it while it waits
	sent := time.Now()
	b.handle(burst("club", sent, "hi"))
	b.nothing("bob has read it")
	if waited := time.Since(sent); waited < 200*time.Millisecond || len(b.source.queries) != 2 {
		t.Errorf("it was looked %d times, the last time after %s at most", len(b.source.queries), waited)
	}
	b.source.queries = nil
	b.handle(burst("club", time.Now(), "nobody is to be told"))
	if len(b.source.queries) != 1 {
		t.Errorf("it was looked %d times, want once: nobody is to be told", len(b.source.queries))
	}
}

// TestErrors: the projection tries again; an event that cannot be handled becomes a dead letter.
func TestErrors(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.source.err = chat.Errorf(chat.Unavailable, "no")
	if err := b.Handle(t.Context(), []projection.Event{burst("club", time.Now(), "hi")}); err == nil {
		t.Error("Handle = nil without rpc-servers, want an error")
	}
}

// TestProjections: without subscriptions there is no projection. One that begins misses nothing since there were none.
func TestProjections(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	changes := 0
	changed := func() { changes++ }
	before := time.Now().UnixMicro()
	b.look(t.Context(), changed)
	if p := b.Projections(); len(p) != 0 || changes != 0 {
		t.Errorf("without subscriptions there are %d projections, and %d changes", len(p), changes)
	}
	between := time.Now().UnixMicro()
	b.source.subscriptions = []chat.Subscription{b.subscription("bob", "web")}
	b.look(t.Context(), changed)
	p := b.Projections()
	if len(p) != 1 || changes != 1 || p[0].Start < before || p[0].Start > between {
		t.Errorf("with a subscription there are %+v, and %d changes", p, changes)
	}
	b.source.err = chat.Errorf(chat.Unavailable, "no")
	b.look(t.Context(), changed)
	if len(b.Projections()) != 1 {
		t.Error("an error ends the projection")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 16, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "Sat, 28 Nov 2026 16:01:00 GMT": time.Minute, "Sat, 28 Nov 2026 15:00:00 GMT": 0, "-5": 0, "soon": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("retryAfter(%q) = %s, want %s", text, got, want)
		}
	}
}

// TestConfig: invalid settings are named.
func TestConfig(t *testing.T) {
	t.Parallel()
	good := Config{FCMEndpoint: "https://fcm.example", PushTTL: time.Hour}
	for name, change := range map[string]func(*Config){
		"a malformed key":         func(c *Config) { c.VAPIDPrivateKey, c.VAPIDSubject = "no key!", "a@b" },
		"a short key":             func(c *Config) { c.VAPIDPrivateKey, c.VAPIDSubject = "AAAA", "a@b" },
		"a key without a subject": func(c *Config) { c.VAPIDPrivateKey = "BTBZMqHH6r4Tts7J_aSIggBTBZMqHH6r4Tts7J_aSIg" },
		"no TTL":                  func(c *Config) { c.PushTTL = 0 },
		"a long absence":          func(c *Config) { c.PushAbsent = time.Hour },
		"no endpoint of FCM":      func(c *Config) { c.FCMEndpoint = "fcm" },
	} {
		c := good
		if change(&c); c.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
