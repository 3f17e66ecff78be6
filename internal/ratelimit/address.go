package ratelimit

import "net/netip"

// Proxies are the networks of trusted proxies: their headers about clients are trusted.
type Proxies []netip.Prefix

// Has reports whether an address is a trusted proxy's. The address is a plain one.
func (p Proxies) Has(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// Plain returns the canonical form of an address.
func Plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// Key returns the key under which a plain address is counted. An IPv6 network of 64 bits, which usually belongs to one
// client, has one key.
func Key(address netip.Addr) string {
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
