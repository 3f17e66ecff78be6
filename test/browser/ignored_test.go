package browser

import (
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestIgnoring: what an ignored user wrote is gone from the list at once, and back when the user is not ignored any more.
func TestIgnoring(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	if _, err := c.RoomsAs("alice").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"bob", "carol"}}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []client.Message{
		{Chat: "club", Sender: "carol", Text: "fine words"},
		{Chat: "club", Sender: "bob", Text: "rude words"},
		{Chat: "alice:bob", Sender: "bob", Text: "ruder words"},
	} {
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press(".row", "Club")
	const previews = `all('.row .preview', '').map(e => e.textContent).toSorted().join()`
	alice.await(previews + ` === 'bob: rude words,ruder words'`)
	alice.press("button[aria-label=Details]", "")
	alice.press(".members li:nth-child(2) .menu button", "Ignore")
	alice.await(previews + ` === ',carol: fine words'`)
	alice.press(".members li:nth-child(2) .menu button", "Ignore no longer")
	alice.await(previews + ` === 'bob: rude words,ruder words'`)
}
