package outbound

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700:4700::1111": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false,
		"0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "198.18.0.1": false, "203.0.113.5": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fec0::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"::127.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
	} {
		if got := Public(netip.MustParseAddr(ip)); got != want {
			t.Errorf("Public(%s) = %v, want %v", ip, got, want)
		}
	}
}

// TestPrivateNetworks: a name that leads to this machine is refused after it was resolved, unless its network is allowed.
func TestPrivateNetworks(t *testing.T) {
	t.Parallel()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		response, err := Client(nil, 5*time.Second).Get("http://" + host + ":" + port)
		if err == nil {
			_ = response.Body.Close()
		}
		if !errors.Is(err, ErrRefused) || calls > 0 {
			t.Errorf("Get(%s) = %v after %d calls, want ErrRefused", host, err, calls)
		}
	}
	response, err := Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 5*time.Second).Get(server.URL)
	if err != nil || calls != 1 {
		t.Fatalf("Get from an allowed network = %v", err)
	}
	_ = response.Body.Close()
}

// TestRedirects are returned as they are.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	response, err := Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 5*time.Second).Post(server.URL+"/one", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusTemporaryRedirect || len(asked) != 1 {
		t.Errorf("the answer is %d after %v, want the redirect itself", response.StatusCode, asked)
	}
}
