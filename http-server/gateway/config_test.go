package gateway

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   Config
		want string // "" for none
	}{
		{"the least", Config{MaxBodyBytes: 1}, ""},
		{"usual", Config{HTTPAddr: ":8080", MaxBodyBytes: 65536, DrainDelay: 5 * time.Second}, ""},
		{"no body", Config{MaxBodyBytes: 0}, "--max-body-bytes is 0; it must be at least 1"},
		{"a negative delay", Config{MaxBodyBytes: 1, DrainDelay: -time.Second}, "--drain-delay is -1s; it must not be negative"},
		{"a negative number of connections", Config{MaxBodyBytes: 1, MaxConnections: new(-1)}, "--max-connections is -1; it must not be negative"},
		{"no key", Config{MaxBodyBytes: 1, TLSCert: "cert.pem"}, "--tls-cert and --tls-key need each other; one is missing"},
		{"no certificate", Config{MaxBodyBytes: 1, TLSKey: "key.pem"}, "--tls-cert and --tls-key need each other; one is missing"},
		{"an origin", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"https://example.org", "http://localhost:3000", "capacitor://localhost"}}, ""},
		{"all origins", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"*"}}, ""},
		{"a host", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"example.org"}}, `--allowed-origins: "example.org" is no origin like https://example.org, nor *`},
		{"a port alone", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"localhost:3000"}}, `--allowed-origins: "localhost:3000" is no origin like https://example.org, nor *`},
		{"no page at all", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"null"}}, `--allowed-origins: "null" is no origin like https://example.org, nor *`},
		{"a page", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"https://a.org", "https://example.org/"}}, `--allowed-origins: "https://example.org/" is more than an origin; that would be https://example.org`},
		{"upper case", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"https://Example.org"}}, `--allowed-origins: "https://Example.org" never matches: browsers write https://example.org`},
		{"the usual port", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"https://example.org:443"}}, `--allowed-origins: "https://example.org:443" never matches: browsers leave :443 out`},
		{"a pattern", Config{MaxBodyBytes: 1, AllowedOrigins: []string{"https://*.example.org"}}, `--allowed-origins: "https://*.example.org" has a *, which is for all origins and stands alone`},
		{"TLS", Config{MaxBodyBytes: 1, TLSCert: "cert.pem", TLSKey: "key.pem"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := c.in.Validate(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("Validate(%+v) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestListenRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1", "127.0.0.1:port", "no name:0"} {
		server, err := Listen(Config{HTTPAddr: addr, MaxBodyBytes: 1}, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "http-addr") {
			t.Errorf("Listen(%q) = %v, %v; want an error about http-addr", addr, server, err)
		}
	}
}

// TestWhereHTTPListens: with AUTH off the default address is on this machine only. With another address there is a warning.
func TestWhereHTTPListens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Auth: "off"}, "127.0.0.1:8080"},
		{Config{}, "127.0.0.1:8080"},
		{Config{Auth: authOn}, ":8080"},
		{Config{Auth: "off", HTTPAddr: ":80"}, ":80"},
		{Config{Auth: authOn, HTTPAddr: "127.0.0.1:80"}, "127.0.0.1:80"},
	} {
		if got := c.config.addr(); got != c.want {
			t.Errorf("%+v listens at %s, want %s", c.config, got, c.want)
		}
	}
	for _, c := range []struct {
		auth, addr string
		warns      bool
	}{{"off", ":0", true}, {"off", "0.0.0.0:0", true}, {"off", "127.0.0.1:0", false}, {authOn, ":0", false}} {
		var said strings.Builder
		config := Config{HTTPAddr: c.addr, Auth: c.auth, MaxBodyBytes: 1, Token: token.Config{AuthSecret: strings.Repeat("k", 32)}, AccessTokenTTL: time.Minute}
		server, err := Listen(config, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		_ = server.listener.Close()
		if warned := strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), "AUTH=on"); warned != c.warns {
			t.Errorf("AUTH=%s at %s: said %s, want a warning: %v", c.auth, c.addr, &said, c.warns)
		}
	}
}

// TestCheckTrust: AUTH=on does not reach rpc-servers on other machines without a secret.
func TestCheckTrust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth, secret string
		servers      []string
		refused      bool
	}{
		{"off", "", []string{"rpc-server:8888"}, false},
		{authOn, "a secret", []string{"rpc-server:8888"}, false},
		{authOn, "", []string{"127.0.0.1:8888", "[::1]:8888", "localhost:8888"}, false},
		{authOn, "", []string{"127.0.0.1:8888", "rpc-server:8888"}, true},
		{authOn, "", []string{"10.0.0.7:8888"}, true},
	} {
		err := CheckTrust(Config{Auth: c.auth}, rpcclient.Config{RPCServers: c.servers, RPCSecret: c.secret})
		if refused := err != nil && strings.Contains(err.Error(), "RPC_SECRET"); refused != c.refused {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
