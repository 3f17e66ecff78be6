package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/internal/programtest"
)

// TestManyTabs: a user has six tabs of the page in one browser, which opens six connections to a server. The tab that is seen works,
// one of the hidden ones hears what comes, and notifies the user of it, and each has all messages when it is seen again.
func TestManyTabs(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	bob, first := openPage(t, base), openPage(t, base)
	first.permit(base, browser.PermissionTypeNotifications)
	bob.write("input[name=user]", "bob\r")
	first.write("input[name=user]", "alice\r")
	eval[bool](first, `(localStorage['pullchat-notify'] = 'on', true)`)
	first.press("button", "New chat")
	first.write(".dialog input", "bob\r")
	first.write("#text", "0\r")
	bob.press(".row", "alice")

	var want []string
	said := func(b *tab) {
		t.Helper()
		b.await(fmt.Sprintf("said().join() === %q", strings.Join(want, ",")))
	}
	say := func(b *tab) {
		t.Helper()
		b.write("#text", fmt.Sprintf("%d\r", len(want)))
		want = append(want, fmt.Sprint(len(want)))
		said(b)
	}
	want = append(want, "0")
	said(first)
	tabs := []*tab{first}
	for range 5 {
		ctx, closeTab := chromedp.NewContext(first.ctx)
		t.Cleanup(closeTab)
		b := &tab{t: t, ctx: ctx}
		b.visit(base)
		b.press(".row", "bob")
		b.await(`document.visibilityState === 'visible'`)
		eval[bool](b, `navigator.serviceWorker.ready.then(() => {
			window.told = []
			ServiceWorkerRegistration.prototype.showNotification = async (title, { body }) => void told.push(body)
			return true
		})`)
		said(b)
		tabs = append(tabs, b)
	}
	second, sixth := tabs[1], tabs[5]
	say(sixth)
	say(bob)
	said(sixth)
	said(first) // the one of the hidden tabs that follows

	// It is seen again, and the second takes its place. It does not notify the user of what the first one has told.
	show := func(b *tab) {
		t.Helper()
		if err := chromedp.Run(b.ctx, page.BringToFront()); err != nil {
			t.Fatal(err)
		}
		said(b)
		b.await(`document.visibilityState === 'visible' && all('.connection', '').length === 0`)
	}
	show(first)
	say(first)
	said(second)
	say(bob)
	said(second)
	if told := eval[string](second, "told.join()"); told != "bob: "+want[len(want)-1] {
		t.Errorf("the second tab has notified the user of %q", told)
	}
	for _, b := range tabs[1:] {
		show(b)
		say(b)
		b.faultless()
	}
}
