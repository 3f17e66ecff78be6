package browser

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestWaitingMessagesSurviveAReload: a message of a page that was closed while the server was away is sent by the next one.
func TestWaitingMessagesSurviveAReload(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t))
	base := "http://" + gateway.Addr()
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press("button", "New chat")
	alice.write(".dialog input", "bob\r")
	alice.write("#text", "first\r")
	alice.await(`said().join() === 'first'`)
	gateway.Kill()
	gateway.Exit()
	alice.write("#text", "second\r")
	alice.shows(".waiting .meta", "waiting")
	if err := chromedp.Run(alice.ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	gateway.Restart()
	alice.visit(base)
	alice.press(".row", "bob")
	alice.await(`said().join() === 'first,second' && all('.waiting', '').length === 0`)
	var stored []string
	for m, err := range newClient(t, base).All(t.Context(), client.PullRequest{Chat: "alice:bob"}) {
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, m.Text)
	}
	if got := strings.Join(stored, ","); got != "first,second" {
		t.Errorf("stored are %s", got)
	}
}

// TestReadingOffline: without its server the page loads with the messages loaded before, and goes on when the server is
// back. It forgets all when the user leaves.
func TestReadingOffline(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t))
	base := "http://" + gateway.Addr()
	c := newClient(t, base)
	say := func(text string) {
		t.Helper()
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:bob", Sender: "bob", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	say("one")
	say("two")
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press(".row", "bob")
	alice.await(`said().join() === 'one,two'`)
	alice.await(`navigator.serviceWorker.ready.then(r => !!r.active)`)
	const kept = `indexedDB.databases().then(all => !all.some(d => d.name === 'pullchat-kept') ? [] : new Promise(done => {
		const open = indexedDB.open('pullchat-kept')
		open.onsuccess = () => open.result.transaction('kept').objectStore('kept').getAll().onsuccess = e => { open.result.close(); done(e.target.result) } }))`
	alice.await(kept + `.then(([kept]) => kept?.messages[0]?.[1].length === 2)`)
	gateway.Kill()
	gateway.Exit()
	if err := chromedp.Run(alice.ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	alice.visit(base)
	alice.press(".row", "bob")
	alice.await(`said().join() === 'one,two'`)
	alice.shows(".connection", "Offline")
	alice.write("#text", "three\r")
	alice.shows(".waiting .meta", "waiting")

	gateway.Restart()
	say("four")
	alice.await(`all('.waiting', '').length === 0 && said().toSorted().join() === 'four,one,three,two'`)
	alice.await(`said().slice(0, 2).join() === 'one,two' && all('.connection', '').length === 0`)
	alice.press("button[aria-label=Settings]", "")
	alice.press(".panel .danger", "Leave")
	alice.await(kept + `.then(kept => kept.length === 0)`)
}

// TestReadInPassing: a chat that the user opens only for a moment counts as read, and so does one whose server went away meanwhile.
func TestReadInPassing(t *testing.T) {
	gateway := programtest.Start(t, "http-server", startRPC(t))
	base := "http://" + gateway.Addr()
	c := newClient(t, base)
	for _, other := range []string{"bob", "carol", "dave"} {
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:" + other, Sender: other, Text: "from " + other}); err != nil {
			t.Fatal(err)
		}
	}
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	const unread = `fetch('/api/unread?reader=alice').then(r => r.json()).then(r => r.chats.map(c => c.chat).join())`
	alice.shows(".row .badge", "1")
	for _, other := range []string{"bob", "carol"} {
		alice.press(".row", other)
		alice.await(`said().join() === 'from ` + other + `'`)
	}
	alice.await(unread + `.then(u => u === 'alice:dave')`)

	alice.press(".row", "dave")
	alice.await(`said().join() === 'from dave'`)
	gateway.Kill()
	gateway.Exit()
	gateway.Restart()
	alice.await(unread + `.then(u => u === '', () => false)`)
	alice.await(`all('.row .badge', '').length === 0`)
}

// TestBehindNginx: two people write to each other over HTTPS, behind nginx with two http-servers, while one of these is killed, and
// then the other. Everything that they wrote is there once, in the order in which each wrote it.
func TestBehindNginx(t *testing.T) {
	rpc := startRPC(t)
	gateways := []*programtest.Process{programtest.Start(t, "http-server", rpc), programtest.Start(t, "http-server", rpc)}
	certificate, key, pin := selfSigned(t)
	nginx := programtest.StartNginxTLS(t, programtest.Addresses(gateways), certificate, key)
	trusting := chromedp.Flag("ignore-certificate-errors-spki-list", pin)
	alice, bob := openPage(t, nginx.URL(), trusting), openPage(t, nginx.URL(), trusting)
	alice.write("input[name=user]", "alice\r")
	bob.write("input[name=user]", "bob\r")
	alice.press("button", "New chat")
	alice.write(".dialog input", "bob\r")
	alice.write("#text", "alice 0\r")
	bob.press(".row", "alice")
	bob.await(`said().join() === 'alice 0'`)
	for i, gateway := range gateways {
		alice.write("#text", fmt.Sprintf("alice %d\r", 2*i+1))
		gateway.Kill()
		bob.write("#text", fmt.Sprintf("bob %d\r", 2*i+1))
		alice.write("#text", fmt.Sprintf("alice %d\r", 2*i+2))
		gateway.Exit()
		bob.write("#text", fmt.Sprintf("bob %d\r", 2*i+2))
		gateway.Restart()
	}
	const by = `.filter(text => text.startsWith('%s')).join() === '%s'`
	for _, b := range []*tab{alice, bob} {
		b.await(`said()` + fmt.Sprintf(by, "alice", "alice 0,alice 1,alice 2,alice 3,alice 4"))
		b.await(`said()` + fmt.Sprintf(by, "bob", "bob 1,bob 2,bob 3,bob 4"))
		b.await(`all('.waiting', '').length === 0`)
	}
	order := eval[string](alice, "said().join()")
	alice.reload()
	alice.await(fmt.Sprintf("said().join() === %q", order))
	bob.await(fmt.Sprintf("said().join() === %q", order))
}

// selfSigned returns a certificate of 127.0.0.1 and its key in PEM, and the hash by which a browser is told to trust it.
func selfSigned(t *testing.T) (certificate, key []byte, pin string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), base64.StdEncoding.EncodeToString(sum[:])
}
