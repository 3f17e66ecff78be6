package browser

import (
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestAnotherUser: a user who enters on a page that another has left finds nothing of that user's.
func TestAnotherUser(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	if _, err := newClient(t, base).Send(t.Context(), client.Message{Chat: "alice:bob", Sender: "bob", Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	b := openPage(t, base)
	enter := func(user string) {
		t.Helper()
		b.write("input[name=user]", user+"\r")
		b.press(".row", "hello")
		b.await(`said().join() === 'hello'`)
	}
	leave := func() {
		t.Helper()
		b.press("button[aria-label=Settings]", "")
		b.press(".panel .danger", "Leave")
	}
	written := func(text string) {
		t.Helper()
		if got := eval[string](b, "document.querySelector('#text').value"); got != text {
			t.Errorf("the composer has %q, want %q", got, text)
		}
	}
	enter("alice")
	b.write("#text", "dear diary")
	leave()
	enter("alice")
	written("dear diary")
	leave()
	enter("bob")
	written("")
	if eval[bool](b, "!!document.querySelector('.panel')") {
		t.Error("bob sees a panel that alice opened")
	}
}
