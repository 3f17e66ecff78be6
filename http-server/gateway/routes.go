package gateway

import (
	"context"
	_ "embed"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/handler"
)

//go:embed openapi.yaml
var openAPI []byte

type route struct {
	method, path string
	handler      app.HandlerFunc
}

// routes is everything that the gateway answers. openapi.yaml describes the same, which a test checks.
func routes(h *handler.Handler, draining <-chan struct{}) []route {
	return []route{
		{consts.MethodPost, "/api/send", h.Send},
		{consts.MethodGet, "/api/pull", h.Pull},
		{consts.MethodPost, "/api/pull", h.Pull},
		{consts.MethodGet, "/api/stream", h.Stream},
		{consts.MethodGet, "/api/ws", h.WebSocket},
		{consts.MethodPost, "/api/signal", h.Signal},
		{consts.MethodPost, "/api/read", h.Read},
		{consts.MethodGet, "/api/presence", h.Presence},
		{consts.MethodGet, "/ping", h.Ping},
		{consts.MethodGet, "/readyz", h.Ready(draining)},
		{consts.MethodGet, "/openapi.yaml", serveOpenAPI},
	}
}

func register(engine *server.Hertz, routes []route) {
	allowed := map[string][]string{}
	for _, r := range routes {
		engine.Handle(r.method, r.path, r.handler)
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == consts.MethodGet { // whoever answers GET answers HEAD (RFC 9110, 9.1)
			engine.HEAD(r.path, r.handler)
			allowed[r.path] = append(allowed[r.path], consts.MethodHead)
		}
	}
	engine.NoRoute(handler.NoRoute)
	engine.NoMethod(func(ctx context.Context, c *app.RequestContext) {
		handler.NoMethod(c, strings.Join(allowed[string(c.Path())], ", "))
	})
}

func serveOpenAPI(_ context.Context, c *app.RequestContext) {
	c.Data(consts.StatusOK, "application/yaml", openAPI)
}
