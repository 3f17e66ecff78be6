package push

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

// fakeSource tells the subscriptions of everyone who is not the sender.
type fakeSource struct {
	mutex         sync.Mutex
	subscriptions []chat.Subscription
	hidden        map[string]bool // users who are not to be told
	queries       []chat.PushQuery
	err           error
	onQuery       func()
	messages      []chat.Message // of all chats, by position
}

// Pull pages by two.
func (f *fakeSource) Pull(_ context.Context, r chat.PullRequest) (page chat.Page, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, m := range f.messages {
		switch {
		case m.Chat != r.Chat || m.SendTime < r.Cursor:
		case len(page.Messages) == 2:
			page.HasMore = true
			return page, f.err
		default:
			page.Messages, page.NextCursor = append(page.Messages, m), m.SendTime+1
		}
	}
	return page, f.err
}

// remove deletes the messages with a text.
func (f *fakeSource) remove(text string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.removeLocked(text)
}

func (f *fakeSource) removeLocked(text string) {
	for i := range f.messages {
		if f.messages[i].Text == text {
			f.messages[i].Text, f.messages[i].Erased = "", true
		}
	}
}

func (f *fakeSource) Subscribers(context.Context) (int64, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return int64(len(f.subscriptions)), f.err
}

func (f *fakeSource) PushTargets(_ context.Context, q chat.PushQuery) (targets chat.PushTargets, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.queries = append(f.queries, q)
	if f.onQuery != nil {
		defer f.onQuery()
	}
	for _, s := range f.subscriptions {
		if s.User == q.Sender || f.hidden[s.User] || q.Users != nil && q.Users[0] != s.User {
			continue
		}
		targets.Users = append(targets.Users, []chat.Subscription{s})
	}
	targets.ChatName, targets.SenderName = "The Club", "Ann Å"
	return targets, f.err
}

func (f *fakeSource) Unsubscribe(_ context.Context, u chat.Unsubscription) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for i, s := range f.subscriptions {
		if s.User == u.User && s.Device == u.Device && s.Created == u.Created {
			f.subscriptions = append(f.subscriptions[:i:i], f.subscriptions[i+1:]...)
			return nil
		}
	}
	return nil
}

func (f *fakeSource) left() (devices string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, s := range f.subscriptions {
		devices += " " + s.User
	}
	return strings.TrimSpace(devices)
}

// bed is a sink with a receiver.
type bed struct {
	roots *x509.CertPool // that the sink believes
	*Sink
	*receiver
	t      *testing.T
	source *fakeSource
	clock  time.Time // that retries go by
}

