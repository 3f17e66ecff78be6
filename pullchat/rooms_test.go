package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/livetest"
)

// roomSteps are changes of a room, in this order. The acting users are ann, the admin, and bob.
var roomSteps = []struct {
	who    string
	args   string // of pullchat rooms
	status int
	says   string
}{
	{"ann", "", 0, ""},
	{"ann", "create team --name=Team --member=bob,cid", 0, `"name":"Team","visibility":"private",`},
	{"ann", "create team", 2, "conflict: the room id team is taken"},
	{"ann", "create public", 2, "invalid_argument"},
	{"ann", "create a --public --private", 80, "--public and --private can't be used together"},
	{"ann", "create --public", 0, `"visibility":"public","created":`},
	{"bob", "", 0, `{"id":"team","name":"Team","visibility":"private",`},
	{"bob", "list", 0, `"member_count":3,"role":"member"}`},
	{"bob", "show team", 0, `"members":[{"user":"ann","role":"admin","since":`},
	{"ann", "show nothing", 2, "not_found: there is no room nothing"},
	{"ann", "show ann:bob", 2, "is a two-person chat, not a room"},
	{"bob", "rename team Other", 2, "permission_denied: bob is no admin"},
	{"ann", "rename team Other", 0, `"name":"Other"`},
	{"eve", "join team", 2, "permission_denied: room team is private"},
	{"ann", "open team", 0, `"visibility":"public"`},
	{"eve", "join team", 0, `"member_count":4,"role":"member"}`},
	{"eve", "leave team", 0, `"member_count":3}`},
	{"ann", "close team", 0, `"visibility":"private"`},
	{"ann", "add team eve dan", 0, `"member_count":5,"role":"admin"}`},
	{"ann", "add team", 80, `expected "<user> ..."`},
	{"ann", "promote team bob cid", 0, `"id":"team"`},
	{"ann", "promote team bob nobody", 2, "not_found: nobody is not a member"},
	{"bob", "demote team ann cid", 0, `"role":"admin"}`},
	{"ann", "demote team bob", 2, "permission_denied"},
	{"bob", "demote team bob", 2, "conflict: room team would have no admin"},
	{"bob", "remove team dan cid", 0, `"member_count":3`},
	{"bob", "delete team", 80, "there is no terminal to confirm it: give --yes"},
	{"ann", "delete team --yes", 2, "permission_denied"},
	{"bob", "delete team --yes", 0, `{"deleted":true,"id":"team"}`},
	{"bob", "show team", 2, "not_found: room team was deleted"},
	{"bob", "", 0, ""},
}

// TestRooms of who is named, and of who has logged in.
func TestRooms(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, environment func(who string) []string, as func(who string) []string) {
		t.Helper()
		for _, step := range roomSteps {
			args := append(append([]string{"rooms"}, strings.Fields(step.args)...), as(step.who)...)
			got := invoke(t, environment(step.who), "", args...)
			if got.status != step.status || !strings.Contains(got.out+got.err, step.says) || (got.status == 0) != (got.err == "") {
				t.Fatalf("pullchat %q of %s = %+v, want status %d and %q", args, step.who, got, step.status, step.says)
			}
		}
	}
	t.Run("AUTH=off", func(t *testing.T) {
		t.Parallel()
		s := serveProcess(t)
		run(t, func(string) []string { return s.environment() }, func(who string) []string { return []string{"--as", who} })
	})
	t.Run("AUTH=on", func(t *testing.T) {
		t.Parallel()
		g := serveGuarded(t)
		environments := map[string][]string{}
		for _, user := range []string{"ann", "bob", "cid", "dan", "eve"} {
			own := guarded{g.server, t.TempDir() + "/sessions.json"}
			own.invokes(t, password, 0, user, "register", user)
			own.invokes(t, password, 0, user, "login", user)
			environments[user] = own.environment()
		}
		run(t, func(who string) []string { return environments[who] }, func(string) []string { return nil })
		for _, args := range []string{"rooms create club", "rooms show club"} {
			if got := invoke(t, environments["ann"], "", strings.Fields(args)...); got.status != 0 {
				t.Errorf("%s = %+v", args, got)
			}
		}
		if got := invoke(t, environments["eve"], "", "rooms", "show", "club"); got.status != 2 || !strings.Contains(got.err, "permission_denied") {
			t.Errorf("show of another's room = %+v, want a refusal", got)
		}
		got := invoke(t, environments["eve"], "", "rooms", "--as=ann")
		if got.status != 2 || !strings.Contains(got.err, "permission_denied") {
			t.Errorf("rooms of another = %+v, want a refusal", got)
		}
	})
}

