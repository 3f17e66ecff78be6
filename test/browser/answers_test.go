package browser

import (
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestReactionsAndAnswers: both users see reactions and replies, live and after a reload. An admin of a room deletes
// the message of another.
func TestReactionsAndAnswers(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	if _, err := c.RoomsAs("alice").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	alice, bob := openPage(t, base), openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	bob.write("input[name=user]", "bob\r")
	alice.press(".row", "Club")
	bob.press(".row", "Club")
	alice.write("#text", "cake?\r")
	bob.await(`said().join() === 'cake?'`)

	bob.press(".actions summary", "")
	bob.press("[aria-label='React with 🎉']", "")
	for _, b := range []*tab{alice, bob} {
		b.await(`all('.reactions button', '').map(b => b.getAttribute('aria-label') + b.ariaPressed).join() === '🎉 1` + map[*tab]string{alice: "false", bob: "true"}[b] + `'`)
	}
	alice.press(".reactions button", "")
	bob.await(`all('.reactions [aria-label="🎉 2"][aria-pressed=true]', '').length === 1`)
	bob.press(".reactions button", "") // takes it back
	alice.await(`all('.reactions [aria-label="🎉 1"][aria-pressed=true]', '').length === 1`)
	bob.press(".actions summary", "")
	bob.write(".actions[open] input", "🥐\r")
	alice.shows(".reactions button", "🥐")

	bob.press(".actions summary", "")
	bob.press(".actions[open] button", "Answer")
	bob.shows(".doing", "cake?")
	bob.write("#text", "at noon\r")
	alice.shows(".quote", "cake?")
	// From right to left the number comes before the word too: the page's own words are English.
	const places = `(text => ['1', 'answer'].map(word => { const r = document.createRange(), at = text.data.indexOf(word)
		r.setStart(text, at), r.setEnd(text, at + word.length); return r.getBoundingClientRect().left }))(document.createTreeWalker(document.querySelector('.answers'), 4).nextNode())`
	if x := eval[[]float64](alice, `(document.documentElement.dir = 'rtl', `+places+`)`); x[0] > x[1] {
		t.Error(`from right to left the page shows "answer 1"`)
	}
	eval[bool](alice, `(document.documentElement.dir = 'ltr', true)`)
	alice.press(".answers", "1 answer")
	alice.shows(".panel .answer", "at noon")
	bob.press(".actions summary", "")
	bob.press(".actions[open] button", "Answer")
	bob.write("#text", "or at one\r")
	alice.await(`all('.panel .answer', '').map(a => a.lastChild.textContent).join() === 'cake?,at noon,or at one'`)
	const cursors = `performance.getEntriesByType('resource').filter(e => e.name.includes('/api/thread')).map(e => new URL(e.name).searchParams.get('cursor')).map(Number)`
	alice.await(`(c => c.length === 2 && c[0] === 0 && c[1] > 0)(` + cursors + `)`) // the second request continues
	bob.write("#text", "no answer\r")
	alice.await(`said().includes('no answer')`)
	if n := eval[int](alice, cursors+".length"); n != 2 {
		t.Errorf("the answers were asked for %d times, want 2", n)
	}
	bob.reload()
	bob.shows(".answers", "2 answers")
	bob.shows(".quote", "cake?")
	bob.await(`all('.reactions button', '').map(b => b.getAttribute('aria-label') + b.ariaPressed).sort().join() === '🎉 1false,🥐 1true'`)

	eval[bool](alice, "(window.confirm = () => true)()")
	alice.await(`all('.message:not(.own) .actions summary', '').at(-1).click(), true`)
	alice.press(".actions[open] .danger", "Delete")
	bob.await(`said().join() === 'cake?,at noon,or at one,This message was deleted.'`)
}
