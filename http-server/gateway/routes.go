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
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
)

//go:embed openapi.yaml
var openAPI []byte

// A route is a row of the one table of routes. Authentication, CORS, rates and the OpenAPI test read it.
type route struct {
	method, path string
	handler      app.HandlerFunc
	access       middleware.Access
	counts       counts   // the limit that its requests count towards, beside RATE_LIMIT
	query        []string // parameters, where the route changes something: all others are refused
	streams      bool     // the answer lasts as long as its client stays
	health       bool     // answered whatever rates and hosts say
}

// counts is the kind of bound that requests of a route count towards.
type counts int

const (
	_         counts = iota
	passwords        // LOGIN_RATE or REGISTRATION_RATE
	sends            // RATE_LIMIT_BY=user
	signals          // SIGNAL_RATE
	streams          // USER_STREAMS and ADDRESS_STREAMS
	sockets          // all of these but passwords
)

// handlers of a route that changes something check the query string first.
func (r route) handlers() []app.HandlerFunc {
	if request.OnlyReads(r.method, r.path) {
		return []app.HandlerFunc{r.handler}
	}
	return []app.HandlerFunc{handler.KnownQuery(r.query), r.handler}
}

const (
	methodGet, methodPost, methodPut      = consts.MethodGet, consts.MethodPost, consts.MethodPut
	methodPatch, methodDelete, methodHead = consts.MethodPatch, consts.MethodDelete, consts.MethodHead

	open         = middleware.Open
	tokenInQuery = middleware.TokenInQuery
	optional     = middleware.Optional
	password     = middleware.Password
)

// routes is everything that the gateway answers. openapi.yaml describes the same, which a test checks. Parts that are absent
// have no routes.
func (s *Server) routes(h *handler.Handler, sessions chat.Sessions, draining <-chan struct{}) []route {
	all := []route{
		{method: methodPost, path: "/api/send", handler: h.Send, counts: sends},
		{method: methodGet, path: "/api/pull", handler: h.Pull},
		{method: methodPost, path: "/api/pull", handler: h.Pull},
		{method: methodGet, path: "/api/stream", handler: h.Stream, access: tokenInQuery, counts: streams, streams: true},
		{method: methodGet, path: "/api/ws", handler: h.WebSocket, access: tokenInQuery, counts: sockets, streams: true},
		{method: methodPost, path: "/api/signal", handler: h.Signal, counts: signals},
		{method: methodPost, path: "/api/read", handler: h.Read},
		{method: methodGet, path: "/api/presence", handler: h.Presence},
		{method: methodPost, path: "/send/:chat/:user", handler: h.SendText, access: password, counts: sends},
		{method: methodGet, path: "/receive/:chat/:user", handler: h.ReceiveText, access: password, counts: streams, streams: true},
		{method: methodPost, path: "/api/devices/:device/responses", handler: h.Respond, counts: sends},
		{method: methodGet, path: "/ping", handler: h.Ping, access: open, health: true},
		{method: methodGet, path: "/readyz", handler: h.Ready(draining), access: open, health: true},
		{method: methodGet, path: "/openapi.yaml", handler: serveOpenAPI, access: open},
	}
	if s.config.Web != webOff {
		all = append(all, s.pageRoutes()...)
	}
	if s.services.Accounts != nil {
		all = append(all, accountRoutes(s.accounts(h, sessions))...)
	}
	if s.services.Changes != nil {
		all = append(all, changeRoutes(handler.NewChanges(h, s.services.Changes))...)
	}
	if s.services.Deliveries != nil {
		all = append(all, route{method: methodGet, path: "/api/receipts", handler: h.Receipts})
	}
	if s.services.Attachments != nil {
		all = append(all, attachmentRoutes(handler.NewAttachments(h, s.services.Attachments))...)
	}
	if s.services.Inboxes != nil {
		all = append(all, inboxRoutes(handler.NewInboxes(h, s.services.Inboxes))...)
	}
	if s.services.Moderation != nil {
		all = append(all, moderationRoutes(handler.NewModeration(h, s.services.Moderation))...)
	}
	if s.services.Projections != nil {
		all = append(all, projectionRoutes(handler.NewProjections(h, s.services.Projections))...)
	}
	if s.services.Words != nil {
		all = append(all, wordRoutes(handler.NewWords(h, s.services.Words))...)
	}
	if s.services.Rooms != nil {
		all = append(all, roomRoutes(handler.NewRooms(h, s.services.Rooms))...)
	}
	if s.services.Webhooks != nil {
		all = append(all, webhookRoutes(handler.NewWebhooks(h, s.services.Webhooks))...)
	}
	if s.services.Pushes != nil {
		all = append(all, pushRoutes(handler.NewPushes(h, s.services.Pushes))...)
	}
	return all
}

