package delivery

import (
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/programtest"
)

// TestBehindNginx is TestDelivery through deploy/nginx, which balances the http-servers.
func TestBehindNginx(t *testing.T) {
	if !long() {
		t.Skip("DELIVERY is not long; make delivery sets it")
	}
	everything(t, func(t *testing.T, gateways []string) []string {
		t.Helper()
		var addresses []string
		for _, gateway := range gateways {
			addresses = append(addresses, strings.TrimPrefix(gateway, "http://"))
		}
		return []string{programtest.StartNginx(t, addresses).URL()}
	})
}
