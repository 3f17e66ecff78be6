package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// link is a network connection between two parts, with faults of networks.
type link struct {
	t     *testing.T
	name  string
	proxy *toxiproxy.Proxy
}

// startLink returns a link to the server at an address, until the test ends.
func startLink(t *testing.T, name, upstream string) *link {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l := &link{t: t, name: name, proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	l.up()
	t.Cleanup(l.proxy.Stop)
	return l
}

// Addr is its listening address.
func (l *link) Addr() string { return l.proxy.Listen }

func (l *link) up() {
	l.t.Helper()
	if err := l.proxy.Start(); err != nil {
		l.t.Fatalf("link %s: %v", l.name, err)
	}
}

// Faults are those that a caller sees. Most affect the answers, so that the request has taken effect.
func (l *link) Faults() []fault {
	return []fault{
		l.toxic("latency", "latency", "downstream", `"latency": 400, "jitter": 200`),
		l.toxic("connections reset", "reset_peer", "downstream", `"timeout": 0`),
		l.cut(),
		l.toxic("1 KB/s", "bandwidth", "upstream", `"rate": 1`),
		l.swallow(),
		l.down(),
	}
}

func (l *link) cut() fault {
	return l.toxic("cut within an answer", "limit_data", "downstream", `"bytes": 30`)
}

func (l *link) swallow() fault {
	return l.toxic("answers swallowed", "timeout", "downstream", `"timeout": 0`)
}

func (l *link) down() fault {
	return fault{part: l.name, kind: "down", strike: l.proxy.Stop, heal: l.up}
}

func (l *link) toxic(kind, toxic, stream, attributes string) fault {
	return fault{
		part: l.name, kind: kind,
		strike: func() {
			l.t.Helper()
			toxic := fmt.Sprintf(`{"name": %q, "type": %q, "stream": %q, "attributes": {%s}}`, kind, toxic, stream, attributes)
			if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				l.t.Fatalf("link %s: %s: %v", l.name, toxic, err)
			}
		},
		heal: func() {
			l.t.Helper()
			if err := l.proxy.Toxics.RemoveToxic(context.Background(), kind); err != nil {
				l.t.Fatalf("link %s: end of %s: %v", l.name, kind, err)
			}
		},
	}
}
