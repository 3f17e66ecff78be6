package main

import (
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestInbox of one who has logged in, and of one who is named.
func TestInbox(t *testing.T) {
	g := serveGuarded(t)
	for _, user := range []string{"alice", "bob"} {
		g.invokes(t, password, 0, user, "register", user)
	}
	g.invokes(t, password, 0, "alice", "login", "alice")
	g.invokes(t, "", 0, "", "send", "alice:bob", "hello")
	g.invokes(t, password, 0, "bob", "login", "bob")
	g.invokes(t, "", 0, `"unread":1`, "inbox")
	g.invokes(t, "", 2, "permission_denied", "inbox", "--reader=alice")
	g.invokes(t, "", 0, `{"chat":"alice:bob","reader":"bob","cursor":`, "read", "alice:bob")
	g.invokes(t, "", 0, `"unread":0`, "inbox")
	g.invokes(t, "", 0, `"text":"hello"`, "inbox", "--all", "--limit=1")
	g.invokes(t, "", 0, `"cursor":`, "read", "alice:bob", "--cursor=1")
	g.invokes(t, "", 0, `"unread":0`, "inbox")
	g.invokes(t, "", 0, `"cursor":1}`, "read", "alice:bob", "--cursor=1", "--force")
	g.invokes(t, "", 0, `"unread":1`, "inbox")
	g.invokes(t, "", 80, "--force needs --cursor", "read", "alice:bob", "--force")
	g.invokes(t, "", 0, `{"ignored":true,"user":"alice"}`, "ignore", "alice")
	g.invokes(t, "", 0, `{"user":"alice"}`, "ignore")
	g.invokes(t, "", 0, `{"ignored":false,"user":"alice"}`, "ignore", "alice", "--remove")
	if got := g.invokes(t, "", 0, "", "ignore"); got.out != "" {
		t.Errorf("ignore = %+v, want nobody", got)
	}
	g.invokes(t, "", 80, "--remove needs a user", "ignore", "--remove")
	g.invokes(t, "", 0, "", "logout")
	g.invokes(t, "", 80, "the reader is missing:", "inbox")

	open := serveProcess(t)
	if got := invoke(t, open.environment(), "", "send", "a:b", "hello", "--sender=a"); got.status != 0 {
		t.Fatalf("send = %+v", got)
	}
	if got := invoke(t, open.environment(), "", "inbox", "--reader=b/phone"); got.status != 0 || len(got.out) == 0 {
		t.Errorf("inbox = %+v, want a chat", got)
	}
}

func TestEntryLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   client.InboxEntry
		want string
	}{
		{client.InboxEntry{Chat: "room"}, "      room"},
		{client.InboxEntry{Chat: "room", Unread: 7}, "  (7) room"},
		{client.InboxEntry{Chat: "room", Unread: 99}, " (99) room"},
		{client.InboxEntry{Chat: "room", Unread: 100}, "(99+) room"},
	} {
		if got := entryLine(c.in); got != c.want {
			t.Errorf("entryLine(%+v) = %q, want %q", c.in, got, c.want)
		}
	}
}
