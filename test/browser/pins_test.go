package browser

import (
	"fmt"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestPins: admins of a room pin and unpin messages, and all members see it live and after a reload. A click on a
// pinned message shows it, also where it is older than the loaded messages.
func TestPins(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	if _, err := c.RoomsAs("alice").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	for i := range 250 {
		if _, err := c.Send(t.Context(), client.Message{Chat: "club", Sender: "alice", Text: fmt.Sprintf("message %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	room, err := c.Pull(t.Context(), client.PullRequest{Chat: "club", Reader: "alice", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	first := room.Messages[1]

	alice, bob := openPage(t, base), openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	bob.write("input[name=user]", "bob\r")
	alice.press(".row", "Club")
	bob.press(".row", "Club")
	alice.shows(".text", "message 249")
	bob.shows(".text", "message 249")

	bob.await(`all('.actions summary', '').at(-1).click(), true`)
	bob.shows(".actions[open] button", "Answer")
	bob.await(`all('.actions[open] button', 'Pin').length === 0`) // a member may not

	if _, err := c.RoomsAs("alice").Pin(t.Context(), "club", first.SendTime); err != nil {
		t.Fatal(err)
	}
	bob.shows(".pins", first.Text)
	alice.shows(".pins", first.Text)
	alice.await(`all('.message.own .actions summary', '').at(-1).click(), true`)
	alice.press(".actions[open] button", "Pin")
	for _, b := range []*tab{alice, bob} {
		b.shows(".pins", "message 249")
		b.shows(".pins .count", "2")
	}
	// A jump ends when its chat is left: it loads no further page, and takes the user nowhere.
	other := openPage(t, base)
	eval[bool](other, `(through => {
		window.held = 0
		window.fetch = async (url, init) => {
			if (window.hold && String(url).includes('reverse=true')) {
				held++
				await new Promise(go => window.release = go)
			}
			return through(url, init)
		}
		return true
	})(fetch)`)
	other.write("input[name=user]", "bob\r")
	other.press(".row", "Club")
	other.shows(".text", "message 249")
	eval[bool](other, `window.hold = true`)
	other.press(".pins .pinned", "")
	other.press(".pins li button", first.Text)
	other.await(`held === 1`)
	eval[bool](other, `(location.hash = '#/', true)`)
	other.shows("h2", "No chat is open")
	eval[bool](other, `(release(), true)`)
	other.press(".row", "Club")
	other.await(`(s => s.scrollHeight - s.scrollTop - s.clientHeight < 5)(document.querySelector('.scroll'))`)
	other.await(`fetch('/ping').then(r => r.ok)`)
	if pages := eval[int](other, `held`); pages != 1 {
		t.Errorf("a jump that was left loaded %d pages, want 1", pages)
	}

	bob.reload()
	bob.shows(".pins", "message 249")
	bob.press(".pins .pinned", "")
	bob.press(".pins li button", first.Text)
	bob.await(`document.activeElement?.dataset.at === '` + fmt.Sprint(first.SendTime) + `'`)
	bob.await(`(b => b.top > 0 && b.bottom < innerHeight)(document.activeElement.getBoundingClientRect())`)

	alice.await(`all('.message.own .actions summary', '').at(-1).click(), true`)
	alice.press(".actions[open] button", "Unpin")
	bob.shows(".pins", first.Text)
	if _, err := c.Delete(t.Context(), client.Change{Chat: "club", SendTime: first.SendTime, Sender: "alice"}); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*tab{alice, bob} {
		b.await(`all('.pins', '').length === 0`)
	}
}
