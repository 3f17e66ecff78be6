package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// helpers is run in each page before its own program: it records errors, and refusals by the page's policy.
const helpers = `
	window.faults = []
	addEventListener('securitypolicyviolation', e => faults.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI))
	addEventListener('error', e => faults.push('error: ' + e.message))
	addEventListener('unhandledrejection', e => faults.push('rejection: ' + e.reason))
	window.all = (selector, text) => [...document.querySelectorAll(selector)].filter(e => e.textContent.includes(text))
	window.press = (selector, text = '') => { const found = all(selector, text)[0]; found?.click(); return !!found }
	window.said = () => all('.message:not(.waiting) .text', '').map(e => e.textContent)`

// openPage opens the page to chat on.
func openPage(t *testing.T, base string, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	b := openTab(t, "about:blank", flags...)
	b.visit(base)
	t.Cleanup(func() {
		if !t.Failed() {
			b.faultless()
		}
	})
	return b
}

// visit opens the page in a tab.
func (b *tab) visit(base string) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(helpers).Do(ctx)
		return err
	}), chromedp.EmulateViewport(1100, 700), chromedp.Navigate(base+"/")); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) faultless() {
	b.t.Helper()
	if faults := eval[[]string](b, "faults"); len(faults) > 0 {
		b.t.Errorf("the page has faults: %q", faults)
	}
}

// press clicks the first element that has a text, once it is there.
func (b *tab) press(selector, text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("press(%q, %q)", selector, text))
}

// write types into a field. A text with a line end sends its form.
func (b *tab) write(selector, text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("!!document.querySelector(%q)", selector))
	if err := chromedp.Run(b.ctx, chromedp.SendKeys(selector, text, chromedp.ByQuery)); err != nil {
		b.t.Fatalf("write %q into %s: %v", text, selector, err)
	}
}

// set fills a field without typing.
func (b *tab) set(selector, text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("(field => { if (field) field.value = %q; return !!field })(document.querySelector(%q))", text, selector))
}

// shows waits until an element has a text.
func (b *tab) shows(selector, text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("all(%q, %q).length > 0", selector, text))
}

func (b *tab) reload() {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.Reload()); err != nil {
		b.t.Fatal(err)
	}
}

// These tests drive up to two browsers each, so they take turns.