// TestRoomsWithoutAUser: a list of public rooms needs no user, and a service need not name one. All other commands need a user.
func TestRoomsWithoutAUser(t *testing.T) {
	open := serveProcess(t)
	for _, args := range []string{"rooms", "rooms list", "rooms show team", "rooms create", "rooms add team bob"} {
		got := invoke(t, open.environment(), "", strings.Fields(args)...)
		if got.status != 80 || !strings.Contains(got.err, "the acting user is missing: give --as=NAME, or log in") {
			t.Errorf("%s of nobody = %+v, want status 80", args, got)
		}
	}
	if got := invoke(t, open.environment(), "", "rooms", "--public"); got != (result{}) {
		t.Errorf("rooms --public = %+v, want nothing", got)
	}
	for _, room := range []string{"a", "b", "hidden"} {
		args := []string{"rooms", "create", room, "--as=ann"}
		if room != "hidden" {
			args = append(args, "--public")
		}
		if got := invoke(t, open.environment(), "", args...); got.status != 0 {
			t.Fatalf("create %s = %+v", room, got)
		}
	}
	var ids []string
	decoder := json.NewDecoder(strings.NewReader(invoke(t, open.environment(), "", "rooms", "list", "--public").out))
	for {
		var room client.Room
		if err := decoder.Decode(&room); err != nil {
			break
		}
		ids = append(ids, room.ID+room.Role)
	}
	if got := strings.Join(ids, " "); got != "a b" {
		t.Errorf("rooms list --public has %q, want a and b", got)
	}

	g := serveGuarded(t)
	g.invokes(t, password, 0, "ann", "register", "ann")
	g.invokes(t, password, 0, "bob", "register", "bob")
	made := invoke(t, []string{"AUTH_SECRET=" + authSecret}, "", "token", "--service=worker")
	environment := append(g.server.environment(), "PULLCHAT_TOKEN="+strings.TrimSpace(made.out))
	for _, step := range []struct {
		args   string
		status int
		says   string
	}{
		{"create team", 2, "as is missing: the user who acts"},
		{"create team --as=ann", 0, `"role":"admin"`},
		{"add team bob", 0, `"member_count":2}`},
		{"show team", 0, `"user":"bob"`},
		{"delete team --yes", 0, `"deleted":true`},
	} {
		got := invoke(t, environment, "", append([]string{"rooms"}, strings.Fields(step.args)...)...)
		if got.status != step.status || !strings.Contains(got.out+got.err, step.says) {
			t.Errorf("rooms %s of a back end = %+v, want status %d and %q", step.args, got, step.status, step.says)
		}
	}
}

// TestRoomsAreListedToTheEnd, in however many pages.
func TestRoomsAreListedToTheEnd(t *testing.T) {
	t.Parallel()
	s := serveProcess(t, "DEFAULT_LIMIT=2", "MAX_LIMIT=2")
	for _, room := range []string{"a", "b", "c", "d", "e"} {
		if got := invoke(t, s.environment(), "", "rooms", "create", room, "--as=ann"); got.status != 0 {
			t.Fatalf("create %s = %+v", room, got)
		}
	}
	if got := invoke(t, s.environment(), "", "rooms", "--as=ann"); strings.Count(got.out, "\n") != 5 {
		t.Errorf("rooms = %+v, want five", got)
	}
}

