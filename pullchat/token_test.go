package main

import (
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/token"
)

// TestToken: the command prints a service's token, and refuses invalid flags.
func TestToken(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef0123456789abcdef"
	printed := invoke(t, []string{"AUTH_SECRET=" + secret}, "", "token", "--service=worker", "--ttl=1h")
	keys, err := token.FromSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := keys.Verify(strings.TrimSpace(printed.out)); err != nil || who.User != "worker" || !who.Service {
		t.Errorf("the token %q is %+v's, %v; want the service worker", printed.out, who, err)
	}
	for _, c := range []struct {
		environment []string
		args        []string
		status      int
		want        string
	}{
		{nil, []string{"--service=worker"}, 1, "set AUTH_SECRET or AUTH_KEY_FILE"},
		{[]string{"AUTH_SECRET=short"}, []string{"--service=worker"}, 80, "it needs 32 at least"},
		{[]string{"AUTH_SECRET=" + secret}, []string{"--service=worker", "--ttl=0s"}, 80, "--ttl is 0s"},
		{[]string{"AUTH_SECRET=" + secret}, nil, 80, "--service"},
	} {
		got := invoke(t, c.environment, "", append([]string{"token"}, c.args...)...)
		if got.status != c.status || !strings.Contains(got.err, c.want) || got.out != "" {
			t.Errorf("token %v with %v = %+v, want status %d and %q", c.args, c.environment, got, c.status, c.want)
		}
	}
}
