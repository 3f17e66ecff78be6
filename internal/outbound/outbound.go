// Package outbound makes requests to addresses that users name. These must not reach private networks, the loopback, or
// the services of a cloud, which only the servers can reach. An address is checked when it is dialed, after its name
// was resolved, so that a later resolution cannot change it.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// ErrPrivate is the error of an address that may not be reached.
var ErrPrivate = errors.New("the address is private and not allowed, or public and not https")

// Guard says which addresses may be reached: public ones, and those of some networks.
type Guard struct {
	allowed []netip.Prefix
	safe    func(network, address string, _ syscall.RawConn) error
}

// NewGuard returns a Guard that also allows networks, such as 10.1.0.0/16. An address alone is a network of one.
func NewGuard(networks []string) (*Guard, error) {
	g := &Guard{}
	var v4, v6 []netip.Prefix
	for _, text := range networks {
		prefix, err := netip.ParsePrefix(text)
		if address, addressErr := netip.ParseAddr(text); addressErr == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network such as 10.1.0.0/16", text)
		}
		g.allowed = append(g.allowed, prefix)
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix)
		} else {
			v6 = append(v6, prefix)
		}
	}
	g.safe = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)).Safe
	return g, nil
}

// Reaches reports whether an address may be reached.
func (g *Guard) Reaches(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	network := "tcp4"
	if address.Is6() {
		network = "tcp6"
	}
	return g.safe(network, netip.AddrPortFrom(address, 443).String(), nil) == nil
}

// allows reports whether an address is in one of the networks that are allowed by name.
func (g *Guard) allows(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, prefix := range g.allowed {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Client makes requests within the bounds of a Guard, which can be replaced. It follows no redirects and uses no proxy. Plain
// HTTP reaches the allowed networks only.
type Client struct {
	guard         atomic.Pointer[Guard]
	secure, plain *http.Client
}

// NewClient returns a Client whose requests take at most timeout. It trusts servers with a certificate of roots; nil means the
// system's.
func NewClient(guard *Guard, timeout time.Duration, roots *x509.CertPool) *Client {
	c := &Client{}
	c.guard.Store(guard)
	c.secure = client(timeout, roots, func(a netip.Addr) bool { return c.guard.Load().Reaches(a) })
	c.plain = client(timeout, roots, func(a netip.Addr) bool { return c.guard.Load().allows(a) })
	return c
}

func client(timeout time.Duration, roots *x509.CertPool, reaches func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !reaches(at.Addr()) {
			return ErrPrivate
		}
		return nil
	}}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns: 256, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
	}
}

// SetGuard replaces the Guard. Connections that are idle are closed.
func (c *Client) SetGuard(guard *Guard) {
	c.guard.Store(guard)
	c.Close()
}

// Close closes the connections that are idle.
func (c *Client) Close() {
	c.secure.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

// Do makes a request. The error does not repeat the URL, which may hold a secret, nor addresses of private networks.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	with := c.secure
	if strings.EqualFold(r.URL.Scheme, "http") {
		with = c.plain
	}
	response, err := with.Do(r)
	if errors.Is(err, ErrPrivate) {
		return nil, ErrPrivate
	}
	return response, WithoutURL(err)
}

// WithoutURL unwraps the error of net/http, which repeats the URL.
func WithoutURL(err error) error {
	if of, is := errors.AsType[*url.Error](err); is {
		return of.Err
	}
	return err
}
