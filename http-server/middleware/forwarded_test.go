package middleware

import (
	"net/netip"
	"testing"

	"github.com/pullchat/pullchat/internal/ratelimit"
)

// TestClientOf: X-Forwarded-For is read from its end, as far as proxies are trusted.
func TestClientOf(t *testing.T) {
	proxies := ratelimit.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name      string
		trusted   ratelimit.Proxies
		peer      string
		forwarded []string
		want      string
	}{
		{"no proxy is trusted", nil, "10.0.0.1", []string{"1.2.3.4"}, "10.0.0.1"},
		{"a client", proxies, "1.2.3.4", nil, "1.2.3.4"},
		{"a client that says it is another", proxies, "1.2.3.4", []string{"5.6.7.8"}, "1.2.3.4"},
		{"behind a proxy", proxies, "10.0.0.1", []string{"1.2.3.4"}, "1.2.3.4"},
		{"behind a proxy, lying", proxies, "10.0.0.1", []string{"5.6.7.8, 1.2.3.4"}, "1.2.3.4"},
		{"lying about a proxy", proxies, "10.0.0.1", []string{"5.6.7.8, 10.0.0.9, 1.2.3.4"}, "1.2.3.4"},
		{"behind two proxies", proxies, "10.0.0.1", []string{"1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		{"in two headers", proxies, "10.0.0.1", []string{"5.6.7.8,1.2.3.4", "10.0.0.2"}, "1.2.3.4"},
		{"with a port", proxies, "10.0.0.1", []string{"1.2.3.4:567"}, "1.2.3.4"},
		{"IPv6 with a port", proxies, "10.0.0.1", []string{"[2001:db8::1]:567"}, "2001:db8::1"},
		{"IPv6 in brackets", proxies, "fd00::1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv4 in IPv6", proxies, "::ffff:10.0.0.1", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
		{"a proxy that asks itself", proxies, "10.0.0.1", nil, "10.0.0.1"},
		{"all are proxies", proxies, "10.0.0.1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no address", proxies, "10.0.0.1", []string{"1.2.3.4, unknown"}, "10.0.0.1"},
		{"no address before a proxy", proxies, "10.0.0.1", []string{"<script>, 10.0.0.2"}, "10.0.0.2"},
		{"empty", proxies, "10.0.0.1", []string{""}, "10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := clientOf(c.trusted, netip.MustParseAddr(c.peer), c.forwarded); got.String() != c.want {
				t.Errorf("clientOf(%s, %q) = %s, want %s", c.peer, c.forwarded, got, c.want)
			}
		})
	}
}
