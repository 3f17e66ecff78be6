package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestBackOnAPhone: on a phone the system's Back closes a panel, and the page's own Back leaves no chat behind to go back to.
func TestBackOnAPhone(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	if _, err := c.RoomsAs("bob").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"alice"}}); err != nil {
		t.Fatal(err)
	}
	alice := openPage(t, base)
	if err := chromedp.Run(alice.ctx, chromedp.EmulateViewport(390, 700)); err != nil {
		t.Fatal(err)
	}
	alice.write("input[name=user]", "alice\r")
	alice.shows(".row", "Club")
	eval[int](alice, `window.start = navigation.currentEntry.index`)
	atList := func() {
		t.Helper()
		alice.await(`document.querySelector('.shell').dataset.open === 'list' && navigation.currentEntry.index === start`)
	}
	const inRoom = `location.hash === '#/club' && !document.querySelector('.panel') && navigation.currentEntry.index === start + 1 && all('.conversation', 'Club').length === 1`

	alice.press(".row", "Club")
	alice.press("button[aria-label=Details]", "")
	alice.shows(".panel .members", "bob")
	eval[bool](alice, "(history.back(), true)")
	alice.await(inRoom)
	alice.press("button[aria-label=Details]", "")
	alice.press(".panel [aria-label=Close]", "")
	alice.await(inRoom)
	alice.press("[aria-label='Back to the chats']", "")
	atList()

	// From one chat over a panel into another, the list is where it was.
	alice.press(".row", "Club")
	alice.press("button[aria-label=Details]", "")
	alice.press(".members .name", "bob")
	alice.await(`location.hash === '#/alice%3Abob' && !document.querySelector('.panel')`)
	eval[bool](alice, "(history.back(), true)")
	alice.await(inRoom)
	eval[bool](alice, "(history.forward(), true)")
	alice.await(`location.hash === '#/alice%3Abob'`)
	alice.press("[aria-label='Back to the chats']", "")
	atList()
	alice.press("[aria-label='New chat']", "")
	alice.write(".dialog input", "carol\r")
	alice.await(`location.hash === '#/alice%3Acarol'`)
	alice.press("[aria-label='Back to the chats']", "")
	atList()

	// A reload does not open the panel again, and a room that was left is not there to go back to.
	alice.press(".row", "Club")
	alice.press("button[aria-label=Details]", "")
	eval[int](alice, `sessionStorage.start = start`)
	alice.reload()
	alice.await(`(window.start = Number(sessionStorage.start), ` + inRoom + `)`)
	alice.press("button[aria-label=Details]", "")
	eval[bool](alice, "(window.confirm = () => true)()")
	alice.press(".panel button", "Leave the room")
	atList()
}
