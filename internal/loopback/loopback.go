// Package loopback knows the addresses that only this machine reaches.
package loopback

import (
	"net"
	"net/netip"
)

// Is says whether only this machine reaches an address, HOST or HOST:PORT. Of names it knows localhost alone; no host is
// every address.
func Is(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
