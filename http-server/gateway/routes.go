package gateway

import (
	"context"
	_ "embed"
	"slices"
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

// handlers of what changes something look at the query string first.
func (r route) handlers() []app.HandlerFunc {
	if handler.OnlyReads(r.method, r.path) {
		return []app.HandlerFunc{r.handler}
	}
	return []app.HandlerFunc{handler.KnownQuery(queryOf(r)), r.handler}
}

// queryOf returns the query parameters of a route that changes something.
func queryOf(r route) []string {
	switch {
	case strings.HasPrefix(r.path, "/api/rooms"):
		return []string{"as"}
	case strings.HasPrefix(r.path, "/api/ignored"):
		return []string{"as", "reader"}
	case r.path == "/api/users/me":
		return []string{"user", "erase"}
	}
	return nil
}

// routes is everything that the gateway answers. openapi.yaml describes the same, which a test checks.
func routes(h *handler.Handler, p *handler.AccountService, i *handler.Inboxes, r *handler.Rooms, draining <-chan struct{}) []route {
	return []route{
		{consts.MethodPost, "/api/send", h.Send},
		{consts.MethodGet, "/api/pull", h.Pull},
		{consts.MethodPost, "/api/pull", h.Pull},
		{consts.MethodGet, "/api/stream", h.Stream},
		{consts.MethodGet, "/api/ws", h.WebSocket},
		{consts.MethodPost, "/api/signal", h.Signal},
		{consts.MethodPost, "/api/read", h.Read},
		{consts.MethodGet, "/api/presence", h.Presence},
		{consts.MethodPost, "/api/users", p.Register},
		{consts.MethodGet, "/api/users", p.Users},
		{consts.MethodGet, "/api/users/:user", p.User},
		{consts.MethodDelete, "/api/users/me", p.DeleteAccount},
		{consts.MethodPost, "/api/contacts/sync", p.Contacts},
		{consts.MethodPost, "/api/login", p.Login},
		{consts.MethodPost, "/api/refresh", p.Refresh},
		{consts.MethodPost, "/api/logout", p.Logout},
		{consts.MethodPost, "/api/password", p.ChangePassword},
		{consts.MethodGet, "/api/readers", i.Readers},
		{consts.MethodGet, "/api/inbox", i.Inbox},
		{consts.MethodGet, "/api/unread", i.Unread},
		{consts.MethodGet, "/api/ignored", i.Ignored},
		{consts.MethodPut, "/api/ignored/:user", i.Ignore},
		{consts.MethodDelete, "/api/ignored/:user", i.Unignore},
		{consts.MethodPost, "/api/rooms", r.Create},
		{consts.MethodGet, "/api/rooms", r.Mine},
		{consts.MethodGet, "/api/rooms/public", r.Public},
		{consts.MethodGet, "/api/rooms/:room", r.Show},
		{consts.MethodPatch, "/api/rooms/:room", r.Change},
		{consts.MethodDelete, "/api/rooms/:room", r.Delete},
		{consts.MethodPost, "/api/rooms/:room/join", r.Join},
		{consts.MethodPost, "/api/rooms/:room/leave", r.Leave},
		{consts.MethodPost, "/api/rooms/:room/members", r.Add},
		{consts.MethodPatch, "/api/rooms/:room/members/:user", r.Assign},
		{consts.MethodDelete, "/api/rooms/:room/members/:user", r.Remove},
		{consts.MethodGet, "/ping", h.Ping},
		{consts.MethodGet, "/readyz", h.Ready(draining)},
		{consts.MethodGet, "/openapi.yaml", serveOpenAPI},
	}
}

func register(engine *server.Hertz, routes []route) {
	allowed := map[string][]string{}
	for _, r := range routes {
		engine.Handle(r.method, r.path, r.handlers()...)
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == consts.MethodGet { // whoever answers GET answers HEAD (RFC 9110, 9.1)
			engine.HEAD(r.path, r.handler)
			allowed[r.path] = append(allowed[r.path], consts.MethodHead)
		}
	}
	engine.NoRoute(handler.NoRoute)
	engine.NoMethod(func(ctx context.Context, c *app.RequestContext) {
		var methods []string
		for pattern, of := range allowed {
			if matches(pattern, string(c.Path())) {
				methods = append(methods, of...)
			}
		}
		slices.Sort(methods)
		handler.NoMethod(c, strings.Join(slices.Compact(methods), ", "))
	})
}

// methodsOf returns the methods that routes answer, sorted.
func methodsOf(routes []route) []string {
	methods := []string{consts.MethodHead}
	for _, r := range routes {
		methods = append(methods, r.method)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// Routes returns the method and path of all that Hertz answers for a server that is set up like this one, sorted: for
// tests that must know of each.
func (s *Server) Routes() []string {
	h := handler.New(s.service, s.live, nil, s.config.handlers(s.listener.limits, s.log))
	var all []string
	for _, r := range s.engine(h, nil).Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	slices.Sort(all)
	return all
}

// matches says whether a path is one of a pattern's, whose parameters begin with a colon.
func matches(pattern, path string) bool {
	parts, given := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(parts, given, func(part, given string) bool {
		return part == given || strings.HasPrefix(part, ":") && given != ""
	})
}

func serveOpenAPI(_ context.Context, c *app.RequestContext) {
	c.Data(consts.StatusOK, "application/yaml", openAPI)
}
