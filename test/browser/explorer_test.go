package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/internal/programtest"
)

// TestExplorer tries requests in the API explorer: a login, and then requests that need one. It loads nothing from
// another server, and its policy refuses nothing.
func TestExplorer(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t), "AUTH=on", "AUTH_SECRET="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("secret", 6))))
	base := "http://" + gateway.Addr()
	programtest.Accounts(t, base, "alice")
	b := openTab(t, "about:blank")
	if err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(helpers).Do(ctx)
		return err
	}), chromedp.EmulateViewport(1100, 900), chromedp.Navigate(base+"/docs")); err != nil {
		t.Fatal(err)
	}
	b.shows(".info .title", "Pullchat")
	execute := func(operation, body string) {
		t.Helper()
		b.press("[id$=-"+operation+"] .opblock-summary-control", "")
		if body != "" {
			b.await(fmt.Sprintf("!!document.querySelector('[id$=-%s] textarea')", operation))
			eval[bool](b, fmt.Sprintf(`(field => {
				Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(field, %q)
				return field.dispatchEvent(new Event('input', { bubbles: true }))
			})(document.querySelector('[id$=-%s] textarea'))`, body, operation))
		}
		b.press("[id$=-"+operation+"] .execute", "")
	}
	answer := func(operation, status, text string) {
		t.Helper()
		b.shows("[id$=-"+operation+"] .live-responses-table .response-col_status", status)
		b.shows("[id$=-"+operation+"] .live-responses-table", text)
	}
	execute("send", `{"chat":"alice:bob","text":"before"}`)
	answer("send", "401", "unauthenticated")
	execute("login", fmt.Sprintf(`{"user":"alice","password":%q}`, programtest.Password))
	answer("login", "200", "refresh_token")
	b.shows("#who", "as alice")
	b.press("[id$=-send] .execute", "")
	answer("send", "200", "send_time")
	if loaded := eval[[]string](b, `performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith(location.origin) && !name.startsWith('data:'))`); len(loaded) > 0 {
		t.Errorf("the explorer loads %q", loaded)
	}
	b.faultless()

	// Where the service worker of the page runs, it does not keep the explorer.
	b.visit(base)
	b.await(`navigator.serviceWorker.ready.then(r => r.active.state === 'activated' && !!navigator.serviceWorker.controller)`)
	if err := chromedp.Run(b.ctx, chromedp.Navigate(base+"/docs")); err != nil {
		t.Fatal(err)
	}
	b.shows(".info .title", "Pullchat")
	kept := `Promise.all((await caches.keys()).map(async name => (await (await caches.open(name)).keys()).map(r => new URL(r.url).pathname)))`
	if got := eval[[]string](b, `(async () => (await `+kept+`).flat())()`); !slices.Contains(got, "/") || slices.ContainsFunc(got, func(path string) bool { return strings.Contains(path, "swagger") }) {
		t.Errorf("the service worker keeps %q", got)
	}
}