func newBed(t *testing.T, change func(*Config), subscriptions ...func(*receiver) chat.Subscription) *bed {
	t.Helper()
	b := &bed{t: t, receiver: newReceiver(t), source: &fakeSource{hidden: map[string]bool{}}, clock: time.Now()}
	public, private, err := NewVAPID(func() (*ecdh.PrivateKey, error) { return ecdh.P256().GenerateKey(rand.Reader) })
	if err != nil {
		t.Fatal(err)
	}
	b.receiver.vapid = public
	config := Config{
		VAPIDPrivateKey: private, VAPIDSubject: "mailto:ops@example.org", FCMKeyFile: b.serviceAccount(), FCMEndpoint: b.URL, PushText: "on", PushTTL: time.Hour,
		PushUrgency: "high", PushAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	if change != nil {
		change(&config)
	}
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, subscription := range subscriptions {
		s := subscription(b.receiver)
		s.Created = int64(i + 1)
		b.source.subscriptions = append(b.source.subscriptions, s)
	}
	b.Sink = New(config, nil, b.source, slog.New(slog.DiscardHandler))
	if b.failed != nil {
		t.Fatal(b.failed)
	}
	b.trust()
	b.outbox.now = func() time.Time { return b.clock }
	return b
}

// trust has the sink's clients believe the receiver's certificate.
func (b *bed) trust() {
	roots := x509.NewCertPool()
	roots.AddCert(b.Certificate())
	b.roots = roots
	b.services.client.Trust(roots)
	b.services.fcm.client.Transport.(*oauth2.Transport).Base.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func webPush(user string) func(*receiver) chat.Subscription {
	return func(r *receiver) chat.Subscription { return r.subscription(user, "web") }
}

func plain(user, path string, format chat.PlainFormat) func(*receiver) chat.Subscription {
	return func(r *receiver) chat.Subscription {
		return chat.Subscription{User: user, Device: "pad", Kind: chat.PlainEndpoint, Endpoint: r.URL + path, Format: format}
	}
}

func ofFCM(user string, known bool) func(*receiver) chat.Subscription {
	return func(r *receiver) chat.Subscription {
		r.fcm["token-"+user] = known
		return chat.Subscription{User: user, Device: "phone", Kind: chat.FCM, Token: "token-" + user}
	}
}

// burst is an event of ann's messages.
func burst(room string, at time.Time, texts ...string) projection.Event {
	e := projection.Event{Chat: room}
	for i, text := range texts {
		e.Messages = append(e.Messages, chat.Message{Chat: room, Sender: "ann", Text: text, SendTime: at.UnixMicro() + int64(i)})
	}
	e.ID = chat.EventID(room, e.Last().SendTime)
	return e
}

func (b *bed) handle(events ...projection.Event) {
	b.t.Helper()
	b.source.mutex.Lock()
	for _, e := range events {
		b.source.messages = append(b.source.messages, e.Messages...)
	}
	b.source.mutex.Unlock()
	if err := b.Handle(b.t.Context(), events); err != nil {
		b.t.Fatal(err)
	}
}

// next returns what comes next.
func (b *bed) next() received {
	b.t.Helper()
	select {
	case got := <-b.came:
		return got
	case <-time.After(60 * time.Second):
		b.t.Fatal("nothing comes in a minute")
		return received{}
	}
}

// nothing checks that nothing has come. A call that is waited for has ended.
func (b *bed) nothing(why string) {
	b.t.Helper()
	select {
	case got := <-b.came:
		b.t.Errorf("%s: %+v came, want nothing", why, got)
	default:
	}
}

// settled waits until no call is under way.
func (b *bed) settled() {
	b.outbox.mutex.Lock()
	defer b.outbox.mutex.Unlock()
	for b.outbox.calls > 0 {
		b.outbox.ended.Wait()
	}
}

// later moves the clock, and makes the calls that are due then.
func (b *bed) later(after time.Duration) {
	b.clock = b.clock.Add(after)
	b.outbox.again(b.t.Context())
	b.settled()
}

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

// TestGone: a subscription that its service does not know is removed, and no other one.
func TestGone(t *testing.T) {
	t.Parallel()
	counted := map[string]int{}
	count := func(c *Config) {
		var mutex sync.Mutex
		c.Notified = func(kind, outcome string) {
			mutex.Lock()
			defer mutex.Unlock()
			counted[kind+" "+outcome]++
		}
	}
	b := newBed(t, count, webPush("bob"), plain("cid", "/topic", chat.PlainText), ofFCM("dan", false), webPush("eve"), ofFCM("fay", true))
	b.answer("/web/bob-web", nil, http.StatusGone)
	b.answer("/topic", nil, http.StatusNotFound)
	b.handle(burst("club", time.Now(), "hi"))
	if left := b.source.left(); left != "eve fay" {
		t.Errorf("left are %q, want eve fay", left)
	}
	b.answer("/v1/projects/proj/messages:send", nil, http.StatusNotFound) // without the error that names the token
	b.answer("/web/eve-web", nil, http.StatusForbidden)
	b.handle(burst("club", time.Now(), "ho"))
	if left := b.source.left(); left != "eve fay" {
		t.Errorf("after other errors, left are %q, want eve fay", left)
	}
	want := map[string]int{"webpush removed": 1, "plain removed": 1, "fcm removed": 1, "webpush sent": 1, "fcm sent": 1, "webpush refused": 1, "fcm refused": 1}
	if !maps.Equal(counted, want) {
		t.Errorf("the notifications are counted as %v, want %v", counted, want)
	}
}

// TestRenewedMeanwhile: the answer to an old subscription does not remove the new one of the device.
func TestRenewedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, http.StatusGone)
	b.source.onQuery = func() { b.source.subscriptions[0].Created = 99 }
	b.handle(burst("club", time.Now(), "hi"))
	if left := b.source.left(); left != "bob" {
		t.Errorf("left are %q, want bob", left)
	}
}

