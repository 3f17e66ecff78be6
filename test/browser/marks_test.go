package browser

import (
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestMarks: the user's own messages say how far they have come. The page asks once for a chat that opens, and hears the rest.
func TestMarks(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	if _, err := c.RoomsAs("alice").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"bob", "carol"}}); err != nil {
		t.Fatal(err)
	}
	const asked = `performance.getEntriesByType('resource').filter(e => e.name.includes('/api/receipts')).length`
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press("button", "New chat")
	alice.write(".dialog input", "bob\r")
	alice.write("#text", "one\r")
	alice.shows(".mark[aria-label=sent]", "")

	bob := openPage(t, base)
	bob.write("input[name=user]", "bob\r") // the list has the message, and no chat is open
	bob.shows(".row .badge", "1")
	alice.await(`all('.mark[aria-label=delivered]', '').length === 1`)
	alice.write("#text", "two\r")
	alice.await(`all('.mark[aria-label=delivered]', '').length === 2`)
	alice.reload()
	alice.await(`all('.mark[aria-label=delivered][title=Delivered]', '').length === 2`)
	if n := eval[int](alice, asked); n != 1 {
		t.Errorf("the page asked %d times for the receipts of two messages, want once", n)
	}
	bob.press(".row", "alice")
	alice.await(`all('.mark.read[aria-label=read]', '').length === 2`)

	// A room has counts.
	alice.press(".row", "Club")
	alice.write("#text", "all\r")
	alice.shows(".mark[aria-label=sent]", "")
	bob.shows(".row .badge", "1")
	alice.await(`fetch('/api/pull?chat=club&reader=alice&limit=100').then(r => r.json())
		.then(({ messages }) => fetch('/api/receipts?chat=club&send_time=' + messages.at(-1).send_time)).then(r => r.json()).then(r => r.delivered === 1)`)
	alice.reload()
	alice.shows(".mark[aria-label='delivered to 1, read by 0'][title='Delivered to 1, read by 0']", "")
	bob.press(".row", "Club")
	alice.shows(".mark[aria-label='delivered to 1, read by 1']", "")
	carol := openPage(t, base)
	carol.write("input[name=user]", "carol\r")
	carol.press(".row", "Club")
	alice.shows(".mark.read[aria-label='delivered to 2, read by 2']", "")

	// A later message does not take back what is known of an earlier one.
	alice.write("#text", "more\r")
	alice.await(`all('.message.own .mark', '').map(m => m.ariaLabel).join() === 'delivered to 2, read by 2,delivered to 2, read by 2'`)
	alice.reload()
	alice.await(`all('.message.own .mark', '').map(m => m.ariaLabel).join() === 'delivered to 2, read by 2,delivered to 2, read by 2'`)

	// What was read at last is told before the user leaves: here the pause before it never ends.
	eval[bool](carol, "(later => (setTimeout = (run, ms, ...rest) => ms === 300 ? 1 : later(run, ms, ...rest), true))(setTimeout)")
	alice.write("#text", "bye\r")
	carol.await(`said().at(-1) === 'bye'`)
	carol.press("button[aria-label=Settings]", "")
	carol.press(".panel .danger", "")
	carol.shows(".login h1", "Pullchat")
	alice.await(`all('.message.own', '').at(-1).querySelector('.mark').ariaLabel === 'delivered to 2, read by 2'`)
}