func accountRoutes(a *handler.Accounts) []route {
	return []route{
		{method: methodPost, path: "/api/users", handler: a.Register, access: optional, counts: passwords},
		{method: methodGet, path: "/api/users", handler: a.Users},
		{method: methodGet, path: "/api/users/:user", handler: a.User},
		{method: methodPatch, path: "/api/users/me", handler: a.ChangeAccount},
		{method: methodDelete, path: "/api/users/me", handler: a.DeleteAccount, counts: passwords, query: []string{"user", "erase"}},
		{method: methodPost, path: "/api/contacts/sync", handler: a.Contacts},
		{method: methodPost, path: "/api/login", handler: a.Login, access: open, counts: passwords},
		{method: methodPost, path: "/api/refresh", handler: a.Refresh, access: open},
		{method: methodPost, path: "/api/logout", handler: a.Logout},
		{method: methodPost, path: "/api/password", handler: a.ChangePassword, counts: passwords},
	}
}

func changeRoutes(c *handler.Changes) []route {
	return []route{
		{method: methodPatch, path: "/api/messages", handler: c.Edit, counts: sends, query: handler.ChangeQuery},
		{method: methodDelete, path: "/api/messages", handler: c.Delete, counts: sends, query: handler.ChangeQuery},
		{method: methodGet, path: "/api/messages/history", handler: c.Versions},
		{method: methodPut, path: "/api/reactions", handler: c.React, counts: sends, query: handler.ReactionQuery},
		{method: methodDelete, path: "/api/reactions", handler: c.Unreact, counts: sends, query: handler.ReactionQuery},
		{method: methodGet, path: "/api/thread", handler: c.Thread},
	}
}

func attachmentRoutes(a *handler.Attachments) []route {
	return []route{
		{method: methodPost, path: "/api/attachments", handler: a.Create, counts: sends},
		{method: methodPost, path: "/api/attachments/:attachment", handler: a.Confirm},
		{method: methodGet, path: "/api/attachments/:attachment", handler: a.Read},
	}
}

func inboxRoutes(i *handler.Inboxes) []route {
	query := []string{"as", "reader"}
	return []route{
		{method: methodGet, path: "/api/readers", handler: i.Readers},
		{method: methodGet, path: "/api/inbox", handler: i.Inbox},
		{method: methodGet, path: "/api/unread", handler: i.Unread},
		{method: methodGet, path: "/api/ignored", handler: i.Ignored},
		{method: methodPut, path: "/api/ignored/:user", handler: i.Ignore, query: query},
		{method: methodDelete, path: "/api/ignored/:user", handler: i.Unignore, query: query},
	}
}

func pushRoutes(p *handler.Pushes) []route {
	query := []string{"as", "reader"}
	return []route{
		{method: methodPut, path: "/api/push/subscriptions", handler: p.Subscribe, query: query},
		{method: methodGet, path: "/api/push/subscriptions", handler: p.Subscriptions},
		{method: methodDelete, path: "/api/push/subscriptions", handler: p.Unsubscribe, query: append([]string{"device"}, query...)},
		{method: methodGet, path: "/api/muted", handler: p.Muted},
		{method: methodPut, path: "/api/muted/:chat", handler: p.Mute, query: query},
		{method: methodDelete, path: "/api/muted/:chat", handler: p.Unmute, query: query},
	}
}

func roomRoutes(r *handler.Rooms) []route {
	query := []string{"as"}
	return []route{
		{method: methodPost, path: "/api/rooms", handler: r.Create, query: query},
		{method: methodGet, path: "/api/rooms", handler: r.Mine},
		{method: methodGet, path: "/api/rooms/public", handler: r.Public},
		{method: methodGet, path: "/api/rooms/:room", handler: r.Show},
		{method: methodPatch, path: "/api/rooms/:room", handler: r.Change, query: query},
		{method: methodDelete, path: "/api/rooms/:room", handler: r.Delete, query: query},
		{method: methodPost, path: "/api/rooms/:room/join", handler: r.Join, query: query},
		{method: methodPost, path: "/api/rooms/:room/leave", handler: r.Leave, query: query},
		{method: methodPost, path: "/api/rooms/:room/members", handler: r.Add, query: query},
		{method: methodPatch, path: "/api/rooms/:room/members/:user", handler: r.Assign, query: query},
		{method: methodDelete, path: "/api/rooms/:room/members/:user", handler: r.Remove, query: query},
		{method: methodGet, path: "/api/rooms/:room/bans", handler: r.Bans},
		{method: methodPut, path: "/api/rooms/:room/bans/:user", handler: r.Ban, query: query},
		{method: methodDelete, path: "/api/rooms/:room/bans/:user", handler: r.Unban, query: []string{"as", "reason"}},
		{method: methodGet, path: "/api/rooms/:room/mutes", handler: r.Mutes},
		{method: methodPut, path: "/api/rooms/:room/mutes/:user", handler: r.Mute, query: query},
		{method: methodDelete, path: "/api/rooms/:room/mutes/:user", handler: r.Unmute, query: []string{"as", "reason"}},
		{method: methodPut, path: "/api/rooms/:room/pins/:send_time", handler: r.Pin, query: query},
		{method: methodDelete, path: "/api/rooms/:room/pins/:send_time", handler: r.Unpin, query: query},
	}
}

