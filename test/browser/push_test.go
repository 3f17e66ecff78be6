package browser

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/webpushtest"
	"github.com/pullchat/pullchat/worker/push"
)

// pushService is a push service with one browser.
type pushService struct {
	*httptest.Server

	device *webpushtest.Device
	came   chan string // notifications to the browser, decrypted
}

func newPushService(t *testing.T) *pushService {
	t.Helper()
	p := &pushService{device: webpushtest.NewDevice(t), came: make(chan string, 100)}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err == nil {
			body, err = p.device.Decrypt(body)
		}
		if err != nil {
			t.Errorf("a push that the browser cannot read: %v", err)
		}
		p.came <- string(body)
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(p.Close)
	return p
}

// certificate returns a file with the certificate of the service.
func (p *pushService) certificate(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// next returns the next notification to the browser.
func (p *pushService) next(t *testing.T) string {
	t.Helper()
	select {
	case text := <-p.came:
		return text
	case <-time.After(30 * time.Second):
		t.Fatal("nothing is sent to the browser")
		return ""
	}
}

// subscribes has a page get its subscriptions from the service. Chromium's own service is on the internet.
func (p *pushService) subscribes(b *tab) {
	b.t.Helper()
	script := fmt.Sprintf(`
		let held = null
		const made = { endpoint: %q, keys: { p256dh: %q, auth: %q } }
		window.unreachable = true
		PushManager.prototype.subscribe = async options => {
			if (!options.userVisibleOnly || !options.applicationServerKey) throw new TypeError('options')
			if (unreachable) throw new DOMException('Registration failed - push service not available', 'AbortError')
			return held = { endpoint: made.endpoint, toJSON: () => made, unsubscribe: async () => { held = null; return true } }
		}
		PushManager.prototype.getSubscription = async () => held`, p.URL+"/browser", p.device.P256DH(), p.device.Auth())
	if err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	})); err != nil {
		b.t.Fatal(err)
	}
}

// receiver returns a function that has the browser receive a push service's message for an origin.
func (b *tab) receiver(origin string) func(text string) {
	b.t.Helper()
	registered := make(chan serviceworker.RegistrationID, 100)
	chromedp.ListenTarget(b.ctx, func(event any) {
		if updated, is := event.(*serviceworker.EventWorkerRegistrationUpdated); is {
			for _, r := range updated.Registrations {
				if strings.HasPrefix(r.ScopeURL, origin) && !r.IsDeleted {
					registered <- r.RegistrationID
				}
			}
		}
	})
	if err := chromedp.Run(b.ctx, serviceworker.Enable()); err != nil {
		b.t.Fatal(err)
	}
	select {
	case id := <-registered:
		return func(text string) {
			b.t.Helper()
			if err := chromedp.Run(b.ctx, serviceworker.DeliverPushMessage(origin, id, text)); err != nil {
				b.t.Fatal(err)
			}
		}
	case <-time.After(30 * time.Second):
		b.t.Fatal("the browser has no service worker")
		return nil
	}
}

// worker returns the service worker of an origin, which stays as long as the test.
func (b *tab) worker(origin string) *tab {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, serviceworker.Enable(), serviceworker.StartWorker(origin+"/")); err != nil {
		b.t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		targets, err := chromedp.Targets(b.ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, info := range targets {
			if info.Type == "service_worker" && strings.HasPrefix(info.URL, origin) {
				ctx, leave := chromedp.NewContext(b.ctx, chromedp.WithTargetID(info.TargetID))
				b.t.Cleanup(leave)
				return &tab{t: b.t, ctx: ctx}
			}
		}
	}
	b.t.Fatal("the service worker does not run")
	return nil
}

func (b *tab) permit(origin string, permissions ...browser.PermissionType) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, browser.GrantPermissions(permissions).WithOrigin(origin)); err != nil {
		b.t.Fatal(err)
	}
}

// awaitAbsence waits until no user is present in a chat.
func awaitAbsence(t *testing.T, base, chat string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		answer, err := http.Get(base + "/api/presence?chat=" + chat)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if strings.Contains(string(body), `"count":0`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("in %s there are %s", chat, body)
		}
	}
}

