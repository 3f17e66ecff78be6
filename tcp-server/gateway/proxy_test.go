package gateway

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// signature begins a PROXY header, version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// header is a PROXY header, version 2, with these bytes after the signature and the length.
func header(command, family byte, rest ...byte) string {
	b := append([]byte(signature), command, family)
	return string(append(binary.BigEndian.AppendUint16(b, uint16(len(rest))), rest...))
}

// from is the header of a client at an IPv4 address.
func from(a, b, c, d byte) string {
	return header(0x21, 0x11, a, b, c, d, 192, 0, 2, 1, 0x30, 0x39, 0x13, 0x88)
}

// logged is a log that a test reads.
type logged struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(b)
}

func (l *logged) has(text string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return strings.Contains(l.text.String(), text)
}

func behind(networks ...string) func(*Config, *limits) {
	return func(c *Config, _ *limits) {
		for _, network := range networks {
			c.TCPProxies = append(c.TCPProxies, netip.MustParsePrefix(network))
		}
	}
}

// TestBehindABalancer: limits of addresses and the log are of the client behind a trusted balancer.
func TestBehindABalancer(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(c *Config, l *limits) {
		behind("10.0.0.0/8", "127.0.0.0/8")(c, l)
		c.TCPAddressConnections = 1
	})
	var log logged
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	s.run(t)
	const greeting = "* Welcome to Pullchat\r\nname: "
	connect := func(header string) *peer {
		p := dial(t, s.TelnetAddr())
		p.types(header)
		return p
	}
	first := connect(from(198, 51, 100, 7) + "alice\n") // the client's first bytes may come with the header
	first.sees(greeting)
	first.lines("* Hello, alice. /help lists the commands", "* You are in lobby")
	connect(from(198, 51, 100, 7)).lines("* Too many connections; try again later")
	connect("PROXY TCP4 198.51.100.7 192.0.2.1 12345 5000\r\n").lines("* Too many connections; try again later")
	connect("PROXY TCP6 ::ffff:198.51.100.7 2001:db8::1 12345 5000\r\n").lines("* Too many connections; try again later")
	connect(from(198, 51, 100, 8)).sees(greeting)
	six := append(append([]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}, make([]byte, 16)...), 0, 1, 0, 2)
	connect(header(0x21, 0x21, append(six, 0x20, 0, 3, 'a', 'b', 'c')...)).sees(greeting) // with a TLV, too
	connect(header(0x20, 0x00)).sees(greeting)                                            // LOCAL: the balancer itself
	connect("PROXY UNKNOWN\r\n").lines("* Too many connections; try again later")         // the same
	first.types("/quit\n")
	first.lines("* Bye")
	_ = first.Close()
	await(t, func() bool { return log.has(`msg="telnet ended"`) && log.has("address=198.51.100.7") })

	split := connect("") // byte by byte, in writes of their own
	for _, b := range []byte(from(198, 51, 100, 9)) {
		split.types(string([]byte{b}))
	}
	split.sees(greeting)
	d := dial(t, s.DeviceAddr())
	d.types(from(198, 51, 100, 10) + "Ping\n")
	d.sees("Pong\n")
}

// TestHostileHeaders: an invalid header ends the connection, and the server goes on.
func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, behind("127.0.0.0/8")).run(t)
	for name, sent := range map[string]string{
		"none":                         "alice\r\n",
		"half a signature":             "\r\n\r\n\x00\r\nQUIX\n and more",
		"version 3":                    header(0x31, 0x11, make([]byte, 12)...),
		"an unknown command":           header(0x22, 0x11, make([]byte, 12)...),
		"an unknown family":            header(0x21, 0x41, make([]byte, 12)...),
		"a family without a transport": header(0x21, 0x13, make([]byte, 12)...),
		"UDP":                          header(0x21, 0x12, make([]byte, 12)...),
		"a Unix socket":                header(0x21, 0x31, make([]byte, 216)...),
		"too short for its addresses":  header(0x21, 0x11, 1, 2, 3),
		"no addresses":                 header(0x21, 0x00),
		"64 KB of extensions":          header(0x21, 0x11, make([]byte, 65535)...),
		"text without an end":          "PROXY TCP4 " + strings.Repeat("1", 1000),
		"text of no address":           "PROXY TCP4 nowhere 192.0.2.1 1 2\r\n",
		"text with a zone":             "PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, addr := range []net.Addr{s.TelnetAddr(), s.DeviceAddr()} {
				p := dial(t, addr)
				_, _ = p.Write([]byte(sent)) // it may be closed before all is written
				p.closes()
			}
		})
	}
}

// TestUntrustedHeaders: a client that is no balancer cannot claim an address.
func TestUntrustedHeaders(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(c *Config, l *limits) {
		behind("10.0.0.0/8")(c, l)
		c.TCPAddressConnections = 1
	}).run(t)
	p := dial(t, s.TelnetAddr())
	p.types(from(198, 51, 100, 7))
	p.sees("* Welcome to Pullchat\r\nname: ")
	q := dial(t, s.TelnetAddr())
	q.types(from(198, 51, 100, 8))
	q.lines("* Too many connections; try again later")
}

// TestTLSBehindABalancer: the header comes before the handshake.
func TestTLSBehindABalancer(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writeCertificate(t)
	s := startStack(t, false, func(c *Config, l *limits) {
		behind("127.0.0.1/32")(c, l)
		c.TLSCert, c.TLSKey = certFile, keyFile
	}).run(t)
	conn := dial(t, s.DeviceAddr())
	conn.types(from(198, 51, 100, 7))
	secret := tls.Client(conn.Conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is the test's own
	p := newPeer(t, secret)
	p.types("Ping\n")
	p.sees("Pong\n")
}
