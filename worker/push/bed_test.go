package push

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

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
	b.roots = x509.NewCertPool()
	b.roots.AddCert(b.Certificate())
	config := Config{
		Roots:           b.roots,
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
	b.outbox.now = func() time.Time { return b.clock }
	return b
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

// next returns the next notification.
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
