package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/redistest"
)

// seen has the messages, rooms and accounts of a server as its users see them.
type seen struct {
	Messages map[string][]client.Message
	Rooms    []client.Room
	Inboxes  []client.Inbox
	Users    client.AccountPage
	Ignored  []string
}

// loggedIn returns a client of a user who logs in: the password must be right.
func loggedIn(t *testing.T, base, user string) *client.Client {
	t.Helper()
	c, err := client.New(base, nil, client.WithSession(client.Session{}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(t.Context(), user, strings.TrimSpace(password)); err != nil {
		t.Fatalf("login of %s: %v", user, err)
	}
	return c
}

func see(t *testing.T, base string) seen {
	t.Helper()
	s := seen{Messages: map[string][]client.Message{}}
	alice, bob := loggedIn(t, base, "alice"), loggedIn(t, base, "bob")
	for _, name := range []string{"alice:bob", "club"} {
		for m, err := range bob.All(t.Context(), client.PullRequest{Chat: name, Limit: 7}) {
			if err != nil {
				t.Fatal(err)
			}
			s.Messages[name] = append(s.Messages[name], m)
		}
	}
	for _, c := range []*client.Client{alice, bob} {
		room, err := c.RoomsAs("").Show(t.Context(), "club")
		if err != nil {
			t.Fatal(err)
		}
		s.Rooms = append(s.Rooms, room)
		inbox, err := c.Inbox(t.Context(), client.InboxRequest{})
		if err != nil {
			t.Fatal(err)
		}
		s.Inboxes = append(s.Inboxes, inbox)
	}
	var err error
	if s.Users, err = alice.Users(t.Context(), client.AccountsRequest{}); err != nil {
		t.Fatal(err)
	}
	if s.Ignored, err = bob.Ignored(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	return s
}

// fillBackup makes the data that the drill of docs/backup.md exports.
func fillBackup(t *testing.T, base string) {
	t.Helper()
	g := &guarded{&server{base: base}, filepath.Join(t.TempDir(), "sessions.json")}
	for _, user := range []string{"alice", "bob", "carol", "dave"} {
		g.invokes(t, password, 0, user, "register", user, "--name=The "+user)
	}
	alice, bob := loggedIn(t, base, "alice"), loggedIn(t, base, "bob")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(alice.RoomsAs("").Create(t.Context(), client.NewRoom{ID: "club", Name: "The Club", Visibility: "public", Users: []string{"bob", "dave"}}))
	must(alice.RoomsAs("").Create(t.Context(), client.NewRoom{ID: "gone", Visibility: "public"}))
	must(nil, alice.RoomsAs("").Delete(t.Context(), "gone"))
	for n := range 20 {
		must(alice.Send(t.Context(), client.Message{Chat: "alice:bob", Text: fmt.Sprint("hello ", n), ID: fmt.Sprint("a-", n)}))
		must(alice.Send(t.Context(), client.Message{Chat: "club", Text: fmt.Sprint("<b>&\u2028\"", n)}))
		must(bob.Send(t.Context(), client.Message{Chat: "club", Text: fmt.Sprint("answer ", n)}))
	}
	page, err := bob.Pull(t.Context(), client.PullRequest{Chat: "alice:bob", Limit: 5})
	must(nil, err)
	must(bob.Read(t.Context(), client.Reading{Chat: "alice:bob", Cursor: page.NextCursor}))
	must(bob.ReadAll(t.Context(), "club", ""))
	must(alice.Send(t.Context(), client.Message{Chat: "club", Text: "after"}))
	must(nil, bob.Ignore(t.Context(), "", "carol"))
	must(loggedIn(t, base, "dave").DeleteAccount(t.Context(), true))
}

// TestBackupDrill is the drill of docs/backup.md.
func TestBackupDrill(t *testing.T) {
	t.Parallel()
	old, file := redistest.Start(t), filepath.Join(t.TempDir(), "chats.jsonl.gz")
	first := serveGuarded(t, "REDIS_URL="+old.URL())
	fillBackup(t, first.base)
	before := see(t, first.base)
	if got := invoke(t, nil, "", "export", file, "--redis-url", old.URL(), "--with-secrets"); got.status != 0 || !strings.Contains(got.err, "1 rooms, 4 accounts") {
		t.Fatalf("export = %+v, want status 0, a room and four accounts", got)
	}

	empty := redistest.Start(t)
	for _, want := range []string{"(0 were there already), 1 rooms, 4 accounts", ", 0 messages (63 were there already), 0 rooms, 0 accounts"} {
		if got := invoke(t, nil, "", "import", file, "--redis-url", empty.URL()); got.status != 0 || !strings.Contains(got.err, want) {
			t.Fatalf("import = %+v, want status 0 and %q", got, want)
		}
	}
	was, is := invoke(t, nil, "", "check", "--redis-url", old.URL()), invoke(t, nil, "", "check", "--redis-url", empty.URL())
	if is.status != 0 || is.out != was.out {
		t.Errorf("check = %+v, want what it said of the first Redis: %+v", is, was)
	}
	second := serveGuarded(t, "REDIS_URL="+empty.URL())
	if after := see(t, second.base); !reflect.DeepEqual(after, before) {
		t.Errorf("after the import the users see\n%+v\nwant\n%+v", after, before)
	}
	alice := loggedIn(t, second.base, "alice")
	again, err := alice.Send(t.Context(), client.Message{Chat: "alice:bob", Text: "hello 3", ID: "a-3"})
	if want := before.Messages["alice:bob"][3].SendTime; err != nil || !again.Duplicate || again.SendTime != want {
		t.Errorf("a repeated send = %+v, %v; want the position %d of before", again, err, want)
	}
	next, err := alice.Send(t.Context(), client.Message{Chat: "alice:bob", Text: "next"})
	if last := before.Messages["alice:bob"][19].SendTime; err != nil || next.SendTime <= last {
		t.Errorf("the next send = %+v, %v; want a position above %d", next, err, last)
	}
}

// TestExportWithoutSecrets: there is no hash in the file, and the accounts are locked after an import.
func TestExportWithoutSecrets(t *testing.T) {
	t.Parallel()
	old, empty := redistest.Start(t), redistest.Start(t)
	fillBackup(t, serveGuarded(t, "REDIS_URL="+old.URL()).base)
	exported := invoke(t, nil, "", "export", "--redis-url", old.URL())
	if exported.status != 0 || strings.Contains(exported.out, "argon2") {
		t.Fatalf("export = %+v, want status 0 and no hashes", exported)
	}
	for line := range strings.Lines(exported.out) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the line %q is no JSON", line)
		}
	}
	imported := invoke(t, []string{"REDIS_URL=" + empty.URL()}, exported.out, "import", "-")
	if imported.status != 0 || !strings.Contains(imported.err, "locked 3 accounts") {
		t.Fatalf("import = %+v, want status 0 and locked accounts", imported)
	}
	g := serveGuarded(t, "REDIS_URL="+empty.URL())
	g.invokes(t, password, 2, "unauthenticated", "login", "alice")
	g.invokes(t, password, 2, "conflict", "register", "alice")
	g.invokes(t, password, 2, "conflict", "register", "dave")
}

// TestImportKilled: an import is killed in the middle, as kill -9 does it, and made again. Nothing is lost or doubled.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	const chats, messages = 40, 50
	lines := []string{`{"kind":"pullchat-export","version":1,"created":1}`}
	for n := range chats {
		for at := range messages {
			lines = append(lines, fmt.Sprintf(`{"kind":"message","chat":"room%d","send_time":%d,"sender":"u","text":"t","id":"%d"}`, n, 1_000_000+at, at))
		}
	}
	whole := strings.Join(append(lines, `{"kind":"end","total":2000}`), "\n") + "\n"
	args := []string{"import", "-", "--redis-url", redis.URL(), "--state", filepath.Join(t.TempDir(), "state")}
	killed := command(t, nil, args...)
	in, err := killed.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte(whole[:len(whole)/2])); err != nil { // it waits for the rest
		t.Fatal(err)
	}
	for {
		if stored, err := redis.Do("EXISTS im:{" + partitionOf("room10") + "}:log:room10"); err != nil || stored == ":1" || stored == "1" {
			break
		}
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	if got := invoke(t, nil, whole, args...); got.status != 0 || !strings.Contains(got.err, "imported 40 chats") {
		t.Errorf("the second import = %+v, want status 0 and 40 chats", got)
	}
	if got, want := invoke(t, nil, "", "check", "--redis-url", redis.URL()), "chats     40\nmessages  2000\n"; got.status != 0 || !strings.HasPrefix(got.out, want) {
		t.Errorf("check = %+v, want status 0 and %q", got, want)
	}
}

