package gateway

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// failure is a request that asks a service which fails, and the codes that the route never answers.
type failure struct {
	call  call
	never []chat.Code
}

// failures has every route that asks a service, but for those that stay connected.
func failures() []failure {
	noConflict := []chat.Code{chat.Conflict}
	bodiless := []chat.Code{chat.Conflict, chat.TooLarge, chat.UnsupportedMediaType}
	return []failure{
		{call{method: "POST", target: "/api/send", body: goodSend}, nil},
		{call{method: "PATCH", target: "/api/messages", body: `{"chat":"a","send_time":1,"sender":"a","text":"b"}`}, nil},
		{call{method: "DELETE", target: "/api/messages?chat=a&send_time=1&sender=a"}, nil},
		{call{method: "PUT", target: "/api/reactions", body: `{"chat":"a","send_time":1,"sender":"a","emoji":"👍"}`}, nil},
		{call{method: "DELETE", target: "/api/reactions?chat=a&send_time=1&sender=a&emoji=%F0%9F%91%8D"}, nil},
		{call{method: "GET", target: "/api/thread?chat=a&send_time=1"}, bodiless},
		{call{method: "GET", target: "/api/messages/history?chat=a&send_time=1"}, bodiless},
		{call{method: "GET", target: "/api/pull?chat=a"}, noConflict},
		{call{method: "POST", target: "/api/pull", body: `{"chat":"a"}`}, noConflict},
		{call{method: "GET", target: "/api/pull?chat=a&wait=1s"}, noConflict},
		{call{method: "POST", target: "/api/signal", body: `{"chat":"a","sender":"a","type":"typing"}`}, noConflict},
		{call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","cursor":1}`}, noConflict},
		{call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","delivered":1}`}, noConflict},
		{call{method: "GET", target: "/api/receipts?chat=a&send_time=1"}, []chat.Code{chat.TooLarge, chat.UnsupportedMediaType}},
		{call{method: "GET", target: "/api/presence?chat=a"}, bodiless},
		{call{method: "POST", target: "/send/a/a", body: "hi"}, nil},
		{call{method: "GET", target: "/receive/a/a"}, bodiless},
		{call{method: "GET", target: "/readyz"}, without(chat.Codes(), chat.Internal, chat.Unavailable)},

		{call{method: "POST", target: "/api/users", body: `{"user":"a","password":"correct horse"}`}, nil},
		{call{method: "GET", target: "/api/users"}, bodiless},
		{call{method: "GET", target: "/api/users/a"}, bodiless},
		{call{method: "PATCH", target: "/api/users/me", body: `{"user":"a","hide_last_seen":true}`}, noConflict},
		{call{method: "DELETE", target: "/api/users/me"}, noConflict},
		{call{method: "POST", target: "/api/contacts/sync", body: `{"users":["a"]}`}, noConflict},
		{call{method: "POST", target: "/api/login", body: `{"user":"a","password":"correct horse"}`}, noConflict},
		{call{method: "POST", target: "/api/refresh", body: `{"refresh_token":"a.b.c"}`}, noConflict},
		{call{method: "POST", target: "/api/logout", body: `{"refresh_token":"a.b.c"}`}, noConflict},
		{call{method: "POST", target: "/api/password", body: `{"user":"a","password":"b","new_password":"correct horse"}`}, noConflict},

		{call{method: "GET", target: "/api/readers?chat=a"}, bodiless},
		{call{method: "GET", target: "/api/inbox?reader=a"}, bodiless},
		{call{method: "GET", target: "/api/unread?reader=a"}, bodiless},
		{call{method: "GET", target: "/api/ignored?as=a"}, bodiless},
		{call{method: "PUT", target: "/api/ignored/b?as=a"}, bodiless},
		{call{method: "DELETE", target: "/api/ignored/b?as=a"}, bodiless},

		{call{method: "POST", target: "/api/devices/sensor1/responses", body: `{"uid":"1"}`}, nil},

		{call{method: "PUT", target: "/api/push/subscriptions?as=a", body: `{"device":"pad","endpoint":"https://b/c"}`}, nil},
		{call{method: "GET", target: "/api/push/subscriptions?as=a"}, bodiless},
		{call{method: "DELETE", target: "/api/push/subscriptions?as=a&device=pad"}, bodiless},
		{call{method: "GET", target: "/api/muted?as=a"}, bodiless},
		{call{method: "PUT", target: "/api/muted/b?as=a"}, nil},
		{call{method: "DELETE", target: "/api/muted/b?as=a"}, bodiless},
		{call{method: "GET", target: "/api/projections"}, bodiless},
		{call{method: "GET", target: "/api/projections/words"}, bodiless},
		{call{method: "POST", target: "/api/projections/words", body: `{"action":"skip"}`}, noConflict},
		{call{method: "GET", target: "/api/projections/words/dead"}, bodiless},
		{call{method: "POST", target: "/api/attachments", body: `{"chat":"a","sender":"a","name":"b","bytes":1,"type":"text/plain"}`}, nil},
		{call{method: "POST", target: "/api/attachments/b", body: `{"chat":"a"}`}, nil},
		{call{method: "GET", target: "/api/attachments/b?chat=a"}, []chat.Code{chat.TooLarge, chat.UnsupportedMediaType}},
		{call{method: "PUT", target: "/api/admin/users/a/suspension", body: `{"reason":"spam"}`}, noConflict},
		{call{method: "DELETE", target: "/api/admin/users/a/suspension"}, bodiless},
		{call{method: "GET", target: "/api/admin/users/a/sessions"}, bodiless},
		{call{method: "DELETE", target: "/api/admin/users/a/sessions"}, bodiless},
		{call{method: "DELETE", target: "/api/admin/users/a/sessions/b"}, bodiless},
		{call{method: "PUT", target: "/api/admin/users/a/password", body: `{"password":"correct horse"}`}, nil},
		{call{method: "GET", target: "/api/admin/rooms"}, bodiless},
		{call{method: "GET", target: "/api/admin/suspensions"}, bodiless},
		{call{method: "GET", target: "/api/audit"}, bodiless},
		{call{method: "POST", target: "/api/reports?as=a", body: `{"chat":"a:b","send_time":1,"reason":"rude"}`}, noConflict},
		{call{method: "GET", target: "/api/reports"}, bodiless},
		{call{method: "PATCH", target: "/api/reports/7", body: `{"state":"resolved"}`}, noConflict},
		{call{method: "GET", target: "/api/online"}, bodiless},
		{call{method: "GET", target: "/api/users/a/export"}, bodiless},
		{call{method: "GET", target: "/api/words"}, bodiless},
		{call{method: "PUT", target: "/api/words/lunch"}, []chat.Code{chat.TooLarge, chat.UnsupportedMediaType}},
		{call{method: "DELETE", target: "/api/words/lunch"}, bodiless},

		{call{method: "POST", target: "/api/rooms?as=a", body: `{"id":"room"}`}, nil},
		{call{method: "GET", target: "/api/rooms?as=a"}, bodiless},
		{call{method: "GET", target: "/api/rooms/public"}, bodiless},
		{call{method: "GET", target: "/api/rooms/room?as=a"}, bodiless},
		{call{method: "PATCH", target: "/api/rooms/room?as=a", body: `{"name":"b"}`}, noConflict},
		{call{method: "DELETE", target: "/api/rooms/room?as=a"}, bodiless},
		{call{method: "POST", target: "/api/rooms/room/join?as=a"}, bodiless},
		{call{method: "POST", target: "/api/rooms/room/leave?as=a"}, bodiless},
		{call{method: "POST", target: "/api/rooms/room/members?as=a", body: `{"users":["b"]}`}, noConflict},
		{call{method: "PATCH", target: "/api/rooms/room/members/b?as=a", body: `{"role":"member"}`}, nil},
		{call{method: "DELETE", target: "/api/rooms/room/members/b?as=a"}, bodiless},
		{call{method: "GET", target: "/api/rooms/room/bans?as=a"}, bodiless},
		{call{method: "PUT", target: "/api/rooms/room/bans/b?as=a", body: `{}`}, nil},
		{call{method: "DELETE", target: "/api/rooms/room/bans/b?as=a"}, bodiless},
		{call{method: "GET", target: "/api/rooms/room/mutes?as=a"}, bodiless},
		{call{method: "PUT", target: "/api/rooms/room/mutes/b?as=a", body: `{}`}, nil},
		{call{method: "DELETE", target: "/api/rooms/room/mutes/b?as=a"}, bodiless},
		{call{method: "PUT", target: "/api/rooms/room/pins/7?as=a"}, []chat.Code{chat.TooLarge, chat.UnsupportedMediaType}},
		{call{method: "DELETE", target: "/api/rooms/room/pins/7?as=a"}, bodiless},

		{call{method: "POST", target: "/api/webhooks", body: `{"url":"https://example.org"}`}, noConflict},
		{call{method: "GET", target: "/api/webhooks"}, bodiless},
		{call{method: "GET", target: "/api/webhooks/x"}, bodiless},
		{call{method: "PATCH", target: "/api/webhooks/x", body: `{"enabled":true}`}, noConflict},
		{call{method: "DELETE", target: "/api/webhooks/x"}, bodiless},
	}
}

// TestFailuresHaveAllRoutes so that a new one cannot be forgotten.
func TestFailuresHaveAllRoutes(t *testing.T) {
	t.Parallel()
	silent := []string{"/", "/docs", "/admin", "/app/:file", "/ping", "/openapi.yaml", "/api/stream", "/api/ws", "/api/admin/metrics"}
	for _, r := range allRoutes() {
		asked := slices.ContainsFunc(failures(), func(f failure) bool {
			path, _, _ := strings.Cut(f.call.target, "?")
			return f.call.method == r.method && matches(r.path, path) && (path == r.path || path != "/api/rooms/public")
		})
		if asked == slices.Contains(silent, r.path) {
			t.Errorf("%s %s is in failures() = %v, want %v; a route that asks no service belongs in silent", r.method, r.path, asked, !asked)
		}
	}
}

// TestErrorsAreDescribed walks all codes: each is answered as the document describes. A route that never answers a code
// does not describe it; then an answer with that code is a violation, here and everywhere.
func TestErrorsAreDescribed(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	base, validator := served(t, service, withEverything(service))
	for _, route := range failures() {
		for _, code := range append(chat.Codes(), panics) {
			t.Run(route.call.method+" "+route.call.target+" "+string(code), func(t *testing.T) {
				service.fail(code)
				defer service.fail("")
				reports := &recorder{TB: t}
				client := newClient(t, func(next http.RoundTripper) http.RoundTripper { return validator.Transport(reports, next) })
				got := route.call.do(t, client, base)
				described := !slices.Contains(route.never, code)
				if described != (len(reports.reported) == 0) {
					t.Errorf("%s as %d: described = %v, but the reports are %q", code, got.status, described, reports.reported)
				}
				if code == panics {
					code = chat.Internal
				}
				want := `"code":"` + string(code) + `"`
				if !strings.HasPrefix(route.call.target, "/api/") && route.call.target != "/readyz" {
					want = string(code) + ": "
				}
				if !bytes.Contains(got.body, []byte(want)) {
					t.Errorf("%s is answered with %s, want %s in it", code, got.body, want)
				}
				if bytes.Contains(got.body, []byte(causeText)) {
					t.Errorf("%s is answered with %s, which shows the cause", code, got.body)
				}
			})
		}
	}
}

func without(codes []chat.Code, some ...chat.Code) []chat.Code {
	return slices.DeleteFunc(codes, func(code chat.Code) bool { return slices.Contains(some, code) })
}
