package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestHistory: an admin of the room reads the texts of a message in pages; its sender, who is no admin, may not.
func TestHistory(t *testing.T) {
	t.Parallel()
	g := serveGuarded(t)
	bob := &guarded{g.server, t.TempDir() + "/sessions.json"}
	for user, own := range map[string]*guarded{"ann": g, "bob": bob} {
		own.invokes(t, password, 0, user, "register", user)
		own.invokes(t, password, 0, user, "login", user)
	}
	g.invokes(t, "", 0, `"id":"den"`, "rooms", "create", "den", "--member=bob")
	stored := func(got result) (position int64) {
		t.Helper()
		var receipt client.Receipt
		if err := json.Unmarshal([]byte(got.out), &receipt); err != nil || receipt.SendTime == 0 {
			t.Fatalf("%+v is no receipt: %v", got, err)
		}
		return receipt.SendTime
	}
	sent := stored(bob.invokes(t, "", 0, "send_time", "send", "den", "helo"))
	ref := strconv.FormatInt(sent, 10)
	first := stored(bob.invokes(t, "", 0, "send_time", "edit", "den", ref, "hallo"))
	second := stored(bob.invokes(t, "", 0, "send_time", "edit", "den", ref, "hello"))
	texts := []string{
		fmt.Sprintf(`{"send_time":%d,"sender":"bob","text":"helo"}`, sent),
		fmt.Sprintf(`{"send_time":%d,"sender":"bob","text":"hallo"}`, first),
		fmt.Sprintf(`{"send_time":%d,"sender":"bob","text":"hello"}`, second),
	}
	for _, c := range []struct {
		args []string
		want []string
		err  string
	}{
		{nil, texts, ""},
		{[]string{"--limit=2"}, texts[:2], fmt.Sprintf("there is more: --cursor %d continues\n", second)},
		{[]string{fmt.Sprint("--cursor=", second), "--limit=2"}, texts[2:], ""},
	} {
		got := invoke(t, g.environment(), "", append([]string{"history", "den", ref}, c.args...)...)
		if want := (result{out: strings.Join(c.want, "\n") + "\n", err: c.err}); got != want {
			t.Errorf("pullchat history den %s %q = %+v, want %+v", ref, c.args, got, want)
		}
	}
	bob.invokes(t, "", 2, "permission_denied: only an admin of room den may read the history of edits", "history", "den", ref)
	g.invokes(t, "", 2, "not_found: there is no message at 7", "history", "den", "7")
}
