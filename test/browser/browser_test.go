package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/internal/programtest"
)

func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// TestRestarts: pages of another origin follow a chat while their http-server is stopped and killed. An EventSource
// reconnects by itself with its Last-Event-ID: the page does nothing, and its address says cursor 0.
func TestRestarts(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"eventsource.html", "websocket.html"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			origin := pages(t, "testdata")
			gateway := programtest.Start(t, "http-server", startRPC(t), "ALLOWED_ORIGINS="+origin)
			base := "http://" + gateway.Addr()
			c := newClient(t, base)
			sent := 0
			more := func() {
				for range 20 {
					send(t, c, fmt.Sprint(sent))
					sent++
				}
			}
			more()
			b := openTab(t, origin+"/"+page+"?server="+base)
			heard := func() { b.await(fmt.Sprintf("heard.length >= %d", sent)) }
			heard()
			more()
			heard()
			for i, end := range []func(){gateway.Terminate, gateway.Kill} {
				end()
				gateway.Exit()
				gateway.Restart()
				more() // while the page is disconnected
				heard()
				more()
				heard()
				if opened := eval[int](b, "opened"); opened != i+2 {
					t.Errorf("after %d restarts the page has connected %d times, want %d", i+1, opened, i+2)
				}
			}
			b.heardAll(c, sent)
		})
	}
}

// TestNoServerBehindNginx: an EventSource survives a time without http-servers, although it gives up after a 503.
func TestNoServerBehindNginx(t *testing.T) {
	t.Parallel()
	origin := pages(t, "testdata")
	gateway := programtest.Start(t, "http-server", startRPC(t), "ALLOWED_ORIGINS="+origin)
	nginx := programtest.StartNginx(t, []string{gateway.Addr()})
	c := newClient(t, nginx.URL())
	send(t, c, "before")
	b := openTab(t, origin+"/eventsource.html?server="+nginx.URL())
	b.await("heard.length >= 1")
	gateway.Kill()
	const turnedAway = "while connecting to upstream, client"
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); strings.Count(nginx.Output(), turnedAway) < 2; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("EventSource does not connect again; its readyState is %d", eval[int](b, "stream.readyState"))
		}
	}
	gateway.Restart()
	send(t, c, "after")
	b.await("heard.length >= 2")
	b.heardAll(c, 2)
}

// TestOrigins: requests of a page from an origin in ALLOWED_ORIGINS, and from another origin.
func TestOrigins(t *testing.T) {
	t.Parallel()
	allowed, other := pages(t, "testdata"), pages(t, "testdata")
	gateway := programtest.Start(t, "http-server", startRPC(t), "ALLOWED_ORIGINS="+allowed)
	base := "http://" + gateway.Addr()
	c := newClient(t, base)
	send(t, c, "hello")
	for origin, want := range map[string]string{allowed: "allowed", other: "refused"} {
		b := openTab(t, origin+"/eventsource.html?server="+base)
		for over, script := range map[string]string{
			"EventSource": `new Promise(resolve => { const s = new EventSource(base + '/api/stream?chat=room')
				s.addEventListener('messages', () => resolve('allowed')); s.onerror = () => resolve('refused') })`,
			"WebSocket": `new Promise(resolve => { const s = new WebSocket(base.replace('http', 'ws') + '/api/ws')
				s.onopen = () => resolve('allowed'); s.onclose = () => resolve('refused') })`,
			"pull": `fetch(base + '/api/pull?chat=room').then(r => r.json()).then(() => 'allowed', () => 'refused')`,
			"send": `fetch(base + '/api/send', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'once' },
				body: JSON.stringify({ chat: 'room', sender: 'bob', text: 'from a page' }) }).then(r => r.ok ? 'allowed' : r.status, () => 'refused')`,
		} {
			if got := eval[string](b, fmt.Sprintf("(base => %s)(%q)", script, base)); got != want {
				t.Errorf("%s of a page of an origin that is to be %s: %s", over, want, got)
			}
		}
	}
}

// TestExample uses the page of examples/browser as a user does, through a restart.
func TestExample(t *testing.T) {
	t.Parallel()
	origin := pages(t, "../../examples/browser")
	gateway := programtest.Start(t, "http-server", startRPC(t), "ALLOWED_ORIGINS="+origin)
	base := "http://" + gateway.Addr()
	c := newClient(t, base)
	send(t, c, "<b>before</b>")
	b := openTab(t, origin+"/?server="+base)
	shows := func(n int, last string) {
		t.Helper()
		b.await(fmt.Sprintf("document.querySelectorAll('li').length === %d && [...document.querySelectorAll('li')].at(-1).dataset.text === %q", n, last))
	}
	write := func(text string) {
		t.Helper()
		if err := chromedp.Run(b.ctx, chromedp.SendKeys("#send input", text+"\r", chromedp.ByQuery)); err != nil {
			t.Fatal(err)
		}
	}
	if err := chromedp.Run(b.ctx,
		chromedp.SendKeys("#join input[name=chat]", room, chromedp.ByQuery),
		chromedp.SendKeys("#join input[name=sender]", "bob\r", chromedp.ByQuery),
	); err != nil {
		t.Fatal(err)
	}
	shows(1, "<b>before</b>")
	if eval[int](b, "document.querySelectorAll('li b').length") != 0 {
		t.Error("a text became HTML")
	}
	write("hi alice")
	shows(2, "hi alice")
	send(t, c, "hi bob")
	shows(3, "hi bob")
	gateway.Kill()
	write("are you there?") // retried until it is answered
	gateway.Restart()
	shows(4, "are you there?")
	write("")
	send(t, c, "yes")
	shows(5, "yes")
}
