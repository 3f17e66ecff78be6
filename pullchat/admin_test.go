package main

import (
	"strings"
	"testing"
)

// TestAdmin: a service suspends and restores a user, ends sessions and resets a password; the audit log has it all.
func TestAdmin(t *testing.T) {
	t.Parallel()
	g := serveGuarded(t)
	g.invokes(t, password, 0, "bob", "register", "bob")
	made := invoke(t, []string{"AUTH_SECRET=" + authSecret}, "", "token", "--service=worker")
	environment := append(g.server.environment(), "PULLCHAT_TOKEN="+strings.TrimSpace(made.out))
	own := g.environment()
	const another = "another horse\n"
	for _, step := range []struct {
		environment  []string
		input, args  string
		status       int
		says, saysNo string
	}{
		{environment, "", "admin suspend bob", 80, "missing flags: --reason", ""},
		{environment, "", "admin suspend none --reason=spam", 2, "not_found: there is no user none", ""},
		{environment, "", "admin suspend bob --reason=spam", 0, `{"user":"bob","reason":"spam","by":"worker","since":`, ""},
		{environment, "", "admin suspended", 0, `{"user":"bob","reason":"spam"`, ""},
		{own, password, "login bob", 2, "permission_denied: the account of bob is suspended", ""},
		{environment, "", "admin restore bob --reason=sorry", 0, "", ""},
		{environment, "", "admin suspended", 0, "", "bob"},
		{own, password, "login bob", 0, "", ""},
		{own, "", "admin audit", 2, "permission_denied", ""},
		{environment, "", "admin sessions bob", 0, `{"session":"`, ""},
		{environment, "", "admin logout bob", 0, "", ""},
		{environment, "", "admin sessions bob", 0, "", "session"},
		{environment, another, "admin password bob --reason=forgotten", 0, "", ""},
		{own, another, "login bob", 0, "", ""},
		{environment, "", "admin audit --limit=2", 0, `"action":"reset_password","user":"bob","reason":"forgotten"`, "suspend"},
		{environment, "", "rooms create den --as=bob", 0, "", ""},
		{environment, "", "admin rooms", 0, `{"id":"den","name":"","visibility":"private"`, ""},
		{environment, "", "admin audit", 0, `"action":"suspend","user":"bob","reason":"spam"`, ""},
		{environment, "", "rooms ban den eve --as=bob --for=24h --reason=spam", 0, `{"id":"den"`, ""},
		{environment, "", "rooms ban den eve --as=bob --for=-1s", 80, "--for is -1s", ""},
		{environment, "", "rooms bans den --as=bob", 0, `{"user":"eve","until":`, ""},
		{environment, "", "rooms unban den eve --as=bob", 0, `{"id":"den"`, ""},
		{environment, "", "rooms mute den eve --as=bob", 0, `{"id":"den"`, ""},
		{environment, "", "rooms mutes den --as=bob", 0, `{"user":"eve","until":0`, ""},
		{environment, "", "rooms unmute den eve --as=bob", 0, `{"id":"den"`, ""},
		{environment, "", "rooms mutes den --as=bob", 0, "", "eve"},
		{environment, "", "rooms slow den 30s --as=bob", 0, `"slow_mode":"30s"`, ""},
		{environment, "", "rooms announce den --as=bob", 0, `"announce":true`, ""},
		{environment, "", "rooms announce den --off --as=bob", 0, `"id":"den"`, "announce"},
		{environment, "", "rooms pin den 7 --as=bob", 2, "not_found: there is no message", ""},
		{environment, "", "rooms unpin den 7 --as=bob", 0, `"id":"den"`, ""},
		{environment, "", "report den --user=eve --reason=rude --as=bob", 0, `"user":"eve","by":"bob","reason":"rude","state":"open"`, ""},
		{environment, "", "admin reports", 0, `"user":"eve","by":"bob","reason":"rude","state":"open"`, ""},
		{environment, "", "admin reports --resolved", 0, "", "eve"},
		{environment, "", "admin resolve 7", 2, "not_found: there is no report 7", ""},
		{environment, "", "admin online", 0, "", "bob"},
		{environment, "", "admin export bob --reason=asked", 0, `{"account":{"user":"bob"`, ""},
		{environment, "", "admin export none", 2, "not_found: there is no user none", ""},
		{environment, "", "admin audit --limit=1", 0, `"action":"export_user","user":"bob","reason":"asked"`, ""},
	} {
		got := invoke(t, step.environment, step.input, strings.Fields(step.args)...)
		said := got.out + got.err
		if got.status != step.status || !strings.Contains(said, step.says) || step.saysNo != "" && strings.Contains(said, step.saysNo) {
			t.Errorf("pullchat %s = %+v, want status %d with %q and without %q", step.args, got, step.status, step.says, step.saysNo)
		}
	}
}
