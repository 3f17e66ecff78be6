package ratelimit

import (
	"net/netip"
	"strings"
)

// Proxies are the networks of trusted proxies, whose X-Forwarded-For counts.
type Proxies []netip.Prefix

// Client returns a request's client address. A proxy appends its peer's address to X-Forwarded-For, so Client reads the list
// from its end: the first address that is not a proxy's is the client's. The client may have written anything before it.
func (p Proxies) Client(peer netip.Addr, forwarded []string) netip.Addr {
	client := plain(peer)
	if len(p) == 0 {
		return client
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && p.has(client); i-- {
		hop, ok := parse(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		client = hop
	}
	return client
}

func (p Proxies) has(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// parse reads an address, with or without a port.
func parse(hop string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]")); err == nil {
		return plain(address), true
	}
	if both, err := netip.ParseAddrPort(hop); err == nil {
		return plain(both.Addr()), true
	}
	return netip.Addr{}, false
}

// plain returns the canonical form of an address.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// Key returns the key under which an address is counted. An IPv6 network of 64 bits, which usually belongs to one client, has
// one key.
func Key(address netip.Addr) string {
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
