package browser

import (
	"errors"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestAdminPage works as an operator: it suspends and restores a user, ends sessions, looks at rooms, projections and
// metrics.
func TestAdminPage(t *testing.T) {
	auth := programtest.NewAuth(t)
	redis := redistest.Start(t)
	rpc := programtest.Start(t, "rpc-server", auth.Servers("REDIS_URL="+redis.URL())...).Addr()
	gateway := programtest.Start(t, "http-server", auth.Gateways("RPC_SERVERS="+rpc, "METRICS_ADDR=127.0.0.1:0")...)
	programtest.StartWorker(t, []string{rpc}, auth.Servers()...)
	base := "http://" + gateway.Addr()
	programtest.Accounts(t, base, "alice", "bob")
	c := newClient(t, base)
	login := func() error {
		_, err := c.Login(t.Context(), "bob", programtest.Password)
		return err
	}
	if err := login(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RoomsAs("bob").Create(t.Context(), client.NewRoom{ID: "club", Name: "The <b>Club</b>", Users: []string{"alice"}}); err != nil {
		t.Fatal(err)
	}

	alice := newClient(t, base)
	if _, err := alice.Login(t.Context(), "alice", programtest.Password); err != nil {
		t.Fatal(err)
	}
	sent, err := alice.Send(t.Context(), client.Message{Chat: "alice:bob", Text: "<b>rude</b>"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Report(t.Context(), client.NewReport{Chat: "alice:bob", SendTime: sent.SendTime, Reason: "insult"}); err != nil {
		t.Fatal(err)
	}
	b := openPage(t, base)
	if err := chromedp.Run(b.ctx, chromedp.Navigate(base+"/admin")); err != nil {
		t.Fatal(err)
	}
	eval[bool](b, `(through => {
		window.fetch = async (url, init) => {
			if (window.refuse === init.method) return Response.json({ code: 'invalid_argument', message: 'this one fails' }, { status: 400 })
			const answer = await through(url, init)
			window.reads++
			return answer
		}
		return true
	})(fetch)`)
	b.write("input[name=token]", auth.Token("alice")+"\r")
	b.shows(".failure", "this is for services")
	b.set("input[name=token]", "")
	b.write("input[name=token]", auth.ServiceToken("operator")+"\r")
	b.shows(".figures dt", "Open connections")
	b.shows(".figures dd", "/s")

	eval[bool](b, "(window.prompt = () => 'spam', window.confirm = () => true, true)")
	b.press("nav a", "Reports")
	b.shows("td", "<b>rude</b>")
	b.press("td button", "Delete")
	b.press("td button", "Resolve")
	b.shows(".hint", "No report is open.")
	page, err := alice.Pull(t.Context(), client.PullRequest{Chat: "alice:bob"})
	if err != nil || len(page.Messages) == 0 || !page.Messages[0].Erased {
		t.Errorf("after its deletion the message is %+v, %v", page.Messages, err)
	}

	b.press("nav a", "Users")
	b.press("td a", "bob")
	b.shows("td button", "End")
	b.press("button", "Suspend")
	b.shows(".warning", "Suspended by operator")
	b.shows(".hint", "No session.")
	if answered, ok := errors.AsType[*client.Error](login()); !ok || answered.Status != 403 {
		t.Errorf("the login of a suspended user: %v, want 403", answered)
	}
	b.press("button", "Restore")
	b.await(`all('.warning', '').length === 0`)
	b.write("input[name=password]", "staple staple\r")
	b.await(`document.querySelector('input[name=password]').value === ''`)
	if _, err := c.Login(t.Context(), "bob", "staple staple"); err != nil {
		t.Errorf("the login with the new password: %v", err)
	}

	b.press("nav a", "Rooms")
	b.shows("td", "The <b>Club</b>")
	b.press("td a", "club")
	b.shows("td a", "bob")
	b.press("td button", "Remove")
	b.await(`all('td button', 'Remove').length === 1`)
	b.press("td button", "Remove") // and so the room is deleted
	b.shows(".hint", "There is no room.")
	b.press("nav a", "Audit log")
	b.shows("td", "reset password")
	b.shows("td", "spam")
	b.press("nav a", "Projections")
	b.shows(".hint", "No worker has run")
	if status := eval[int](b, `fetch('/api/words/lunch', { method: 'PUT', headers: { Authorization: 'Bearer ' + sessionStorage.getItem('pullchat-admin-token') } }).then(r => r.status)`); status != 200 {
		t.Fatalf("registering a word answers %d", status)
	}
	b.shows("td", "words")
	b.press("td button", "Pause")
	b.shows(".tag", "paused")

	// Reads in the background do not hide the error of an action.
	b.await(`all('td button', 'Resume').length === 1`)
	eval[string](b, `window.refuse = 'POST'`)
	b.press("td button", "Resume")
	b.shows(".failure", "this one fails")
	eval[int](b, `window.reads = 0`)
	b.await(`window.reads >= 2`)
	b.shows(".failure", "this one fails")

	// The page goes on after errors: an action succeeds when it is tried again, and reads go on by themselves.
	eval[string](b, `window.refuse = ''`)
	b.press("td button", "Resume")
	b.shows("td button", "Pause")
	b.await(`all('.failure', '').length === 0`)
	eval[string](b, `window.refuse = 'GET'`)
	b.shows(".failure", "this one fails")
	eval[string](b, `window.refuse = ''`)
	b.await(`all('.failure', '').length === 0`)
	b.press("button", "Leave")
	b.shows("h1", "Pullchat for operators")

	// A server without metrics says how to have them, and still shows who is online.
	plain := programtest.Start(t, "http-server", auth.Gateways("RPC_SERVERS="+rpc, "DEBUG_ADDR=")...)
	if err := chromedp.Run(b.ctx, chromedp.Navigate("http://"+plain.Addr()+"/admin")); err != nil {
		t.Fatal(err)
	}
	b.write("input[name=token]", auth.ServiceToken("operator")+"\r")
	b.shows(".hint", "METRICS_ADDR")
	b.shows("h3", "Users who are online")
	b.shows(".hint", "No user is in a chat now.")
	b.await(`all('.failure', '').length === 0`)
}
