package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// key presses a key, wherever the focus is.
func (b *tab) key(key string, modifiers ...input.Modifier) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...))); err != nil {
		b.t.Fatal(err)
	}
}

func jsonOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// chatsOf gives alice a conversation with each of some users; that of the last one is the newest.
func chatsOf(t *testing.T, base string, users ...string) {
	t.Helper()
	c := newClient(t, base)
	for _, user := range users {
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:" + user, Sender: user, Text: "from " + user}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKeys: the keys that the settings list, and the theme.
func TestKeys(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	chatsOf(t, base, "dave", "carol", "bob")
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.shows(".row", "bob")
	open := func(user string) {
		t.Helper()
		alice.await(fmt.Sprintf(`document.querySelector('.row[aria-current] .title')?.textContent === %q`, user))
	}
	alice.key(kb.ArrowDown, input.ModifierAlt)
	open("bob")
	alice.key(kb.ArrowDown, input.ModifierAlt)
	open("carol")
	alice.key(kb.ArrowUp, input.ModifierAlt)
	open("bob")
	alice.key(kb.ArrowUp, input.ModifierAlt)
	open("bob")

	alice.key("k", input.ModifierCtrl)
	alice.await(`document.activeElement.matches('.search input')`)
	alice.key("da")
	alice.await(`all('.row', '').map(r => r.querySelector('.title').textContent).join() === 'dave'`)
	// Alt and arrows go through what the filter shows; Enter opens the first.
	alice.key(kb.Escape) // clears the field
	alice.await(`all('.row', '').length === 3`)
	alice.key("a")
	alice.await(`all('.row', '').length === 2`) // carol and dave
	alice.key(kb.ArrowDown, input.ModifierAlt)
	open("carol")
	alice.key(kb.ArrowDown, input.ModifierAlt)
	open("dave")
	alice.key(kb.ArrowDown, input.ModifierAlt)
	open("dave")
	alice.key("k", input.ModifierCtrl)
	alice.key(kb.Enter)
	open("carol")
	alice.await(`document.activeElement.id === 'text'`)
	alice.key("k", input.ModifierCtrl)
	alice.key("xyz")
	alice.shows(".empty", "No chat has this name.")

	alice.press("button[aria-label=Settings]", "")
	for theme, ground := range map[string]string{"dark": "rgb(18, 20, 27)", "light": "rgb(243, 244, 249)"} {
		alice.await(fmt.Sprintf(`(s => (s.value = %q, s.dispatchEvent(new Event('change', { bubbles: true })), true))(all('.choice', 'Theme')[0].control)`, theme))
		shown := fmt.Sprintf(`getComputedStyle(document.body).backgroundColor === %q`, ground)
		alice.await(shown)
		alice.reload()
		alice.await(shown)
		alice.press("button[aria-label=Settings]", "")
	}
	alice.key(kb.Escape)
	alice.await(`all('.panel', '').length === 0`)
}

// TestFocus: the focus is never lost to the page itself, and goes where the user goes on.
func TestFocus(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	chatsOf(t, base, "carol", "bob")
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	focus := func(selector string) {
		t.Helper()
		alice.await(fmt.Sprintf("document.activeElement.matches(%q)", selector))
	}
	focus(".sidebar")
	alice.press(".row", "bob")
	focus("#text")
	alice.write("#text", "mine\r")
	alice.await(`said().join() === 'from bob,mine' && all('.waiting', '').length === 0`)

	// A panel takes the focus, and gives it back.
	alice.await(`(b => (b.focus(), b.click(), true))(document.querySelector('button[aria-label=Details]'))`)
	focus(".panel")
	alice.key(kb.Tab)
	focus(".panel button[aria-label=Close]")
	alice.key(kb.Escape)
	focus("button[aria-label=Details]")

	// What a menu did leaves the focus at its message.
	alice.press(".message:not(.own) .actions summary", "")
	alice.await(`(b => b && (b.focus(), b.click(), true))(document.querySelector("[aria-label='React with 🎉']"))`)
	focus(".message:not(.own) .actions summary")
	alice.await(`(b => b && (b.focus(), b.click(), true))(document.querySelector('.reactions button'))`)
	alice.await(`all('.reactions button', '').length === 0`)
	focus(".message:not(.own)")
	eval[bool](alice, "(window.confirm = () => true)()")
	alice.press(".message.own .actions summary", "")
	alice.press(".actions[open] .danger", "Delete")
	alice.shows(".message.own .text", "deleted")
	focus(".message.own")

	// The dialog: arrow keys choose its tab, and it says itself what went wrong.
	alice.await(`(b => (b.focus(), b.click(), true))(document.querySelector("button[aria-label='New chat']"))`)
	alice.await(`document.activeElement.closest('.dialog') && (document.querySelector('[role=tab][aria-selected=true]').focus(), true)`)
	for _, tab := range []struct{ key, title string }{
		{kb.ArrowRight, "Join a room"}, {kb.ArrowRight, "Create a room"}, {kb.ArrowRight, "Write to a user"}, {kb.ArrowLeft, "Create a room"}, {kb.ArrowLeft, "Join a room"},
	} {
		alice.key(tab.key)
		focus("[role=tab][aria-selected=true]")
		alice.await(fmt.Sprintf("document.activeElement.textContent === %q", tab.title))
	}
	alice.write(".dialog input", "nosuch\r")
	alice.await(`document.querySelector('.dialog .failure')?.textContent === 'There is no room nosuch.' && all('.toast', '').length === 0`)
	alice.press("[role=tab]", "Write to a user")
	alice.await(`all('.dialog .failure', '').length === 0`)
	alice.write(".dialog input", "b b\r")
	alice.await(`document.querySelector('.dialog .failure')?.textContent === 'The name of a user must not have a space.'`)
	alice.key(kb.Escape)
	focus("button[aria-label='New chat']")
}

// TestPhone: what a panel covers cannot be reached; Enter begins a line where a keyboard on the screen has no Shift.
func TestPhone(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	alice := openTab(t, "about:blank")
	alice.visit(base)
	if err := chromedp.Run(alice.ctx, chromedp.EmulateViewport(390, 800, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	alice.write("input[name=user]", "alice\r")
	alice.press(".sidebar .empty button", "New chat")
	alice.await(`(b => b.bottom < innerHeight / 2)(document.querySelector('.empty .hint').getBoundingClientRect())`)
	alice.write(".dialog input", "bob\r")
	alice.write("#text", "one\rtwo")
	alice.press(".send", "")
	alice.await(`said().join() === 'one\ntwo'`)
	alice.press("button[aria-label=Details]", "")
	alice.await(`document.activeElement.matches('.panel')`)
	for range 8 {
		alice.key(kb.Tab)
		if eval[bool](alice, `!!document.activeElement.closest('.main, .sidebar')`) {
			t.Fatal("what the panel covers has the focus")
		}
	}
	alice.key(kb.Escape)
	alice.await(`!document.querySelector('.main').inert`)
	alice.faultless()
}

// TestAdminOnPhone: the links of the page for operators take one row.
func TestAdminOnPhone(t *testing.T) {
	auth := programtest.NewAuth(t)
	base := "http://" + programtest.StartServe(t, auth.Gateways()...).Addr()
	b := openPage(t, base)
	b.sized(390, 800)
	if err := chromedp.Run(b.ctx, chromedp.Navigate(base+"/admin")); err != nil {
		t.Fatal(err)
	}
	b.write("input[name=token]", auth.ServiceToken("operator")+"\r")
	b.shows("nav a", "Audit log")
	if height := eval[float64](b, `document.querySelector('.admin > header').getBoundingClientRect().height`); height > 130 {
		t.Errorf("the header is %v high", height)
	}
}

// TestNewMessagesLine: the line stands before what is new whenever a chat is opened, and so not only when it is loaded.
func TestNewMessagesLine(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	chatsOf(t, base, "carol", "bob")
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	const line = `document.querySelector('.line.unread')?.nextElementSibling.querySelector('.text').textContent`
	alice.press(".row", "bob")
	alice.await(line + ` === 'from bob'`)
	alice.press(".row", "carol")
	alice.await(line + ` === 'from carol'`)
	alice.press(".row", "bob")
	alice.await(`said().join() === 'from bob' && !` + line)
	alice.press(".row", "carol")
	alice.await(`said().join() === 'from carol'`)
	c := newClient(t, base)
	for _, text := range []string{"one", "two"} {
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:bob", Sender: "bob", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	alice.shows(".row .badge", "2")
	alice.press(".row", "bob")
	alice.await(line + ` === 'one'`)
}

// TestUnknownUser: with accounts, a message to a name that no user has is not sent. A reload in a room does not ask a member to join.
func TestUnknownUser(t *testing.T) {
	base, clients := withAccounts(t, "alice", "bob")
	if _, err := clients["alice"].RoomsAs("").Create(t.Context(), client.NewRoom{ID: "club", Name: "The Club"}); err != nil {
		t.Fatal(err)
	}
	alice := openTab(t, "about:blank")
	alice.visit(base)
	alice.login("alice")
	alice.press("button[aria-label='New chat']", "")
	alice.write(".dialog input", "bbo\r")
	alice.shows(".dialog .failure", "There is no user bbo.")
	alice.set(".dialog input", "")
	alice.write(".dialog input", "bob\r")
	alice.shows(".conversation h2", "bob")

	alice.press(".row", "The Club")
	alice.shows(".notice", "You created")
	// The list is held back until the page was looked at.
	script := `(through => { window.fetch = async (url, init) => {
		if (/\/api\/inbox\b(?!\/)/.test(String(url))) await new Promise(go => window.release = go)
		return through(url, init) } })(fetch)`
	if err := chromedp.Run(alice.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}), chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	alice.await(`!!window.release && all('.conversation', '').length === 1`)
	if shown := eval[string](alice, `document.querySelector('.main').innerText`); strings.Contains(shown, "club") || strings.Contains(shown, "Join") {
		t.Errorf("before the list is there, the page shows %q", shown)
	}
	eval[bool](alice, `(release(), true)`)
	alice.shows(".conversation h2", "The Club")
	alice.await(`document.activeElement.id === 'text'`)
}