// TestRetries: a call that fails is made again, not before the service wants it, while it is of use.
func TestRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	path := "/web/bob-web"
	b.answer(path, http.Header{"Retry-After": {"600"}}, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	b.handle(burst("club", time.Now(), "hi"))
	b.later(590 * time.Second)
	if n := b.calls(path); n != 1 {
		t.Errorf("before the time of Retry-After there were %d calls, want 1", n)
	}
	b.later(11 * time.Second)
	b.later(601 * time.Second)
	if got := b.next(); got.text != "hi" {
		t.Errorf("after two failures comes %+v", got)
	}
	if stats := b.Stats(); stats.Sent != 1 || stats.Dropped != 0 || b.outbox.hosts[b.Listener.Addr().String()] != nil {
		t.Errorf("the counts are %+v", stats)
	}

	b.answer(path, http.Header{"Retry-After": {"3000"}}, 503, 503)
	b.handle(burst("club", time.Now(), "later than its TTL"))
	b.later(3001 * time.Second)
	if n, stats := b.calls(path), b.Stats(); n != 4 || stats.Dropped != 1 {
		t.Errorf("of a notification that expires there were %d calls, and the counts are %+v; want 4 and 1 dropped", n, stats)
	}
}

// TestFewRetries: they end, long before the TTL does.
func TestFewRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.PushTTL = 24 * time.Hour }, webPush("bob"))
	b.answer("/web/bob-web", nil, 500, 500, 500, 500, 500, 500, 500, 500, 500)
	b.handle(burst("club", time.Now(), "hi"))
	for range 10 {
		b.later(30 * time.Minute)
	}
	if n, stats := b.calls("/web/bob-web"), b.Stats(); n != maxAttempts || stats.Dropped != 1 {
		t.Errorf("there were %d calls, and the counts are %+v; want %d and 1 dropped", n, stats, maxAttempts)
	}
}

// TestReadMeanwhile: who has read the message before the next call is not told; a later burst replaces an earlier one.
func TestReadMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, 503)
	b.handle(burst("club", time.Now(), "hi"))
	b.source.hidden["bob"] = true
	b.later(time.Minute)
	b.nothing("bob has read it")
	if stats := b.Stats(); stats.Obsolete != 1 {
		t.Errorf("the counts are %+v, want one obsolete", stats)
	}
	b.source.hidden["bob"] = false
	b.handle(burst("club", time.Now(), "one")) // waits, as the service fails
	b.handle(burst("club", time.Now(), "two"))
	b.handle(burst("ann:bob", time.Now(), "other"))
	b.later(time.Second)
	texts := map[string]bool{b.next().text: true, b.next().text: true}
	b.nothing("the later one of the chat, and that of another chat")
	if !texts["two"] || !texts["other"] {
		t.Errorf("%v came, want two and other", texts)
	}
}

// TestDeletedMeanwhile: nothing is told of a message that was deleted while its notification waited, for another call or for
// the users to be absent.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, 503)
	b.handle(burst("club", time.Now(), "one", "secret", "three", "four"))
	b.source.remove("secret")
	b.later(time.Minute)
	if got := b.next(); got.text != "one\nthree\nfour" {
		t.Errorf("%q came, want what was not deleted", got.text)
	}
	b.answer("/web/bob-web", nil, 503)
	b.handle(burst("club", time.Now(), "gone"))
	b.source.remove("gone")
	b.later(time.Minute)
	b.nothing("all was deleted")
	if stats := b.Stats(); stats.Obsolete != 1 {
		t.Errorf("the counts are %+v, want one obsolete", stats)
	}

	b = newBed(t, func(c *Config) { c.PushAbsent = 200 * time.Millisecond }, webPush("bob"))
	asked := 0
	b.source.onQuery = func() {
		if asked++; asked == 1 {
			b.source.removeLocked("secret")
		}
	}
	b.handle(burst("club", time.Now(), "one", "secret"))
	if got := b.next(); got.text != "one" {
		t.Errorf("%q came, want what was not deleted while bob was waited for", got.text)
	}
}

// TestMentions: the rpc-server is told whom the messages of a burst mention, also when a call is made again.
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

// TestAServiceThatHangs: its users wait, nobody else does.
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

// TestAbsence: it is looked some time after the message who is absent, and before that nobody is told.
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

// TestErrors: the projection tries again; what cannot work becomes a dead letter.
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

// TestConfig: what cannot work is named.
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
