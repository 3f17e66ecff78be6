package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestPages: which pages may change something, and open a WebSocket.
func TestPages(t *testing.T) {
	t.Parallel()
	const other = "https://example.com"
	for _, c := range []struct {
		name          string
		allowed       []string
		host, origin  string
		site          string // Sec-Fetch-Site
		may, mayAsk   bool
		method, route string
	}{
		{name: "no page", host: "a", may: true},
		{name: "the server's own", host: "a.example", origin: "http://a.example", may: true},
		{name: "behind a proxy with TLS", host: "a.example", origin: "https://a.example", may: true},
		{name: "in capital letters", host: "A.example", origin: "http://a.example", may: true},
		{name: "with the port", host: "a.example:8080", origin: "http://a.example:8080", may: true},
		{name: "the host has the default port", host: "a.example:80", origin: "http://a.example", may: true},
		{name: "the origin has the default port", host: "a.example", origin: "http://a.example:80", may: true},
		{name: "the host has that of TLS", host: "a.example:443", origin: "https://a.example", may: true},
		{name: "an address", host: "[::1]:80", origin: "http://[::1]", may: true},
		{name: "another port", host: "a.example:8080", origin: "http://a.example"},
		{name: "the default port of another scheme", host: "a.example:80", origin: "https://a.example"},
		{name: "another page", host: "a.example", origin: other},
		{name: "a page below", host: "a.example", origin: "http://b.a.example"},
		{name: "a name that begins the same", host: "a.example", origin: "http://a.example.org"},
		{name: "a file", host: "a.example", origin: "null"},
		{name: "not an origin", host: "a.example", origin: "a.example"},
		{name: "an allowed one", allowed: []string{other}, host: "a.example", origin: other, may: true},
		{name: "one beside the allowed", allowed: []string{other}, host: "a.example", origin: other + ":8443"},
		{name: "all are", allowed: []string{"*"}, host: "a.example", origin: other, may: true},
		{name: "all are, also a file", allowed: []string{"*"}, host: "a.example", origin: "null", may: true},
		{name: "the browser says it is its own", host: "backend:8080", origin: "https://a.example", site: "same-origin", may: true},
		{name: "the browser says it is another", host: "a.example", origin: other, site: "cross-site"},
		{name: "the browser hides which", host: "a.example", site: "cross-site"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := runConfig(t, &fakeService{}, Config{AllowedOrigins: c.allowed}, func(*limits) {})
			ask := func(request string) (int, string) {
				client := dial(t, g.addr)
				from := "Host: " + c.host + "\r\n"
				if c.origin != "" {
					from += "Origin: " + c.origin + "\r\n"
				}
				if c.site != "" {
					from += "Sec-Fetch-Site: " + c.site + "\r\n"
				}
				client.ask(t, strings.Replace(request, "Host: a\r\n", from, 1))
				response, err := http.ReadResponse(client.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				return response.StatusCode, response.Header.Get("Content-Type")
			}
			for request, usual := range map[string]int{
				sendRequest: 200, // without a media type, as a page sends it without asking
				upgrade(""): 101,
				"DELETE /api/rooms/a HTTP/1.1\r\nHost: a\r\n\r\n":       200,
				"PATCH /api/rooms/a HTTP/1.1\r\nHost: a\r\n\r\n":        400,
				"PUT /api/ignored/bob HTTP/1.1\r\nHost: a\r\n\r\n":      200,
				"POST /api/rooms/a/join HTTP/1.1\r\nHost: a\r\n\r\n":    200,
				"POST /none HTTP/1.1\r\nHost: a\r\n\r\n":                404,
				"POST /api/rooms/a/leave HTTP/1.1\r\nHost: a\r\n\r\n":   200,
				"POST /api/users HTTP/1.1\r\nHost: a\r\n\r\n":           400,
				"DELETE /api/ignored/bob HTTP/1.1\r\nHost: a\r\n\r\n":   200,
				"POST /api/contacts/sync HTTP/1.1\r\nHost: a\r\n\r\n":   -400,
				"POST /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":     -200,
				"GET /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":      -200,
				"HEAD /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":     -200,
				"OPTIONS /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":  -405,
				"GET /api/stream?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":    -200,
				"GET /api/presence?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":  -200,
				"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n":         -200,
				"POST /api/signal HTTP/1.1\r\nHost: a\r\n\r\n":          400,
				"POST /api/read HTTP/1.1\r\nHost: a\r\n\r\n":            400,
				"POST /api/rooms/a/members HTTP/1.1\r\nHost: a\r\n\r\n": 400,
			} {
				want := usual
				switch {
				case usual < 0: // it changes nothing: the page may ask, and not read
					want = -usual
				case !c.may:
					want = 403
				}
				if status, _ := ask(request); status != want {
					t.Errorf("%q of %q to %q = %d, want %d", strings.SplitN(request, " HTTP", 2)[0], c.origin, c.host, status, want)
				}
			}
		})
	}
}

