// Package outbound makes HTTP clients for addresses that users have given. They connect to public addresses only, and follow no
// redirects.
package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrRefused is the cause of a failed call to an address that is not public.
var ErrRefused = errors.New("the address is in a network that is not public")

// Client returns a client that connects to public addresses and to those of allow. The address is checked after the name was
// resolved, when the connection is made: a name that changes its address is checked each time. A redirect is returned as it is.
// No proxy is used: it would resolve the names. timeout bounds a whole call.
func Client(allow []netip.Prefix, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{
		Timeout: min(timeout, 5*time.Second),
		Control: func(network, address string, _ syscall.RawConn) error { return check(allow, network, address) },
	}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: min(timeout, 5*time.Second), ForceAttemptHTTP2: true, DisableCompression: true,
			MaxIdleConns: 200, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// check refuses what is neither public nor allowed.
func check(allow []netip.Prefix, network, address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s %s", ErrRefused, network, address)
	}
	ip := to.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip) }) || Public(ip) {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrRefused, ip)
}

// special are networks that are not for the public Internet, or carry addresses of others in theirs: IANA's registries of
// special-purpose addresses (RFC 6890), as far as netip does not know them.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// global is where the addresses of IPv6 are that are public.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, text := range list {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Public reports whether an address is one of the public Internet.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	switch {
	case !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast():
		return false
	case ip.Is6() && !global.Contains(ip):
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}