// TestNotifications: the worker's message to a subscribed browser becomes a notification, and choosing it opens the
// chat. Only the push service between the two is the test's, and the choice of the user.
func TestNotifications(t *testing.T) {
	service := newPushService(t)
	redis := redistest.Start(t)
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL()).Addr()
	public, private, err := push.NewVAPID(func() (*ecdh.PrivateKey, error) { return ecdh.P256().GenerateKey(rand.Reader) })
	if err != nil {
		t.Fatal(err)
	}
	gateway := programtest.Start(t, "http-server", "RPC_SERVERS="+rpc, "VAPID_PUBLIC_KEY="+public)
	programtest.StartWorker(t, []string{rpc}, "VAPID_PRIVATE_KEY="+private, "VAPID_SUBJECT=ops@example.org", "PUSH_ALLOW=127.0.0.0/8", "PUSH_ABSENT=0s",
		"BURST_MESSAGES=1", "SSL_CERT_FILE="+service.certificate(t))
	base := "http://" + gateway.Addr()
	c := newClient(t, base)
	say := func(text string) {
		t.Helper()
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:bob", Sender: "bob", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	subscriptions := `fetch('/api/push/subscriptions?as=alice').then(r => r.json()).then(r => r.subscriptions.map(s => s.endpoint).join())`

	// The user turns them on: at first the browser cannot reach its push service, and the page says so.
	alice := openTab(t, "about:blank")
	service.subscribes(alice)
	alice.permit(base, browser.PermissionTypeNotifications)
	alice.visit(base)
	alice.write("input[name=user]", "alice\r")
	alice.press("button[aria-label=Settings]", "")
	alice.press(".switch", "while Pullchat is closed")
	alice.shows(".panel .failure", "cannot reach its push service")
	alice.await(`!all('.switch', 'while Pullchat is closed')[0].querySelector('input').checked`)
	eval[bool](alice, "!(window.unreachable = false)")
	alice.press(".switch", "while Pullchat is closed")
	alice.await(subscriptions + `.then(s => s === '` + service.URL + `/browser')`)
	alice.await(`all('.panel .failure', '').length === 0 && all('.switch', 'while Pullchat is closed')[0].querySelector('input').checked`)

	// The user is away: a message becomes a notification, and a later one of the chat replaces it.
	alice.faultless()
	if err := chromedp.Run(alice.ctx, chromedp.Navigate(base+"/app/licences.txt")); err != nil {
		t.Fatal(err)
	}
	awaitAbsence(t, base, "alice:alice")
	receive := alice.receiver(base)
	worker := alice.worker(base)
	eval[bool](worker, watched)
	for i, text := range []string{"are you there?", "call me"} {
		say(text)
		receive(service.next(t))
		worker.await(fmt.Sprintf("told === %d", i+1))
		if got := eval[string](worker, shown); got != "bob: "+text {
			t.Errorf("after %d messages the notifications are %q", i+1, got)
		}
	}

	// The user chooses it: a page opens at the chat, or the one that is open goes there.
	eval[bool](worker, choose)
	worker.await("opened === " + strconv.Quote(base+"/#/alice%3Abob"))
	if got := eval[string](worker, shown); got != "" {
		t.Errorf("the notification that was chosen is still there: %q", got)
	}
	say("hurry")
	receive(service.next(t))
	worker.await("told === 3")
	alice.visit(base)
	alice.shows(".row .badge", "3")
	eval[bool](worker, choose)
	alice.await(`said().join() === 'are you there?,call me,hurry'`)
}

// These run in a service worker.
const (
	// watched counts the notifications, and notes the page that opens: browsers open one only for a user who has really chosen
	// a notification. A look at the notifications before one is shown makes Chromium forget it, so none may look too early.
	watched = `
		self.told = 0
		const show = ServiceWorkerRegistration.prototype.showNotification
		ServiceWorkerRegistration.prototype.showNotification = async function (...of) { await show.apply(this, of); told++ }
		self.opened = ''
		Clients.prototype.openWindow = async url => { opened = url; return null }
		true`
	// shown has the contents of the notifications.
	shown = `registration.getNotifications().then(all => all.map(n => n.title + ': ' + n.body).join())`
	// choose clicks on a notification.
	choose = `registration.getNotifications().then(([notification]) => dispatchEvent(new NotificationEvent('notificationclick', { notification })))`
)
