package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestAccessible has axe look for serious faults of accessibility on every page, with all that a page can show.
func TestAccessible(t *testing.T) {
	auth := programtest.NewAuth(t)
	base := "http://" + programtest.StartServe(t, auth.Gateways("METRICS_ADDR=127.0.0.1:0")...).Addr()
	programtest.Accounts(t, base, "alice", "bob")
	people := map[string]*client.Client{"alice": newClient(t, base), "bob": newClient(t, base)}
	for user, c := range people {
		if _, err := c.Login(t.Context(), user, programtest.Password); err != nil {
			t.Fatal(err)
		}
	}
	rooms := people["bob"].RoomsAs("bob")
	if _, err := rooms.Create(t.Context(), client.NewRoom{ID: "club", Name: "The Club", Users: []string{"alice"}}); err != nil {
		t.Fatal(err)
	}
	say := func(chat, user, text string, content *client.Content) client.Change {
		t.Helper()
		sent, err := people[user].Send(t.Context(), client.Message{Chat: chat, Text: text, Content: content})
		if err != nil {
			t.Fatal(err)
		}
		return client.Change{Chat: chat, SendTime: sent.SendTime}
	}
	done := func(_ client.Receipt, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	file := func(user, name, kind string) *client.Content {
		t.Helper()
		a, err := people[user].Upload(t.Context(), client.NewAttachment{Chat: "club", Name: name, Type: kind}, strings.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		return client.Attached(a)
	}

	b := openTab(t, "about:blank")
	b.visit(base)
	b.shows(".login", "Pullchat")
	b.inBothThemes("the login")
	b.press("button", "Create an account")
	b.shows(".login", "Display name")
	b.accessible("the registration")
	b.press("button", "I have an account")
	b.write(".login input[name=user]", "alice")
	b.write(".login input[name=password]", programtest.Password+"\r")
	b.shows(".row", "The Club")
	report := say("alice:bob", "bob", "unread", nil) // and a conversation with an unread message
	b.shows(".badge", "1")
	b.inBothThemes("the list")

	for _, user := range []string{"alice", "bob"} {
		say("club", user, "for @alice and @bob: https://example.org/", &client.Content{Mentions: []string{"alice", "bob"}})
		asked := say("club", user, "cake?", nil)
		say("club", user, "at noon", &client.Content{ReplyTo: asked.SendTime})
		for other, c := range people {
			done(c.React(t.Context(), asked, map[string]string{"alice": "🎉", "bob": "🥐"}[other]))
		}
		done(people[user].Edit(t.Context(), say("club", user, "befor", nil), "before"))
		done(people[user].Delete(t.Context(), say("club", user, "gone", nil)))
		say("club", user, "a dot", file(user, "dot.gif", "image/gif"))
		say("club", user, "a plan", file(user, "plan.pdf", "application/pdf"))
		if _, err := rooms.Pin(t.Context(), "club", asked.SendTime); err != nil {
			t.Fatal(err)
		}
	}
	b.press(".row", "The Club")
	b.await(`all('.attachment.file', 'plan.pdf').length === 2 && all('.attachment img', '').filter(i => i.complete).length === 2 && all('.reactions button', '').length === 4`)
	b.await(`all('.meta', 'edited').length === 2 && all('.text', 'deleted').length === 2 && all('.notice', 'created').length === 1`)
	b.await(`all('.quote', 'cake?').length === 2 && all('.mention.me', '').length === 2`)
	// All is looked at, also parts that are scrolled out of sight.
	b.sized(1100, 2400)
	b.inBothThemes("a room")
	b.sized(390, 2400)
	b.inBothThemes("a room on a phone")
	b.sized(1100, 1400)
	b.press(".message.own .actions summary", "")
	b.shows(".actions[open]", "Edit")
	b.inBothThemes("the menu of a message")
	b.press(".actions[open] button", "Answer")
	b.shows(".doing", "Answering")
	b.accessible("an answer that is written")
	b.press(".doing button", "")
	b.press(".answers", "1 answer")
	b.shows(".panel .answer", "at noon")
	b.inBothThemes("the answers")
	b.press("button[aria-label=Details]", "")
	b.shows(".panel .members", "bob")
	b.press(".panel .menu summary", "")
	b.inBothThemes("the room's details")
	b.press("button[aria-label=Settings]", "")
	b.press(".panel summary", "Change the password")
	b.inBothThemes("the settings")
	b.press("button[aria-label='New chat']", "")
	for _, tab := range []string{"Write to a user", "Join a room", "Create a room"} {
		b.press("[role=tab]", tab)
		b.await(fmt.Sprintf("all('[role=tab][aria-selected=true]', %q).length === 1", tab))
		b.inBothThemes("the dialog, " + tab)
	}
	b.faultless()

	if _, err := people["alice"].Report(t.Context(), client.NewReport{Chat: report.Chat, SendTime: report.SendTime, Reason: "insult"}); err != nil {
		t.Fatal(err)
	}
	b.goTo(base + "/admin")
	b.shows(".login", "operators")
	b.inBothThemes("the login of operators")
	b.write("input[name=token]", auth.ServiceToken("operator")+"\r")
	b.shows(".figures dd", "/s")
	b.inBothThemes("operators: the overview")
	for _, page := range []struct{ link, shows, of string }{
		{"Reports", "td", "unread"}, {"Projections", "h2", "Projections"}, {"Rooms", "td", "The Club"}, {"Users", "td", "bob"},
	} {
		b.press("nav a", page.link)
		b.shows(page.shows, page.of)
		b.inBothThemes("operators: " + page.link)
	}
	eval[bool](b, "(window.prompt = () => 'spam', true)")
	b.press("td a", "bob")
	b.press("button", "Suspend")
	b.shows(".warning", "Suspended by operator")
	b.inBothThemes("operators: a user")
	b.press("nav a", "Audit log")
	b.shows("td", "spam")
	b.inBothThemes("operators: the audit log")

	b.goTo(base + "/docs")
	b.shows(".info .title", "Pullchat")
	// The colours and fields of the explorer are Swagger UI's, which is as others made it.
	vendored := []string{"color-contrast", "label", "nested-interactive", "select-name"}
	b.accessible("the explorer", vendored...)
	b.press("[id$=-send] .opblock-summary-control", "")
	b.shows("[id$=-send] .opblock-body", "Parameters")
	b.accessible("an operation of the explorer", vendored...)
}

// goTo opens another page in a tab.
func (b *tab) goTo(url string) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatal(err)
	}
}

