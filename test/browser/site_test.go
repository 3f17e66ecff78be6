// Package browser drives a real browser, headless Chromium, against real programs. It tests the browser's own behaviour
// with the transports of docs/live.md, which pages rely on.
package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

const room = "room"

// pages serves files from another origin than the http-server's.
func pages(t *testing.T, folder string) (origin string) {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	return server.URL
}

// startRPC starts an rpc-server, and returns the setting that names it.
func startRPC(t *testing.T) (setting string) {
	t.Helper()
	redis := redistest.Start(t)
	return "RPC_SERVERS=" + programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL()).Addr()
}

// newClient returns a client that sends the messages for browsers.
func newClient(t *testing.T, base string) *client.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(base, &http.Client{Transport: transport}, client.WithPolicy(client.Policy{Attempts: 100, Total: 20 * time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c *client.Client, text string) {
	t.Helper()
	if _, err := c.Send(t.Context(), client.Message{Chat: room, Sender: "alice", Text: text}); err != nil {
		t.Fatal(err)
	}
}

// tab is a page in its own Chromium.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openTab opens a page. Without an installed Chromium the test is skipped; in `make browser-test` it fails.
func openTab(t *testing.T, url string, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("REQUIRE_BROWSER") != "" {
			t.Fatal("chromium is not installed: `make browser-test` installs it")
		}
		t.Skip("SKIPPED, NOT TESTED: chromium is not installed; `make browser-test` installs it")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program),
		chromedp.NoSandbox, // root cannot use the sandbox
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	options = append(options, flags...)
	timed, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	allocator, end := chromedp.NewExecAllocator(timed, options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // and waits until Chromium, which writes to its folder, has ended
		closeTab()
		end()
		stop()
	})
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Run(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	return b
}

// eval returns the value of a JavaScript expression of type T in the page. It awaits a promise.
func eval[T any](b *tab, expression string) (value T) {
	b.t.Helper()
	err := chromedp.Run(b.ctx, chromedp.Evaluate(expression, &value, awaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// await waits until an expression is true in the page.
func (b *tab) await(expression string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !eval[bool](b, expression); <-tick.C {
		if time.Now().After(deadline) {
			b.t.Fatalf("not within 30 s in the page: %s; it shows: %s", expression, eval[string](b, "self.document?.documentElement.innerText ?? ''"))
		}
	}
}

// heardAll fails unless the page has all stored messages, each once and in order.
func (b *tab) heardAll(c *client.Client, count int) {
	b.t.Helper()
	var stored []int64
	for m, err := range c.All(b.t.Context(), client.PullRequest{Chat: room}) {
		if err != nil {
			b.t.Fatal(err)
		}
		stored = append(stored, m.SendTime)
	}
	if len(stored) != count {
		b.t.Errorf("%d messages are stored, want the %d that were sent", len(stored), count)
	}
	if heard := eval[[]int64](b, "heard"); !slices.Equal(heard, stored) {
		b.t.Errorf("the page heard %d messages, want exactly the %d stored ones, in order:\n%v\n%v", len(heard), len(stored), heard, stored)
	}
}
