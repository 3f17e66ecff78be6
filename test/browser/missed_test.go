package browser

import (
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestWhatWasMissed: the page asks again for what it missed while its http-server was stopped and started, also where the first
// attempt to connect again succeeds: what was read on another device, and names whose question had failed.
func TestWhatWasMissed(t *testing.T) {
	auth := programtest.NewAuth(t)
	rpc := programtest.Start(t, "rpc-server", auth.Servers("REDIS_URL="+redistest.Start(t).URL())...).Addr()
	gateway := programtest.Start(t, "http-server", auth.Gateways("RPC_SERVERS="+rpc)...)
	base := "http://" + gateway.Addr()
	clients := map[string]*client.Client{}
	for user, name := range map[string]string{"alice": "", "bob": "", "carol": "Carol C."} {
		clients[user] = newClient(t, base)
		if _, err := clients[user].Register(t.Context(), client.Registration{User: user, Password: programtest.Password, Name: name}); err != nil {
			t.Fatal(err)
		}
		if _, err := clients[user].Login(t.Context(), user, programtest.Password); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clients["bob"].Send(t.Context(), client.Message{Chat: "alice:bob", Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	if _, err := clients["bob"].RoomsAs("bob").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"alice", "carol"}}); err != nil {
		t.Fatal(err)
	}
	alice := openPage(t, base)
	eval[bool](alice, `(through => {
		window.gate = Promise.resolve()
		window.refusing = true
		window.fetch = async (url, init) => {
			if (refusing && url.includes('/api/contacts')) return Response.json({ code: 'invalid_argument', message: 'this one fails' }, { status: 400 })
			if (url.includes('/api/stream')) await gate
			return through(url, init)
		}
		return true
	})(fetch)`)
	alice.write("input[name=user]", "alice")
	alice.write("input[name=password]", programtest.Password+"\r")
	alice.shows(".row .badge", "1")
	alice.await(`all('.connection', '').length === 0`)
	alice.press(".row", "Club")
	alice.press("button[aria-label=Details]", "")
	alice.shows(".members", "carol")
	eval[bool](alice, `(gate = new Promise(open => window.open = open), true)`)
	gateway.Terminate()
	gateway.Exit()
	gateway.Restart()
	alice.shows(".connection", "Connecting")
	if _, err := clients["alice"].ReadAll(t.Context(), "alice:bob", "alice"); err != nil {
		t.Fatal(err)
	}
	eval[bool](alice, `(refusing = false, open(), true)`)
	alice.await(`all('.connection', '').length === 0 && all('.row .badge', '').length === 0`)
	alice.shows(".members", "Carol C.")
}
