package outbound_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/outbound"
)

func guard(t *testing.T, networks ...string) *outbound.Guard {
	t.Helper()
	g, err := outbound.NewGuard(networks)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestReaches(t *testing.T) {
	t.Parallel()
	none, some := guard(t), guard(t, "10.1.0.0/16", "fd00:1::/32", "192.168.7.7")
	for address, want := range map[string][2]bool{ // without and with the networks
		"93.184.216.34": {true, true}, "2606:2800:220:1::1": {true, true}, "::ffff:93.184.216.34": {true, true},
		"127.0.0.1": {}, "::1": {}, "::ffff:127.0.0.1": {}, "0.0.0.0": {}, "::": {}, "169.254.169.254": {}, "fe80::1%eth0": {}, "10.2.0.1": {},
		"172.16.0.1": {}, "192.168.1.1": {}, "100.64.0.1": {}, "fd00:2::1": {}, "224.0.0.1": {}, "255.255.255.255": {},
		"64:ff9b::7f00:1": {}, "2002:7f00:1::": {}, "198.18.0.1": {}, "ff02::1": {}, "::127.0.0.1": {},
		"10.1.2.3": {false, true}, "::ffff:10.1.2.3": {false, true}, "fd00:1::5": {false, true}, "192.168.7.7": {false, true},
	} {
		a := netip.MustParseAddr(address)
		if got := [2]bool{none.Reaches(a), some.Reaches(a)}; got != want {
			t.Errorf("Reaches(%s) = %v, want %v", address, got, want)
		}
	}
	for _, network := range []string{"10.1.0.0/33", "example.org", ""} {
		if _, err := outbound.NewGuard([]string{network}); err == nil {
			t.Errorf("NewGuard(%q) = nil, want an error", network)
		}
	}
}

// counted is a server on an address that counts its connections.
func counted(t *testing.T, address string, answer http.HandlerFunc) (port string, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	server := httptest.NewUnstartedServer(answer)
	listener, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Listener.Close()
	server.Listener = listener
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, connections
}

func get(t *testing.T, c *outbound.Client, url string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	return response, err
}

// TestDialIsGuarded: an address is judged when it is dialed, as a literal and behind a name.
func TestDialIsGuarded(t *testing.T) {
	t.Parallel()
	port, connections := counted(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) {})
	c := outbound.NewClient(guard(t), time.Minute, nil)
	defer c.Close()
	for _, url := range []string{"https://127.0.0.1:", "https://localhost:", "https://[::ffff:127.0.0.1]:", "http://127.0.0.1:", "http://localhost:", "https://2130706433:", "https://0:"} {
		_, err := get(t, c, url+port+"/secret")
		if !errors.Is(err, outbound.ErrPrivate) && !strings.Contains(err.Error(), "no such host") && !strings.Contains(err.Error(), "lookup") {
			t.Errorf("GET %s = %v, want ErrPrivate", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("GET %s = %v, which repeats the URL", url, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("the server has had %d connections, want none", n)
	}
	c.SetGuard(guard(t, "127.0.0.1/32"))
	if response, err := get(t, c, "http://127.0.0.1:"+port); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("with the network allowed GET = %v, want 200", err)
	}
	c.SetGuard(guard(t))
	if _, err := get(t, c, "http://127.0.0.1:"+port); !errors.Is(err, outbound.ErrPrivate) {
		t.Errorf("with the network no longer allowed GET = %v, want ErrPrivate", err)
	}
}

// TestRedirectsAreNotFollowed: not to an address that may be reached either.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	port, inside := counted(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) {})
	from, _ := counted(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.2:"+port, http.StatusTemporaryRedirect)
	})
	for _, network := range []string{"127.0.0.1/32", "127.0.0.0/8"} {
		c := outbound.NewClient(guard(t, network), time.Minute, nil)
		defer c.Close()
		if response, err := get(t, c, "http://127.0.0.1:"+from); err != nil || response.StatusCode != http.StatusTemporaryRedirect {
			t.Errorf("a redirect = %v, want 307", err)
		}
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("the target has had %d connections, want none", n)
	}
}

// TestPlainHTTPStaysInside: it is for the allowed networks only.
func TestPlainHTTPStaysInside(t *testing.T) {
	t.Parallel()
	c := outbound.NewClient(guard(t, "127.0.0.0/8"), time.Minute, nil)
	defer c.Close()
	if _, err := get(t, c, "http://93.184.216.34:9"); !errors.Is(err, outbound.ErrPrivate) {
		t.Errorf("plain HTTP to a public address = %v, want ErrPrivate", err)
	}
}
