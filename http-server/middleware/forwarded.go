package middleware

import (
	"net/netip"
	"strings"

	"github.com/pullchat/pullchat/internal/ratelimit"
)

// clientOf returns a request's client address. A proxy appends its peer's address to X-Forwarded-For, so clientOf reads the
// list from its end: the first address that is not a proxy's is the client's. The client may have written anything before it.
func clientOf(proxies ratelimit.Proxies, peer netip.Addr, forwarded []string) netip.Addr {
	client := ratelimit.Plain(peer)
	if len(proxies) == 0 {
		return client
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && proxies.Has(client); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		client = hop
	}
	return client
}

// parseHop reads an address, with or without a port.
func parseHop(hop string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]")); err == nil {
		return ratelimit.Plain(address), true
	}
	if both, err := netip.ParseAddrPort(hop); err == nil {
		return ratelimit.Plain(both.Addr()), true
	}
	return netip.Addr{}, false
}
