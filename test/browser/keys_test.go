package browser

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
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
	alice.set(".search input", "")
	alice.key("x")
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
