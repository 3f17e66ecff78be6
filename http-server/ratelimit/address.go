package ratelimit

import (
	"net/netip"
	"strings"
)

// Proxies are the networks of proxies whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// Client returns the address that a request comes from. A proxy appends the address that it hears to
// X-Forwarded-For, so the list is read from its end, for as long as it comes from proxies: the first address that is
// none of theirs is the client's. Everything before it is whatever the client wrote.
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

// plain makes the forms of an address one.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// Key is what an address counts as: all of an IPv6 network of 64 bits, which one client usually has to itself.
func Key(address netip.Addr) string {
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
