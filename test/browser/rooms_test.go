package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// withAccounts starts the programs with AUTH=on, and returns their address and a client of each user.
func withAccounts(t *testing.T, users ...string) (base string, clients map[string]*client.Client) {
	t.Helper()
	base = "http://" + programtest.StartServe(t, programtest.NewAuth(t).Gateways()...).Addr()
	programtest.Accounts(t, base, users...)
	clients = map[string]*client.Client{}
	for _, user := range users {
		clients[user] = newClient(t, base)
		if _, err := clients[user].Login(t.Context(), user, programtest.Password); err != nil {
			t.Fatal(err)
		}
	}
	return base, clients
}

// login logs a user in on the page.
func (b *tab) login(user string) {
	b.t.Helper()
	b.write(".login input[name=user]", user)
	b.write(".login input[name=password]", programtest.Password+"\r")
	b.shows(".sidebar .own", user)
}

// TestRoomAdmins: an admin runs a room from its details, and the members see what was done.
func TestRoomAdmins(t *testing.T) {
	base, clients := withAccounts(t, "alice", "bob", "carol")
	rooms := clients["alice"].RoomsAs("")
	if _, err := rooms.Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	alice, bob := openPage(t, base), openPage(t, base)
	alice.login("alice")
	bob.login("bob")
	bob.press(".row", "Club")
	alice.press(".row", "Club")
	alice.press("button[aria-label=Details]", "")
	eval[bool](alice, "(window.confirm = () => true)()")
	choose := func(user, action string) {
		t.Helper()
		alice.press(fmt.Sprintf(".menu summary[aria-label='More about %s']", user), "")
		alice.press(".menu[open] button", action)
	}

	alice.write(".inline input[name=value]", "carol\r")
	alice.shows(".members li", "carol")
	bob.shows(".notice", "alice added carol")
	choose("carol", "Remove from the room")
	alice.await(`all('.members li', 'carol').length === 0`)
	bob.shows(".notice", "alice removed carol")

	choose("bob", "Mute for an hour")
	bob.shows(".notice", "alice muted you until")
	bob.write("#text", "may I?\r")
	bob.shows(".failed .failure", "muted")

	// What was refused can be sent again, once there is nothing against it.
	if _, err := rooms.Unmute(t.Context(), "club", "bob", ""); err != nil {
		t.Fatal(err)
	}
	bob.shows(".notice", "alice lifted the mute of you")
	bob.press(".failed button", "Send again")
	alice.await(`said().join() === 'may I?'`)
	bob.await(`said().join() === 'may I?' && all('.waiting', '').length === 0`)

	// Or edited, or discarded. Alice lifts the mute.
	choose("bob", "Mute for an hour")
	alice.shows(".panel h3", "Muted")
	bob.await(`all('.notice', 'alice muted you').length === 2`)
	bob.write("#text", "so\r")
	bob.press(".failed button", "Edit")
	bob.await(`all('.failed', '').length === 0 && document.querySelector('#text').value.trim() === 'so' && document.activeElement.id === 'text'`)
	bob.set("#text", strings.Repeat("tall\n", 40)+"text")
	bob.write("#text", "\r")
	bob.shows(".failed .failure", "muted")
	if height := eval[float64](bob, `document.querySelector('.failed .bubble').getBoundingClientRect().height`); height > 200 {
		t.Errorf("a message that was not sent is %v high: it hides what comes after it", height)
	}
	bob.press(".failed button", "Discard")
	bob.await(`all('.waiting', '').length === 0`)
	alice.press(".panel button[aria-label='Lift: muted, bob']", "")
	alice.await(`all('.panel h3', 'Muted').length === 0`)
	bob.await(`all('.notice', 'alice lifted the mute of you').length === 2`)

	choose("bob", "Make an admin")
	alice.shows(".members .tag", "admin")
	bob.shows(".notice", "alice made you an admin")
	bob.press("button[aria-label=Details]", "")
	bob.await(`document.querySelector('.inline input[name=value]')?.labels[0].textContent === 'Add a member'`) // as admins may

	alice.await(`(field => (field.value = 'The Choir', field.form.requestSubmit(), true))(all('.inline label', 'Name of the room')[0].control)`)
	for _, b := range []*tab{alice, bob} {
		b.shows(".row .title", "The Choir")
		b.shows(".conversation h2", "The Choir")
	}
	choose("bob", "Make a member")
	bob.await(`all('.panel .inline', '').length === 0`)
	choose("bob", "Ban from the room")
	alice.await(`document.querySelector('.members').children.length === 1`)
	bob.reload()
	bob.await(`all('.sidebar .empty', '').length === 1`)
	alice.press(".panel button[aria-label='Lift: banned, bob']", "")
	alice.shows(".notice", "You lifted the ban of bob")
	alice.await(`all('.panel h3', 'Banned').length === 0`)
	alice.press(".panel .danger", "Delete the room")
	alice.await(`all('.row', '').length === 0`)
	alice.shows("h2", "No chat is open")
}