// partitionOf is the partition of a chat, as docs/adr/0002-partitions.md has it.
func partitionOf(name string) string { return strconv.FormatUint(xxhash.Sum64String(name)%256, 10) }

// TestBackupGoesOn: export and import keep their place while Redis is away, and forget it at the end.
func TestBackupGoesOn(t *testing.T) {
	t.Parallel()
	redis := checkedRedis(t)
	file, state := filepath.Join(t.TempDir(), "chats.jsonl"), filepath.Join(t.TempDir(), "state")
	for _, args := range [][]string{
		{"export", file, "--redis-url", redis.URL(), "--state", state},
		{"import", file, "--redis-url", redis.URL(), "--state", state},
	} {
		redis.Kill()
		if got := invoke(t, nil, "", args...); got.status != 1 || !strings.Contains(got.err, "the same command goes on from here") {
			t.Errorf("%s without a Redis = %+v, want status 1", args[0], got)
		}
		if _, err := os.Stat(state); err != nil {
			t.Errorf("the state of %s: %v, want a file", args[0], err)
		}
		redis.Restart()
		if got := invoke(t, nil, "", args...); got.status != 0 || !strings.Contains(got.err, "going on after 0 chats") {
			t.Errorf("%s that goes on = %+v, want status 0", args[0], got)
		}
		if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the state after a complete %s: %v, want that it is gone", args[0], err)
		}
	}
	if got := invoke(t, nil, "", "export", "--state", state); got.status != 80 {
		t.Errorf("export to standard output with a state = %+v, want status 80", got)
	}
	bad := `{"kind":"pullchat-export","version":1}` + "\n" + `{"kind":"message","chat":"a:b","send_time":1,"sender":"c","text":"t"}` + "\n" + `{"kind":"end"}`
	if got := invoke(t, nil, bad, "import", "-", "--redis-url", redis.URL()); got.status != 3 || !strings.Contains(got.err, `refused: chat a:b at 1: sender "c" is none of the two`) {
		t.Errorf("import of a stranger's message = %+v, want status 3 and the position", got)
	}
}
