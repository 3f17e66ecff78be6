package gateway

import (
	"bytes"
	"net/http"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestErrorsAreDescribed walks all codes: each is answered with what the document has for it. A route that never
// answers a code does not describe it; then an answer with that code is a violation, here and everywhere.
func TestErrorsAreDescribed(t *testing.T) {
	service := &fakeService{}
	base, validator := served(t, service)
	bodiless := []chat.Code{chat.Conflict, chat.TooLarge, chat.UnsupportedMediaType}
	for _, route := range []struct {
		call  call
		never []chat.Code
	}{
		{call{method: "POST", target: "/api/send", body: goodSend}, nil},
		{call{method: "GET", target: "/api/pull?chat=a"}, []chat.Code{chat.Conflict}},
		{call{method: "POST", target: "/api/pull", body: `{"chat":"a"}`}, []chat.Code{chat.Conflict}},
		{call{method: "GET", target: "/api/pull?chat=a&wait=1s"}, []chat.Code{chat.Conflict}},
		{call{method: "POST", target: "/api/signal", body: `{"chat":"a","sender":"a","type":"typing"}`}, []chat.Code{chat.Conflict}},
		{call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","cursor":1}`}, []chat.Code{chat.Conflict}},
		{call{method: "GET", target: "/api/presence?chat=a"}, bodiless},
		{call{method: "GET", target: "/readyz"}, without(chat.Codes(), chat.Internal, chat.Unavailable)},
	} {
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
				if want := `"code":"` + string(code) + `"`; !bytes.Contains(got.body, []byte(want)) {
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