// TestMutedChat: a chat that the user has muted says so, and does not count in the title.
func TestMutedChat(t *testing.T) {
	base := "http://" + programtest.Start(t, "http-server", startRPC(t)).Addr()
	c := newClient(t, base)
	say := func() {
		t.Helper()
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:bob", Sender: "bob", Text: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	say()
	alice := openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	alice.press(".row", "bob")
	alice.await(`said().join() === 'hello'`)
	alice.press("button[aria-label=Details]", "")
	alice.press(".switch", "Mute notifications")
	alice.shows(".row .silent", "")
	eval[bool](alice, `(location.hash = '#/', true)`)
	alice.shows("h2", "No chat is open")
	say()
	alice.shows(".badge.muted", "1")
	if title := eval[string](alice, "document.title"); title != "Pullchat" {
		t.Errorf("the title is %q", title)
	}
	alice.await(`fetch('/api/unread?reader=alice').then(r => r.json()).then(r => r.chats[0].unread === 1)`)
	alice.reload()
	alice.shows(".badge.muted", "1")
	alice.press(".row", "bob")
	alice.press("button[aria-label=Details]", "")
	alice.press(".switch", "Mute notifications")
	alice.await(`all('.row .silent', '').length === 0`)
}

// TestHostileNames: the display names of users are shown as they are, wherever the page has names.
func TestHostileNames(t *testing.T) {
	base, clients := withAccounts(t, "alice")
	var users, names []string
	for i, name := range hostile {
		if strings.Contains(name, "\u202e") { // which the server refuses in names
			continue
		}
		user := fmt.Sprint("user", i)
		users, names = append(users, user), append(names, name)
		if _, err := newClient(t, base).Register(t.Context(), client.Registration{User: user, Name: name, Password: programtest.Password}); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, base)
		if _, err := c.Login(t.Context(), user, programtest.Password); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Send(t.Context(), client.Message{Chat: "alice:" + user, Text: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clients["alice"].RoomsAs("").Create(t.Context(), client.NewRoom{ID: "club", Name: "Club", Users: users}); err != nil {
		t.Fatal(err)
	}
	alice := openPage(t, base)
	alice.login("alice")
	alice.shows(".row", "Club")
	shows := func(where, selector string) {
		t.Helper()
		alice.await(fmt.Sprintf("all(%q, '').length >= %d", selector, len(names)))
		for _, name := range names {
			alice.await(fmt.Sprintf("all(%q, '').some(e => e.textContent === %q)", selector, name))
		}
		if eval[bool](alice, `'xss' in window || document.querySelectorAll('#app :is(script, style, iframe, svg[onload], img[onerror])').length > 0`) {
			t.Errorf("%s: a name became a part of the page", where)
		}
	}
	shows("the list", ".row .title bdi")
	alice.press(".row", "Club")
	alice.press("button[aria-label=Details]", "")
	shows("the members", ".members .name bdi")
	for i, user := range users {
		alice.await(fmt.Sprintf("location.hash = '#/alice%%3A%s', true", user))
		alice.await(fmt.Sprintf("document.querySelector('.conversation h2').textContent === %q", names[i]))
	}
	alice.press("button[aria-label='New chat']", "")
	alice.write(".dialog input", "user")
	alice.await(fmt.Sprintf("all('.found bdi', '').length > 0 && all('.found bdi', '').every(e => %s.includes(e.textContent))", jsonOf(names)))
	shows("the found users", ".row .title bdi")
}

// TestReport: a user reports the message of another to the operators.
func TestReport(t *testing.T) {
	auth := programtest.NewAuth(t)
	base := "http://" + programtest.StartServe(t, auth.Gateways()...).Addr()
	programtest.Accounts(t, base, "alice", "bob")
	bob := newClient(t, base)
	if _, err := bob.Login(t.Context(), "bob", programtest.Password); err != nil {
		t.Fatal(err)
	}
	sent, err := bob.Send(t.Context(), client.Message{Chat: "alice:bob", Text: "buy this"})
	if err != nil {
		t.Fatal(err)
	}
	alice := openPage(t, base)
	alice.login("alice")
	alice.press(".row", "bob")
	alice.write("#text", "no\r")
	alice.await(`said().join() === 'buy this,no'`)
	alice.press(".message.own .actions summary", "")
	alice.shows(".actions[open] button", "Delete")
	if eval[bool](alice, "all('.actions[open] button', 'Report').length > 0") {
		t.Error("users may report their own messages")
	}
	eval[bool](alice, "(window.prompt = () => ' spam ')() === ' spam '")
	alice.press(".message:not(.own) .actions summary", "")
	eval[bool](alice, "(later => (setTimeout = (run, ms, ...rest) => ms === 6000 ? 1 : later(run, ms, ...rest), true))(setTimeout)") // notes stay
	alice.press(".actions[open] button", "Report")
	alice.shows(".toast", "The message was reported.")
	eval[bool](alice, `(location.hash = '#/alice%3Aalice', true)`)
	alice.await(`all('.toast', '').length === 0`)
	operator, err := client.New(base, nil, client.WithToken(auth.ServiceToken("operator")))
	if err != nil {
		t.Fatal(err)
	}
	reports, err := operator.Reports(t.Context(), "", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports.Reports) != 1 || reports.Reports[0].SendTime != sent.SendTime || reports.Reports[0].Reason != "spam" {
		t.Errorf("the reports are %+v", reports.Reports)
	}
}
