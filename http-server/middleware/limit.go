package middleware

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/ratelimit"
)

// Limit counts requests by the address of their client, but for those of the free routes.
func Limit(limiter *ratelimit.Limiter, proxies ratelimit.Proxies, free ...string) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if slices.Contains(free, c.FullPath()) {
			return
		}
		var peer netip.Addr
		if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			peer = tcp.AddrPort().Addr()
		}
		client := proxies.Client(peer, c.Request.Header.GetAll("X-Forwarded-For"))
		if err := limiter.Take(ratelimit.Key(client)); err != nil {
			handler.Fail(c, err)
		}
	}
}
