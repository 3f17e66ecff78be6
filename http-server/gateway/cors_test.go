package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/token"
)

// TestCORS: browsers get the right headers, and all other answers are the same as without CORS.
func TestCORS(t *testing.T) {
	t.Parallel()
	const page, other = "https://example.org", "https://example.com"
	preflight := http.Header{"Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"}}
	asks := "DELETE, GET, HEAD, PATCH, POST, PUT|Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"
	for _, c := range []struct {
		name     string
		origins  []string
		origin   string
		call     call
		status   int
		allowed  string // Access-Control-Allow-Origin
		vary     string
		mayAsk   string // methods and headers of a preflight's answer
		tooOften bool
	}{
		{name: "off", origin: page, call: call{method: "GET", target: "/ping"}, status: 200},
		{name: "off, preflight", origin: page, call: call{method: "OPTIONS", target: "/api/send", header: preflight}, status: 403},
		{"allowed", []string{other, page}, page, call{method: "POST", target: "/api/send", body: goodSend}, 200, page, "Origin", "", false},
		{"preflight", []string{page}, page, call{method: "OPTIONS", target: "/api/send", header: preflight}, 204, page, "Origin", asks, false},
		{"OPTIONS that is no preflight", []string{page}, page, call{method: "OPTIONS", target: "/api/send"}, 405, page, "Origin", "", false},
		{"an error", []string{page}, page, call{method: "GET", target: "/api/pull?limit=x"}, 400, page, "Origin", "", false},
		{"no such path", []string{page}, page, call{method: "GET", target: "/none"}, 404, page, "Origin", "", false},
		{"too often", []string{page}, page, call{method: "GET", target: "/api/pull?chat=a"}, 429, page, "Origin", "", true},
		{"preflight, too often", []string{page}, page, call{method: "OPTIONS", target: "/api/send", header: preflight}, 204, page, "Origin", asks, true},
		{"another origin", []string{page}, other, call{method: "GET", target: "/ping"}, 200, "", "Origin", "", false},
		{"another origin, preflight", []string{page}, other, call{method: "OPTIONS", target: "/api/send", header: preflight}, 403, "", "Origin", "", false},
		{"an origin that begins the same", []string{page}, page + ".evil", call{method: "GET", target: "/ping"}, 200, "", "Origin", "", false},
		{"no page", []string{page}, "", call{method: "GET", target: "/ping"}, 200, "", "Origin", "", false},
		{"all", []string{"*"}, other, call{method: "GET", target: "/ping"}, 200, "*", "", "", false},
		{"all, preflight", []string{"*"}, other, call{method: "OPTIONS", target: "/api/read", header: preflight}, 204, "*", "", asks, false},
		{"a stream", []string{page}, page, call{method: "HEAD", target: "/api/stream?chat=a"}, 200, page, "Origin", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Config{AllowedOrigins: c.origins}
			if c.tooOften {
				config.RateLimit = ratelimit.Rate{Requests: 1, Per: time.Hour}
			}
			g := runConfig(t, &fakeService{}, config, func(*limits) {})
			client := newClient(t, nil)
			if c.tooOften {
				call{method: "GET", target: "/api/pull?chat=a"}.do(t, client, "http://"+g.addr)
			}
			header := c.call.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			c.call.header = header
			got := c.call.do(t, client, "http://"+g.addr)
			if allowed := got.header.Get("Access-Control-Allow-Origin"); got.status != c.status || allowed != c.allowed {
				t.Errorf("%s %s = %d for %q, want %d for %q", c.call.method, c.call.target, got.status, allowed, c.status, c.allowed)
			}
			if vary := got.header.Get("Vary"); vary != c.vary {
				t.Errorf("Vary is %q, want %q", vary, c.vary)
			}
			wantReads := ""
			if c.allowed != "" {
				wantReads = "Allow, Retry-After, WWW-Authenticate, X-Request-Id"
			}
			if reads := got.header.Get("Access-Control-Expose-Headers"); reads != wantReads {
				t.Errorf("Access-Control-Expose-Headers is %q, want %q", reads, wantReads)
			}
			mayAsk := got.header.Get("Access-Control-Allow-Methods") + "|" + got.header.Get("Access-Control-Allow-Headers")
			if strings.Trim(mayAsk, "|") != c.mayAsk {
				t.Errorf("a preflight's answer allows %q, want %q", mayAsk, c.mayAsk)
			}
			if c.status == http.StatusNoContent && (len(got.body) > 0 || got.header.Get("Access-Control-Max-Age") != "7200") {
				t.Errorf("the preflight's answer is %q with %v, want no body and two hours", got.body, got.header)
			}
			if got.header.Get("X-Request-Id") == "" || got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("the headers are %v, want a request id and no credentials", got.header)
			}
		})
	}
}

