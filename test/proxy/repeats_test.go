package proxy

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pullchat/pullchat/internal/programtest"
)

// TestRepeats tests nginx's retries of failed requests. Of its servers, one breaks the connection after a request, one
// is absent, and one answers.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method string
		servers      []string
		status       int
		asked        int64 // how often a server got the request
	}{
		{"a POST that arrived is not repeated", http.MethodPost, []string{"breaks", "breaks"}, http.StatusServiceUnavailable, 1},
		{"a GET is repeated at the other server", http.MethodGet, []string{"breaks", "breaks"}, http.StatusServiceUnavailable, 2},
		{"a GET is answered by the other server", http.MethodGet, []string{"breaks", "answers"}, http.StatusOK, 0},
		{"a POST goes past a server that is not there", http.MethodPost, []string{"gone", "answers"}, http.StatusOK, 1},
		{"no server is there", http.MethodPost, []string{"gone", "gone"}, http.StatusServiceUnavailable, 0},
		{"a refusal is passed on, and asked for once", http.MethodGet, []string{"busy", "busy"}, http.StatusTooManyRequests, 1},
		{"so is unavailable", http.MethodPost, []string{"down", "down"}, http.StatusServiceUnavailable, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			var addrs []string
			for _, kind := range test.servers {
				addrs = append(addrs, fake(t, kind, &asked))
			}
			base := programtest.StartNginx(t, addrs).URL()
			request, err := http.NewRequest(test.method, base+"/api/send", bytes.NewBufferString(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.status {
				t.Errorf("status = %s, want %d", response.Status, test.status)
			}
			if test.asked > 0 && asked.Load() != test.asked || test.status >= 500 && asked.Load() > test.asked {
				t.Errorf("servers got the request %d times, want %d", asked.Load(), test.asked)
			}
			if response.StatusCode != http.StatusOK {
				after := map[bool]string{true: "7", false: "1"}[strings.Contains("busy down", test.servers[0])]
				if response.Header.Get("Retry-After") != after {
					t.Errorf("Retry-After = %q, want %s", response.Header.Get("Retry-After"), after)
				}
				if r := readRefusal(t, response); after == "7" && r.Message != "by the server" {
					t.Errorf("message = %q, want the server's own", r.Message)
				}
			}
			_ = response.Body.Close()
		})
	}
}

// fake is an http-server for TestRepeats that counts requests.
func fake(t *testing.T, kind string, asked *atomic.Int64) (addr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		switch kind {
		case "breaks":
			panic(http.ErrAbortHandler)
		case "busy", "down":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(map[string]int{"busy": http.StatusTooManyRequests, "down": http.StatusServiceUnavailable}[kind])
			_, _ = w.Write([]byte(`{"code":"some","message":"by the server"}`))
		}
	}))
	if kind == "gone" {
		server.Close()
	} else {
		t.Cleanup(server.Close)
	}
	return server.Listener.Addr().String()
}

// TestHeaders: http-servers get nginx's headers, whichever headers clients send.
func TestHeaders(t *testing.T) {
	t.Parallel()
	heard := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r }))
	t.Cleanup(server.Close)
	base := programtest.StartNginx(t, []string{server.Listener.Addr().String()}).URL()
	for _, test := range []struct{ name, sent, value, got, want string }{
		{"what a client says of its address stays before its address", "X-Forwarded-For", "10.1.1.1", "X-Forwarded-For", "10.1.1.1, 127.0.0.1"},
		{"a WebSocket handshake", "Upgrade", "WebSocket", "Upgrade", "websocket"},
		{"its Connection", "Upgrade", "websocket", "Connection", "upgrade"},
		{"another protocol is not offered", "Upgrade", "h2c", "Upgrade", ""},
		{"connections are kept", "X-Request-Id", "x", "Connection", ""},
		{"ids pass", "Idempotency-Key", "i-1", "Idempotency-Key", "i-1"},
		{"so does where a stream stood", "Last-Event-Id", "alice:bob=17", "Last-Event-Id", "alice:bob=17"},
	} {
		request, err := http.NewRequest(http.MethodGet, base+"/api/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(test.sent, test.value)
		request.Header.Set("Connection", "Upgrade")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		r := <-heard
		if got := r.Header.Get(test.got); got != test.want {
			t.Errorf("%s: %s: %s became %s: %q, want %q", test.name, test.sent, test.value, test.got, got, test.want)
		}
		if want := strings.TrimPrefix(base, "http://"); r.Host != want || r.ProtoMinor != 1 {
			t.Errorf("the server got Host %s in %s, want %s in HTTP/1.1", r.Host, r.Proto, want)
		}
	}
}