// TestTwoPeopleChat uses the page as two people do, without accounts: a room, a conversation, an outage, ignoring.
func TestTwoPeopleChat(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t))
	base := "http://" + gateway.Addr()
	alice, bob := openPage(t, base), openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	bob.write("input[name=user]", "bob\r")

	// A room: alice creates it, bob finds it in the list.
	alice.press("button", "New chat")
	alice.press("[role=tab]", "Create a room")
	alice.write("input[name=name]", "The Club")
	alice.write("input[name=id]", "club")
	alice.press("input[name=public]", "")
	alice.press(".dialog .primary", "Create")
	alice.shows(".notice", "You created the room")
	bob.press("button", "New chat")
	bob.press("[role=tab]", "Join a room")
	bob.press(".found button", "The Club")
	bob.shows(".notice", "You joined")
	alice.shows(".notice", "bob joined")
	alice.shows(".conversation small", "2 here now")
	alice.write("#text", "hello @bob, see https://example.org/a?b=c. (https://example.org/Foo_(Bar))\r")
	bob.await(`said().join() === 'hello @bob, see https://example.org/a?b=c. (https://example.org/Foo_(Bar))'`)
	const rel = " noopener noreferrer nofollow"
	if links := eval[string](bob, `all('.text a', '').map(a => a.href + ' ' + a.rel).join()`); links != "https://example.org/a?b=c"+rel+",https://example.org/Foo_(Bar)"+rel {
		t.Errorf("the links are %s", links)
	}
	bob.shows(".mention.me", "@bob")
	bob.await(`fetch('/api/pull?chat=club&reader=bob&limit=100').then(r => r.json()).then(r => r.messages.at(-1).mentions?.join() === 'bob')`)
	bob.press(".about", "")
	bob.shows(".members", "alice")
	bob.press(".members .name", "alice") // and so opens the conversation

	// A conversation: the list of the other shows it while the room is open there.
	bob.write("#text", "just us\r")
	alice.shows(".row .badge", "1")
	bob.write("#text", "so")
	alice.shows(".row .preview", "typing …")
	bob.set("#text", "")
	bob.shows(".mark[aria-label=delivered]", "") // to alice's page, which shows the room
	alice.press(".row", "just us")
	alice.await(`said().join() === 'just us' && all('.row .badge', '').length === 0`)
	bob.shows(".mark[aria-label=read]", "")
	bob.shows(".conversation small", "here now")

	// An outage: messages wait, also through a reload, and arrive once and in order.
	gateway.Kill()
	gateway.Exit()
	alice.write("#text", "are you\r")
	alice.write("#text", "there?\r")
	alice.shows(".waiting .meta", "waiting")
	gateway.Restart()
	bob.await(`said().join() === 'just us,are you,there?'`)
	alice.await(`said().join() === 'just us,are you,there?' && all('.waiting', '').length === 0`)

	// A text that is too long goes back into the composer. After the first one the page knows the limit.
	for _, length := range []int{5000, 4097} {
		alice.set("#text", strings.Repeat("x", length))
		alice.write("#text", "\r")
		alice.shows(".doing.failure", fmt.Sprintf("The text is too long by %s", map[int]string{5000: "904 bytes", 4097: "1 byte,"}[length]))
		alice.await(fmt.Sprintf(`all('.waiting', '').length === 0 && document.querySelector('#text').value.trim().length === %d`, length))
	}
	eval[bool](alice, `(box => (box.value = '', box.dispatchEvent(new Event('input', { bubbles: true }))))(document.querySelector('#text'))`)

	// Ignoring hides the other user's messages.
	alice.press("button[aria-label=Details]", "")
	alice.press(".switch", "Ignore this user")
	alice.await(`said().join() === 'are you,there?'`)
	alice.press(".switch", "Ignore this user")
	alice.await(`said().join() === 'just us,are you,there?'`)

	// Alice edits a message, gives an edit up, and deletes a message. Both see the messages as they are now, in place.
	eval[bool](alice, "(window.confirm = () => true)()")
	alice.press(".message.own .actions summary", "")
	alice.press(".actions[open] button", "Edit")
	alice.await(`document.querySelector('#text').value === 'are you'`)
	alice.write("#text", " still\r")
	bob.await(`said().join() === 'just us,are you still,there?' && all('.meta', 'edited').length === 1`)
	alice.await(`said().join() === 'just us,are you still,there?' && all('.doing', '').length === 0`)
	alice.press(".message.own .actions summary", "")
	alice.press(".actions[open] button", "Edit")
	alice.shows(".doing", "are you still")
	alice.press(".doing button", "")
	alice.await(`all('.doing', '').length === 0 && document.querySelector('#text').value.trim() === ''`) // chromedp's Enter leaves its line end
	alice.await(`all('.message.own .actions summary', '').at(-1).click(), true`)
	alice.press(".actions[open] .danger", "Delete")
	const changed = `said().join() === 'just us,are you still,This message was deleted.' && all('.row .preview', 'deleted').length === 1`
	bob.await(changed + ` && all('.row .badge', '').length === 0`)
	alice.await(changed)
	bob.reload()
	bob.await(changed)

	// Leaving the room takes it off the list.
	bob.press(".row", "The Club")
	bob.press("button[aria-label=Details]", "")
	eval[bool](bob, "(window.confirm = () => true)()")
	bob.press(".panel button", "Leave the room")
	bob.await(`all('.row', 'The Club').length === 0`)
}

// hostile is put into every place where people write.
var hostile = []string{
	`<script>window.xss = 1</script>`, `<img src=x onerror="window.xss=1">`, `"><svg onload=window.xss=1>`, `javascript:window.xss=1`,
	`https://example.org/"onmouseover="window.xss=1`, `<a href="javascript:window.xss=1">x</a>`, "{{constructor.constructor('window.xss=1')()}}",
	`<iframe srcdoc="<script>parent.xss=1</script>">`, `<style>*{display:none}</style>`, "\u202etxet", `&lt;b&gt;`, `</title><script>window.xss=1</script>`,
}