// TestAllowedHosts: where there is a list, the server is nothing else.
func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{AllowedHosts: []string{"Chat.example.org", "[::1]", "a:8080"}}, func(*limits) {})
	for request, want := range map[string]int{
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: chat.example.org\r\n\r\n":                                                       200,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: CHAT.example.org:8080\r\n\r\n":                                                  200,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n":                                                             200,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: a:8080\r\n\r\n":                                                                 200,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: a:8081\r\n\r\n":                                                                 403,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n":                                                                      403,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                                           403,
		"GET /api/pull?chat=a HTTP/1.1\r\nHost: chat.example.org.evil.example\r\n\r\n":                                          403,
		"GET http://evil.example/api/pull?chat=a HTTP/1.1\r\nHost: chat.example.org\r\n\r\n":                                    403,
		"GET /api/pull?chat=a HTTP/1.0\r\n\r\n":                                                                                 403,
		"GET /none HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                                                      403,
		"GET /ping HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n":                                                                     200,
		"GET /readyz HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n":                                                                   200,
		"POST /api/send HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nContent-Length: 52\r\n\r\n" + goodSend: 403,
	} {
		client := dial(t, g.addr)
		client.ask(t, request)
		if _, body := client.answer(t, want); want == 403 && !strings.HasPrefix(body, `{"code":"permission_denied","message":"this server is not `) {
			t.Errorf("%q is answered %s", request, body)
		}
	}
}

// TestGuardLoopback: a server on loopback that is guarded answers to the names of loopback.
func TestGuardLoopback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		addr    string
		allowed []string
		host    string
		want    int
	}{
		{"127.0.0.1:0", nil, "localhost:8080", 200},
		{"127.0.0.1:0", nil, "127.0.0.1", 200},
		{"127.0.0.1:0", nil, "[::1]:8080", 200},
		{"localhost:0", nil, "localhost", 200},
		{"127.0.0.2:0", nil, "127.0.0.2:1", 200},
		{"127.0.0.1:0", nil, "evil.example", 403},
		{"127.0.0.1:0", nil, "localhost.evil.example", 403},
		{"127.0.0.1:0", []string{"chat.example"}, "chat.example", 200},
		{"127.0.0.1:0", []string{"*"}, "evil.example", 200},
		{":0", nil, "anything.example", 200},
	} {
		base := startGateway(t, &fakeService{}, func(s *Server) {
			_ = s.listener.Close()
			config := s.config
			config.HTTPAddr, config.AllowedHosts, config.GuardLoopback = c.addr, c.allowed, true
			other, err := Listen(config, s.services, s.log)
			if err != nil {
				t.Fatal(err)
			}
			*s = *other
		})
		client := dial(t, strings.Replace(strings.TrimPrefix(base, "http://"), "[::]", "127.0.0.1", 1))
		client.ask(t, "GET /api/pull?chat=a HTTP/1.1\r\nHost: "+c.host+"\r\n\r\n")
		response, err := http.ReadResponse(client.in, nil)
		if err != nil || response.StatusCode != c.want {
			t.Errorf("at %s, %q is answered %v, %v; want %d", c.addr, c.host, response, err, c.want)
		}
		_ = response.Body.Close()
	}
}

// TestWebSocketVersions: a client of another version is told which there is.
func TestWebSocketVersions(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	for version, told := range map[string]string{"": "13", "8": "13", "12, 14": "13", "13": ""} {
		client := dial(t, g.addr)
		request := strings.Replace(upgrade(""), "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: "+version+"\r\n", 1)
		if version == "13" { // another fault of the handshake
			request = strings.Replace(request, "Sec-WebSocket-Key: ", "A: ", 1)
		}
		client.ask(t, request)
		if _, header, body := client.whole(t, http.StatusBadRequest); header.Get("Sec-WebSocket-Version") != told {
			t.Errorf("version %q is answered %s with %v, want Sec-WebSocket-Version %q", version, body, header, told)
		}
	}
}

// TestContentEncoding: a body that is encoded is no JSON.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	for coding, want := range map[string]int{"": 200, "identity": 200, "Identity": 200, "gzip": 415, "br": 415, "gzip, identity": 415, "x": 415} {
		got := call{
			method: "POST", target: "/api/send", body: goodSend, header: http.Header{"Content-Encoding": {coding}}, contentType: jsonType + "; charset=latin1",
		}.do(t, newClient(t, nil), "http://"+g.addr)
		if got.status != want || want == 415 && got.header.Get("Accept-Encoding") != "identity" {
			t.Errorf("Content-Encoding %q = %d %s with %v, want %d", coding, got.status, got.body, got.header, want)
		}
	}
}
