package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/token"
)

const (
	authSecret = "0123456789abcdef0123456789abcdef"
	password   = "correct horse\n" // as it is given
)

// guarded is a server that asks for tokens, and a file for those of its users.
type guarded struct {
	*server
	file string
}

func serveGuarded(t *testing.T, settings ...string) *guarded {
	t.Helper()
	s := serveProcess(t, append(settings, "AUTH=on", "AUTH_SECRET="+authSecret)...)
	return &guarded{s, filepath.Join(t.TempDir(), "new folder", "sessions.json")}
}

func (g *guarded) environment() []string {
	return append(g.server.environment(), "PULLCHAT_TOKEN_FILE="+g.file)
}

// invokes runs a command and wants its status, and a part of its output.
func (g *guarded) invokes(t *testing.T, input string, status int, says string, args ...string) result {
	t.Helper()
	got := invoke(t, g.environment(), input, args...)
	if got.status != status || !strings.Contains(got.out+got.err, says) {
		t.Errorf("pullchat %q = %+v, want status %d and %q", args, got, status, says)
	}
	return got
}

// kept returns the file's entry of the server.
func (g *guarded) kept(t *testing.T) client.Session {
	t.Helper()
	s, err := sessionFile{g.file, g.base}.load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLogin(t *testing.T) {
	g := serveGuarded(t)
	g.invokes(t, "", 2, "unauthenticated", "send", "alice:bob", "hello", "--sender=alice")
	g.invokes(t, "short", 2, "password is 5 characters", "register", "alice")
	g.invokes(t, password, 0, `{"user":"alice","name":"Alice L.","created":`, "register", "alice", "--name=Alice L.")
	g.invokes(t, password, 2, "conflict", "register", "alice")
	g.invokes(t, strings.ReplaceAll(password, "\n", "\r\n"), 0, `"bob"`, "register", "bob")
	g.invokes(t, "wrong horse\n", 2, "unauthenticated", "login", "alice")
	g.invokes(t, "", 1, "no user is logged in at "+g.base, "logout")
	if _, err := os.Stat(g.file); err == nil {
		t.Error("there is a token file before the first login")
	}

	g.invokes(t, password, 0, `{"token_file":"`+g.file+`","user":"alice"}`, "login", "alice")
	if info, err := os.Stat(g.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token file is %v, %v; want mode 0600", info, err)
	}
	sent := g.invokes(t, "", 0, "send_time", "send", "alice:bob", "hello")
	g.invokes(t, "", 0, `"sender":"alice"`, "pull", "alice:bob")
	g.invokes(t, "", 0, `{"status":"ready"}`, "ready")
	g.invokes(t, "", 0, "Alice L.", "users")
	if got := g.invokes(t, "", 0, `"bob"`, "users", "b"); strings.Contains(got.out, "alice") {
		t.Errorf("users b = %+v, want bob only", got)
	}
	g.invokes(t, "", 2, "unauthenticated", "send", "alice:bob", "hello", "--server="+strings.Replace(g.base, "127.0.0.1", "localhost", 1), "--sender=alice")
	if strings.Contains(sent.out+sent.err, g.kept(t).AccessToken) {
		t.Errorf("send = %+v, which has the token in it", sent)
	}

	before := g.kept(t)
	g.invokes(t, password, 0, "bob", "login", "bob")
	g.invokes(t, "", 0, "", "send", "alice:bob", "hello, I am bob")
	g.invokes(t, "", 0, `"sender":"bob"`, "pull", "alice:bob")
	before.AccessToken, before.Expires = "none", before.Issued // so that it is exchanged
	ended, err := client.New(g.base, nil, client.WithSession(before, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ended.Users(t.Context(), client.AccountsRequest{}); err == nil {
		t.Error("the previous session stays valid")
	}
	g.invokes(t, "", 0, `{"user":"bob"}`, "logout")
	g.invokes(t, "", 2, "unauthenticated", "pull", "alice:bob")
	if s := g.kept(t); s.User != "" {
		t.Errorf("after logout the file has %v", s)
	}
}

// TestSessionsGoOn: commands renew the kept session, one after the other and at once.
func TestSessionsGoOn(t *testing.T) {
	g := serveGuarded(t, "ACCESS_TOKEN_TTL=2s")
	g.invokes(t, password, 0, "alice", "register", "alice")
	g.invokes(t, password, 0, "alice", "login", "alice")
	first := g.kept(t)
	var tails []*json.Decoder
	for _, over := range []string{"sse", "poll"} {
		tails = append(tails, g.tail(t, over))
	}
	// A WebSocket renews its session before it expires, so it has a session of its own here.
	socket := &guarded{g.server, t.TempDir() + "/sessions.json"}
	socket.invokes(t, password, 0, "alice", "login", "alice")
	tails = append(tails, socket.tail(t, "ws"))
	for i := range 3 {
		expires := g.kept(t).Expires // a tail may exchange it as soon as it has expired
		within(t, func() bool { return time.Now().After(expires) }, func() string { return "the token does not expire" })
		text := strings.Repeat("x", i+1)
		done := make(chan result, 2)
		for range 2 { // two at once exchange one token
			go func() { done <- invoke(t, g.environment(), "", "send", "alice:bob", text, "--id", text) }()
		}
		for range 2 {
			if got := <-done; got.status != 0 || got.err != "" {
				t.Fatalf("send = %+v, want success", got)
			}
		}
		for _, shown := range tails {
			var m client.Message
			if err := shown.Decode(&m); err != nil || m.Text != text || m.Sender != "alice" {
				t.Fatalf("tail shows %+v, %v; want %q", m, err, text)
			}
		}
	}
	if last := g.kept(t); last.Secret != first.Secret || last.RefreshToken == first.RefreshToken {
		t.Errorf("the file has %#v, want what has become of the login", last)
	}
	files, err := os.ReadDir(filepath.Dir(g.file))
	if names := []string{"sessions.json", "sessions.json.lock"}; err != nil || !slices.EqualFunc(files, names, func(f os.DirEntry, name string) bool { return f.Name() == name }) {
		t.Errorf("there are the files %v, %v; want %q", files, err, names)
	}
}

// tail follows a chat, and has nothing to complain about.
func (g *guarded) tail(t *testing.T, over string) *json.Decoder {
	t.Helper()
	c := command(t, g.environment(), "tail", "alice:bob", "--cursor=0", "--transport="+over)
	var complaints collected
	c.Stderr = &complaints
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if said := complaints.String(); said != "" {
			t.Errorf("tail --transport=%s says %s", over, said)
		}
	})
	return json.NewDecoder(out)
}

// TestTokenInsteadOfASession: a service acts for the user that it names.
func TestTokenInsteadOfASession(t *testing.T) {
	g := serveGuarded(t)
	g.invokes(t, password, 0, "alice", "register", "alice")
	g.invokes(t, password, 0, "alice", "login", "alice")
	keys, err := token.FromSecret(authSecret)
	if err != nil {
		t.Fatal(err)
	}
	worker, err := keys.ForService("worker", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	g.invokes(t, "", 0, "send_time", "send", "bob:carol", "hello", "--sender=bob", "--token="+worker)
	g.invokes(t, "", 2, "token_invalid", "pull", "bob:carol", "--token=nonsense")
	g.file = filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(g.file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.invokes(t, "", 0, "hello", "pull", "bob:carol", "--token="+worker)
	g.invokes(t, "", 1, "is not a file of pullchat login", "pull", "bob:carol")
}

// TestPasswordOnATerminal is not shown, asked for twice where it is new, and the terminal is itself again after Ctrl-C.
func TestPasswordOnATerminal(t *testing.T) {
	g := serveGuarded(t)
	typing := func(keys []string, args ...string) (string, int) {
		t.Helper()
		c := command(t, g.environment(), args...)
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
		for i, line := range keys {
			prompts := func() bool { return strings.Count(shown.String(), ": ") > i }
			within(t, prompts, func() string { return "there is no prompt: " + shown.String() })
			if _, err := io.WriteString(terminal, line); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.Wait()
		<-ended
		return shown.String(), c.ProcessState.ExitCode()
	}
	for _, c := range []struct {
		keys   []string
		args   []string
		status int
		says   string
	}{
		{[]string{"correct horse\n", "another horse\n"}, []string{"register", "alice"}, 1, "the two passwords differ"},
		{[]string{"correct horse\n", "correct horse\n"}, []string{"register", "alice"}, 0, "alice is registered"},
		{[]string{"horse\x03"}, []string{"login", "alice"}, 1, "interrupted"},
		{[]string{"correct horse\n"}, []string{"login", "alice"}, 0, "logged in as alice; the session is kept in " + g.file},
		{nil, []string{"logout"}, 0, "alice is logged out"},
	} {
		said, status := typing(c.keys, c.args...)
		if status != c.status || !strings.Contains(said, c.says) || strings.Contains(said, "horse") {
			t.Errorf("pullchat %q = %q, status %d; want %q, %d and no password", c.args, said, status, c.says, c.status)
		}
	}
}

// TestSessionFile: an older session, or one of another login, replaces none.
func TestSessionFile(t *testing.T) {
	t.Parallel()
	f := sessionFile{filepath.Join(t.TempDir(), "a", "b"), "http://a"}
	other := sessionFile{f.name, "http://b"}
	now := time.Now().Round(0)
	one := client.Session{User: "alice", Secret: "1", AccessToken: "first", Issued: now}
	next, two := one, client.Session{User: "bob", Secret: "2", Issued: now}
	next.AccessToken, next.Issued = "next", now.Add(time.Second)
	wants := func(want string) {
		t.Helper()
		if got, err := f.load(); err != nil || got.AccessToken != want {
			t.Errorf("load() = %#v with %q, %v; want %q", got, got.AccessToken, err, want)
		}
	}
	for i, step := range []struct {
		keep func() error
		want string
	}{
		{func() error { return f.renew(one) }, ""}, // it was logged out meanwhile
		{func() error { return other.put(two) }, ""},
		{func() error { return f.put(one) }, "first"},
		{func() error { return f.renew(two) }, "first"},
		{func() error { return f.renew(next) }, "next"},
		{func() error { return f.renew(one) }, "next"},
	} {
		if err := step.keep(); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
		wants(step.want)
	}
	if err := f.put(client.Session{}); err != nil {
		t.Error(err)
	}
	wants("")
	if got, err := other.load(); err != nil || got.User != "bob" {
		t.Errorf("load() of the other server = %v, %v; want bob", got, err)
	}
	if err := (sessionFile{}).put(one); err == nil {
		t.Error("put() without a file = nil, want an error")
	}
}

// TestDeleteAccount: no user is logged in afterwards, and the name is not given out again.
func TestDeleteAccount(t *testing.T) {
	g := serveGuarded(t)
	g.invokes(t, "", 1, "no user is logged in", "delete-account", "--yes")
	g.invokes(t, password, 0, "alice", "register", "alice")
	g.invokes(t, password, 0, "alice", "login", "alice")
	g.invokes(t, "", 0, "send_time", "send", "alice:bob", "secret")
	g.invokes(t, "", 80, "there is no terminal to confirm it: give --yes", "delete-account", "--erase")
	g.invokes(t, "", 0, `{"complete":true,"user":"alice"}`, "delete-account", "--erase", "--yes")
	if left := g.kept(t); left.User != "" {
		t.Errorf("%s is still logged in", left.User)
	}
	g.invokes(t, password, 2, "unauthenticated", "login", "alice")
	g.invokes(t, password, 2, "the name cannot be registered again", "register", "alice")
	g.invokes(t, password, 0, "bob", "register", "bob")
	g.invokes(t, password, 0, "bob", "login", "bob")
	g.invokes(t, "", 0, "alice (erased)", "pull", "bob:alice", "--raw")
}