// TestRoomsOnATerminal are lines for people, and a question before a room goes.
func TestRoomsOnATerminal(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	environment := append(s.environment(), "TZ=UTC")
	rooms := func(args ...string) string {
		return onTerminal(t, environment, append([]string{"rooms", "--as=ann"}, args...)...)
	}
	for _, step := range []struct{ args, want string }{
		{"create team --as=ann --member=bob", "team  (private, 2 members, you: admin)\n"},
		{"rename team Team\u200f --as=ann", `team  (private, 2 members, you: admin)  Team\u200f` + "\n"},
		{"open team --as=ann", `team  (public, 2 members, you: admin)  Team\u200f` + "\n"},
		{"leave team --as=bob", `team  (public, 1 member)  Team\u200f` + "\n"},
		{"list --public", `team  (public, 1 member)  Team\u200f` + "\n"},
	} {
		if got := onTerminal(t, environment, append([]string{"rooms"}, strings.Fields(step.args)...)...); got != step.want {
			t.Errorf("rooms %s shows %q, want %q", step.args, got, step.want)
		}
	}
	if got := rooms(); got != `team  (public, 1 member, you: admin)  Team\u200f`+"\n" {
		t.Errorf("rooms shows %q", got)
	}
	lines := strings.Split(onTerminal(t, environment, "rooms", "show", "team", "--as=ann"), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "team  (public") || !strings.HasPrefix(lines[1], "  admin   ann, since 20") {
		t.Errorf("show shows %q, want the room and ann", lines)
	}
	if got := onTerminal(t, environment, "rooms", "show", "team", "--as=ann", "--json"); !strings.HasPrefix(got, `{"id":"team",`) {
		t.Errorf("show --json shows %q, want an object", got)
	}
	for _, c := range []struct{ typed, shows, then string }{
		{"\n", "pullchat: nothing was deleted", "(public"},
		{"no\n", "pullchat: nothing was deleted", "(public"},
		{"\x04", "pullchat: nothing was deleted", "(public"},
		{"\x03", "pullchat: interrupted", "(public"},
		{"Yes\n", "team is deleted", "pullchat: not_found"},
	} {
		if got := typedAt(t, environment, "[y/N]", c.typed, "rooms", "delete", "team", "--as=ann"); !strings.Contains(got, c.shows) {
			t.Errorf("after %q it shows %q, want %q", c.typed, got, c.shows)
		}
		if got := onTerminal(t, environment, "rooms", "show", "team", "--as=ann"); !strings.Contains(got, c.then) {
			t.Errorf("after %q the room is %q, want %q", c.typed, got, c.then)
		}
	}
}

// typedAt runs a command on a terminal, types the answers to its questions, and returns the text on it.
func typedAt(t *testing.T, environment []string, asks, typed string, args ...string) string {
	t.Helper()
	c := command(t, environment, args...)
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	var shown collected
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(&shown, terminal)
	}()
	within(t, func() bool { return strings.Contains(shown.String(), asks) }, func() string { return "it shows " + shown.String() })
	if _, err := io.WriteString(terminal, typed); err != nil {
		t.Fatal(err)
	}
	<-ended
	_ = c.Wait()
	return shown.String()
}

// TestNoticesAsLines: a notice names the acting user and the change.
func TestNoticesAsLines(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	environment := append(s.environment(), "TZ=UTC")
	for _, args := range []string{
		"rooms create team --as=ann", "rooms add team bob --as=ann", "rooms promote team bob --as=ann",
		"send team hello --sender=bob", "rooms rename team Team --as=bob", "rooms remove team ann --as=bob", "rooms open team --as=bob",
	} {
		if got := invoke(t, environment, "", strings.Fields(args)...); got.status != 0 {
			t.Fatalf("%s = %+v", args, got)
		}
	}
	want := []string{
		"* ann made this room", "* ann added bob", "* ann made bob admin", "bob: hello", "* bob named this room Team", "* bob removed ann",
		"* bob made this room public",
	}
	lines := strings.Split(strings.TrimSpace(onTerminal(t, environment, "pull", "team")), "\n")
	for i := range lines {
		lines[i] = lines[i][min(len(lines[i]), len("2006-01-02 15:04:05  ")):]
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("pull shows %q, want %q", got, want)
	}
	if got := onTerminal(t, environment, "inbox", "--reader=bob"); !strings.HasSuffix(got, "  * bob made this room public\n") {
		t.Errorf("inbox shows %q, want the last notice", got)
	}
	talk := startTalk(t, &livetest.Server{URL: s.base}, "team", "--sender=bob")
	for _, text := range want {
		talk.shows(t, "  "+text+"\r\n")
	}
	if got := invoke(t, environment, "", "rooms", "add", "team", "eve", "--as=bob"); got.status != 0 {
		t.Fatalf("add = %+v", got)
	}
	talk.shows(t, "  * bob added eve\r\n")
}
