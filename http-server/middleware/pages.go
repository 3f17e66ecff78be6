package middleware

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
)

// Pages refuses changes by web pages, except those of the server's own origin and the allowed origins. CORS is not enough:
// browsers send some requests without a preflight.
func Pages(allowed *request.List) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if request.Changes(c) {
			if err := request.CheckOrigin(c, allowed.Get()); err != nil {
				reply.Fail(c, err)
			}
		}
	}
}

// Hosts refuses requests for other hosts. Without it, a page whose name points to this server (DNS rebinding) would have the
// server's own origin. A host without a port stands for all its ports. Free routes have no secrets, and may be requested by
// address.
// An empty list allows all hosts.
func Hosts(hosts *request.List, free ...string) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		names := hosts.Get()
		if len(names) == 0 {
			return
		}
		host := strings.ToLower(string(c.Host()))
		allowed := slices.ContainsFunc(names, func(name string) bool {
			return name == "*" || strings.EqualFold(name, host) || strings.EqualFold(name, withoutPort(host))
		})
		if allowed || slices.Contains(free, c.FullPath()) {
			return
		}
		reply.Fail(c, chat.Errorf(chat.PermissionDenied, "this server is not %q; ALLOWED_HOSTS has the names of this server", host))
	}
}

// withoutPort keeps the brackets of an address.
func withoutPort(host string) string {
	name, _, err := net.SplitHostPort(host)
	switch {
	case err != nil:
		return host
	case strings.Contains(name, ":"):
		return "[" + name + "]"
	}
	return name
}
