package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/pullchat/pullchat/internal/ratelimit"
)

// headerTime bounds the PROXY header, which a balancer sends at once.
const headerTime = 5 * time.Second

// passedOn is a connection of a client that came through a balancer.
type passedOn struct {
	net.Conn
	early  *bufio.Reader // the bytes that came with the header; nil once they are read
	client net.Addr
}

// RemoteAddr is the client's address.
func (p *passedOn) RemoteAddr() net.Addr { return p.client }

// Read implements net.Conn.
func (p *passedOn) Read(b []byte) (int, error) {
	if p.early != nil && p.early.Buffered() > 0 {
		return p.early.Read(b[:min(len(b), p.early.Buffered())])
	}
	p.early = nil
	return p.Conn.Read(b)
}

// CloseWrite ends the writes.
func (p *passedOn) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// errNoClient: a trusted balancer has connected and closed, as checks of its health do.
var errNoClient = errors.New("no client")

// clientOf returns the client's connection. One from a trusted balancer must begin with a PROXY header, version 1 or 2; any other
// is its own client.
func clientOf(conn net.Conn, balancers ratelimit.Proxies) (net.Conn, error) {
	if len(balancers) == 0 || !balancers.Has(addressOf(conn.RemoteAddr())) {
		return conn, nil
	}
	_ = conn.SetReadDeadline(time.Now().Add(headerTime))
	early := bufio.NewReaderSize(conn, 256)
	if _, err := early.Peek(1); errors.Is(err, io.EOF) {
		return nil, errNoClient
	}
	header, err := proxyproto.Read(early)
	if err != nil {
		return nil, fmt.Errorf("PROXY header: %w", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	client := conn.RemoteAddr()
	if !header.Command.IsLocal() { // else the balancer's own
		tcp, ok := header.SourceAddr.(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("PROXY header: %v is no address of TCP", header.SourceAddr)
		}
		client = tcp
	}
	return &passedOn{conn, early, client}, nil
}

// addressOf returns the plain address of a TCP connection's end, or the zero value.
func addressOf(end net.Addr) netip.Addr {
	if tcp, ok := end.(*net.TCPAddr); ok {
		return ratelimit.Plain(tcp.AddrPort().Addr())
	}
	return netip.Addr{}
}