// TestCORSBeforeRouting: pages may also read the answers to invalid requests.
func TestCORSBeforeRouting(t *testing.T) {
	t.Parallel()
	const page, other = "https://example.org", "https://example.com"
	for _, c := range []struct {
		name, request string // in which %s is the header Origin
		status        int
		full          bool // there are as many connections as may be
	}{
		{"400", "GET /ping HTTP/1.1\r\n%sContent-Length: x\r\n\r\n", 400, false},
		{"400 of the last header", "GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n%s\r\n", 400, false},
		{"408 of a head", "GET /ping HTTP/1.1\r\n%sA: b", 408, false},
		{"408 of a body", "POST /api/pull HTTP/1.1\r\nHost: a\r\n%sContent-Length: 5\r\n\r\n{", 408, false},
		{"413", "POST /api/pull HTTP/1.1\r\nHost: a\r\n%sContent-Length: 100000\r\n\r\n" + strings.Repeat(" ", 100_000), 413, false},
		{"431", "GET /ping HTTP/1.1\r\n%sA: " + strings.Repeat("a", maxHeaderBytes) + "\r\n\r\n", 431, false},
		{"503", "GET /ping HTTP/1.1\r\nHost: a\r\n%s\r\n", 503, true},
		{"503 of a part", "GET /ping HTTP/1.1\r\n%sHost", 503, true},
	} {
		for _, origin := range []struct {
			allowed        []string
			page           string
			allows, varies string
		}{
			{[]string{other, page}, page, page, "Origin"},
			{[]string{page}, other, "", "Origin"},
			{[]string{page}, "", "", "Origin"},
			{[]string{"*"}, page, "*", ""},
			{nil, page, "", ""},
		} {
			t.Run(c.name+" for "+origin.page, func(t *testing.T) {
				t.Parallel()
				config := Config{AllowedOrigins: origin.allowed}
				if c.full {
					config.MaxConnections = new(1)
				}
				g := runConfig(t, &fakeService{}, config, func(l *limits) { l.request = moment })
				if c.full {
					dial(t, g.addr)
					g.untilConnections(t, 1)
				}
				header := ""
				if origin.page != "" {
					header = "Origin: " + origin.page + "\r\n"
				}
				client := dial(t, g.addr)
				client.ask(t, strings.Replace(c.request, "%s", header, 1))
				_, got, _ := client.whole(t, c.status)
				if allows, varies := got.Get("Access-Control-Allow-Origin"), got.Get("Vary"); allows != origin.allows || varies != origin.varies {
					t.Errorf("Access-Control-Allow-Origin is %q and Vary %q, want %q and %q", allows, varies, origin.allows, origin.varies)
				}
				if reads := got.Get("Access-Control-Expose-Headers"); (reads == "Allow, Retry-After, WWW-Authenticate, X-Request-Id") != (origin.allows != "") {
					t.Errorf("Access-Control-Expose-Headers is %q for %q", reads, origin.allows)
				}
			})
		}
	}
}

// TestForeignPreflight: a page that may not use the server is told so, whatever else it lacks.
func TestForeignPreflight(t *testing.T) {
	t.Parallel()
	for _, allowed := range [][]string{nil, {"https://example.org"}} {
		config := Config{AllowedOrigins: allowed, Auth: authOn, AccessTokenTTL: time.Minute, Token: token.Config{AuthSecret: authSecret}}
		g := runConfig(t, &fakeService{}, config, func(*limits) {})
		header := http.Header{"Origin": {"https://example.com"}, "Access-Control-Request-Method": {"POST"}}
		got := call{method: "OPTIONS", target: "/api/send", header: header}.do(t, newClient(t, nil), "http://"+g.addr)
		want := `{"code":"permission_denied","message":"origin not allowed: ALLOWED_ORIGINS names the pages that may use this server"}`
		if got.status != http.StatusForbidden || string(got.body) != want || got.header.Get("WWW-Authenticate") != "" {
			t.Errorf("with %v, the preflight is answered %d %s, want 403 %s", allowed, got.status, got.body, want)
		}
	}
}