// sized gives the tab a size.
func (b *tab) sized(width, height int64) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.EmulateViewport(width, height)); err != nil {
		b.t.Fatal(err)
	}
}

// inBothThemes checks the tab in light and in dark colours.
func (b *tab) inBothThemes(shown string) {
	b.t.Helper()
	for _, theme := range []string{"dark", "light"} {
		features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
		if err := chromedp.Run(b.ctx, emulation.SetEmulatedMedia().WithFeatures(features)); err != nil {
			b.t.Fatal(err)
		}
		b.accessible(shown + ", " + theme)
	}
}

// accessible fails for each serious fault that axe finds in the tab, but for those of some rules.
func (b *tab) accessible(shown string, but ...string) {
	b.t.Helper()
	if !eval[bool](b, "'axe' in window") {
		axe, err := os.ReadFile("testdata/axe/axe.min.js")
		if err != nil {
			b.t.Fatal(err)
		}
		eval[bool](b, string(axe)+"; true")
	}
	faults := eval[[]string](b, fmt.Sprintf(`axe.run(document, { resultTypes: ['violations'], rules: Object.fromEntries(%q.split(' ').filter(Boolean).map(rule => [rule, { enabled: false }])) }).then(found =>
		found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').flatMap(v => v.nodes.map(n =>
			v.id + ' at ' + n.target.flat().join(' ') + ': ' + v.help + '; ' + [...n.any, ...n.all, ...n.none].map(c => c.message).join('; '))))`, strings.Join(but, " ")))
	for _, fault := range faults {
		b.t.Errorf("%s: %s", shown, fault)
	}
}