// TestHostileTexts: texts and names of others are shown as they are, and do nothing.
func TestHostileTexts(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t))
	base := "http://" + gateway.Addr()
	c := newClient(t, base)
	for i, text := range hostile {
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:bob", Sender: "bob", Text: text}); err != nil {
			t.Fatal(err)
		}
		name := text
		if strings.Contains(name, "\u202e") { // which the server refuses in names
			name = "plain"
		}
		room := client.NewRoom{ID: fmt.Sprint("room", i), Name: name, Users: []string{"alice"}}
		if _, err := c.RoomsAs("bob").Create(t.Context(), room); err != nil {
			t.Fatal(err)
		}
	}
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press(".row .title", "bob")
	alice.await(fmt.Sprintf("said().length === %d", len(hostile)))
	for i, text := range eval[[]string](alice, "said()") {
		if text != hostile[i] {
			t.Errorf("the page shows %q, want %q", text, hostile[i])
		}
	}
	for i := range hostile {
		alice.await(fmt.Sprintf(`location.hash = '#/room%d', true`, i))
		alice.shows(".notice", "bob created the room")
	}
	if eval[bool](alice, `'xss' in window || document.querySelectorAll('#app :is(script, style, iframe, svg[onload], img[onerror])').length > 0`) {
		t.Error("a text became a part of the page")
	}
	if links := eval[[]string](alice, `[...document.querySelectorAll('.text a')].map(a => a.protocol).filter(p => !/^https?:$/.test(p))`); len(links) > 0 {
		t.Errorf("links have the schemes %q", links)
	}
}

// TestPageWithAccounts: registration, a wrong password, a session that lasts over reloads and is refreshed once for two tabs,
// and its end in both.
func TestPageWithAccounts(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t), "AUTH=on", "HTTP_ADDR=127.0.0.1:0", "ACCESS_TOKEN_TTL=2s",
		"AUTH_SECRET="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("secret", 6))))
	base := "http://" + gateway.Addr()
	one := openPage(t, base)
	// The user leaves while the list of chats is loading: the list is not shown, and does not hinder the next login.
	eval[bool](one, `(() => {
		const real = fetch, held = new Promise(go => window.release = go)
		window.fetch = async (url, options) => {
			if (String(url).includes('/api/inbox')) await held
			return real(url, options)
		}
		return true
	})()`)
	one.press("button", "Create an account")
	one.write(".login input[name=user]", "alice")
	one.write(".login input[name=name]", "Alice A.")
	one.write(".login input[name=password]", "correct horse\r")
	one.shows(".sidebar .own", "Alice A.")
	one.press("button[aria-label=Settings]", "")
	one.press(".panel .danger", "Log out")
	one.write(".login input[name=user]", "alice")
	one.write(".login input[name=password]", "wrong horse\r")
	one.shows(".failure", "password")
	eval[bool](one, "(release(), true)")
	one.set(".login input[name=password]", "")
	one.write(".login input[name=password]", "correct horse\r")
	one.shows(".sidebar .own", "Alice A.")

	// The tokens of two seconds end again and again in both tabs, which have one session.
	ctx, closeTab := chromedp.NewContext(one.ctx)
	defer closeTab()
	two := &tab{t: t, ctx: ctx}
	two.visit(base)
	two.shows(".sidebar .own", "Alice A.")
	two.press("button", "New chat")
	two.write(".dialog input", "alice\r")
	one.reload()
	one.shows(".sidebar .own", "Alice A.")
	first := eval[string](one, "JSON.parse(localStorage['pullchat-session']).refresh_token")
	for i := range 3 {
		two.write("#text", fmt.Sprintf("note %d\r", i))
		one.shows(".row .preview", fmt.Sprintf("You: note %d", i))
		now := fmt.Sprintf("JSON.parse(localStorage['pullchat-session']).refresh_token !== %q", first)
		one.await(now)
		first = eval[string](one, "JSON.parse(localStorage['pullchat-session']).refresh_token")
	}
	two.await(`said().join() === 'note 0,note 1,note 2'`)
	two.faultless()

	one.press("button[aria-label=Settings]", "")
	one.press(".panel .danger", "Log out")
	one.shows("h1", "Pullchat")
	two.shows(".failure", "Your session has ended")
}
