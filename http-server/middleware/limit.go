package middleware

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/ratelimit"

	"github.com/pullchat/pullchat/http-server/request"
)

// Limit counts requests by the client's address, except on free routes. A WebSocket frame counts as a request of the
// corresponding route; sockets are the routes of WebSockets, which a later limit reaches too.
func Limit(limiter *ratelimit.Limiter, proxies ratelimit.Proxies, sockets, free []string) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		if limiter.Off() && !slices.Contains(sockets, c.FullPath()) {
			return
		}
		client := clientKey(c, proxies)
		take := func(route string) error {
			if slices.Contains(free, route) {
				return nil
			}
			return limiter.Take(client)
		}
		if err := take(c.FullPath()); err != nil {
			reply.Fail(c, err)
			return
		}
		c.Next(request.WithLimit(ctx, take))
	}
}

// Client puts the key of the client's address into the context of the named routes, which count requests themselves.
func Client(proxies ratelimit.Proxies, routes ...string) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		if slices.Contains(routes, c.FullPath()) {
			c.Next(ratelimit.WithClient(ctx, clientKey(c, proxies)))
		}
	}
}

func clientKey(c *app.RequestContext, proxies ratelimit.Proxies) string {
	return ratelimit.Key(addressOf(c, proxies))
}

// addressOf is the address of the client, whatever proxies are between.
func addressOf(c *app.RequestContext, proxies ratelimit.Proxies) netip.Addr {
	var peer netip.Addr
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		peer = tcp.AddrPort().Addr()
	}
	return clientOf(proxies, peer, c.Request.Header.GetAll("X-Forwarded-For"))
}