func webhookRoutes(w *handler.Webhooks) []route {
	return []route{
		{method: methodPost, path: "/api/webhooks", handler: w.Create},
		{method: methodGet, path: "/api/webhooks", handler: w.List},
		{method: methodGet, path: "/api/webhooks/:webhook", handler: w.Show},
		{method: methodPatch, path: "/api/webhooks/:webhook", handler: w.Change},
		{method: methodDelete, path: "/api/webhooks/:webhook", handler: w.Remove},
	}
}

func projectionRoutes(p *handler.Projections) []route {
	return []route{
		{method: methodGet, path: "/api/projections", handler: p.List},
		{method: methodGet, path: "/api/projections/:name", handler: p.Show},
		{method: methodPost, path: "/api/projections/:name", handler: p.Change},
		{method: methodGet, path: "/api/projections/:name/dead", handler: p.DeadLetters},
	}
}

func moderationRoutes(m *handler.Moderation) []route {
	return []route{
		{method: methodPut, path: "/api/admin/users/:user/suspension", handler: m.Suspend},
		{method: methodDelete, path: "/api/admin/users/:user/suspension", handler: m.Restore, query: []string{"reason"}},
		{method: methodGet, path: "/api/admin/users/:user/sessions", handler: m.Sessions},
		{method: methodDelete, path: "/api/admin/users/:user/sessions", handler: m.EndSessions, query: []string{"reason"}},
		{method: methodDelete, path: "/api/admin/users/:user/sessions/:session", handler: m.EndSessions, query: []string{"reason"}},
		{method: methodPut, path: "/api/admin/users/:user/password", handler: m.ResetPassword},
		{method: methodGet, path: "/api/admin/rooms", handler: m.Rooms},
		{method: methodGet, path: "/api/admin/metrics", handler: m.Metrics},
		{method: methodGet, path: "/api/admin/suspensions", handler: m.Suspensions},
		{method: methodGet, path: "/api/audit", handler: m.Audit},
		{method: methodPost, path: "/api/reports", handler: m.Report, query: []string{"as"}},
		{method: methodGet, path: "/api/reports", handler: m.Reports},
		{method: methodPatch, path: "/api/reports/:report", handler: m.ResolveReport},
		{method: methodGet, path: "/api/online", handler: m.Online},
		{method: methodGet, path: "/api/users/:user/export", handler: m.ExportUser},
	}
}

func wordRoutes(w *handler.Words) []route {
	return []route{
		{method: methodGet, path: "/api/words", handler: w.List},
		{method: methodPut, path: "/api/words/:word", handler: w.Put, query: []string{"chat", "match"}},
		{method: methodDelete, path: "/api/words/:word", handler: w.Delete, query: []string{"chat"}},
	}
}

// pathsOf returns the paths of the routes that which chooses.
func pathsOf(routes []route, which func(route) bool) (paths []string) {
	for _, r := range routes {
		if which(r) {
			paths = append(paths, r.path)
		}
	}
	return paths
}

// accessOf returns the access of each route by path and method. HEAD has that of GET.
func accessOf(routes []route) middleware.AccessTable {
	table := middleware.AccessTable{}
	for _, r := range routes {
		if table[r.path] == nil {
			table[r.path] = map[string]middleware.Access{}
		}
		table[r.path][r.method] = r.access
		if r.method == methodGet {
			table[r.path][methodHead] = r.access
		}
	}
	return table
}

func register(engine *server.Hertz, routes []route) {
	allowed := map[string][]string{}
	for _, r := range routes {
		engine.Handle(r.method, r.path, r.handlers()...)
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == methodGet { // a route of GET also answers HEAD (RFC 9110, 9.1)
			engine.HEAD(r.path, r.handler)
			allowed[r.path] = append(allowed[r.path], methodHead)
		}
	}
	engine.NoRoute(reply.NoRoute)
	engine.NoMethod(func(ctx context.Context, c *app.RequestContext) {
		var methods []string
		for pattern, of := range allowed {
			if matches(pattern, string(c.Path())) {
				methods = append(methods, of...)
			}
		}
		slices.Sort(methods)
		reply.NoMethod(c, strings.Join(slices.Compact(methods), ", "))
	})
}

// methodsOf returns the methods that routes answer, sorted.
func methodsOf(routes []route) []string {
	methods := []string{methodHead}
	for _, r := range routes {
		methods = append(methods, r.method)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// Routes returns the method and path of all that Hertz answers for a server that is set up like this one, sorted: for
// tests that must know of each.
func (s *Server) Routes() []string {
	h := handler.New(s.services.Messages, s.services.Live, nil, s.config.handlers(s))
	var all []string
	for _, r := range s.engine(h, nil, nil).Routes() {
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
