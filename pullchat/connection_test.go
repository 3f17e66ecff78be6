package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestServerURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"localhost", "http://localhost:8080"},
		{"localhost:", "http://localhost:8080"},
		{"localhost:9000", "http://localhost:9000"},
		{"127.0.0.1", "http://127.0.0.1:8080"},
		{"chat.example.com/below", "http://chat.example.com:8080/below"},
		{"::1", "http://[::1]:8080"},
		{"[::1]", "http://[::1]:8080"},
		{"[::1]:9000", "http://[::1]:9000"},
		// An address with a scheme is complete.
		{"http://localhost", "http://localhost"},
		{"https://chat.example.com", "https://chat.example.com"},
		{"ftp://localhost", "ftp://localhost"},
		// The client refuses other invalid addresses.
		{"", ""},
		{":9000", ":9000"},
		{"localhost:port", "localhost:port"},
		{"/api", "/api"},
	} {
		if got := serverURL(c.in); got != c.want {
			t.Errorf("serverURL(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// moody answers 503 so many times, and records the requests.
type moody struct {
	*httptest.Server
	mutex  sync.Mutex
	away   int
	bodies []string
}

func serveMoody(t *testing.T, away int) *moody {
	t.Helper()
	m := &moody{away: away}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mutex.Lock()
	m.bodies = append(m.bodies, string(body))
	away := m.away > 0
	if away {
		m.away--
	}
	m.mutex.Unlock()
	if away {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"unavailable","message":"away"}`)
		return
	}
	_, _ = io.WriteString(w, `{"send_time":17,"messages":[],"has_more":false,"next_cursor":17}`)
}

// seen returns the different bodies, and the number of requests.
func (m *moody) seen() (different []string, requests int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	different = slices.Clone(m.bodies)
	slices.Sort(different)
	return slices.Compact(different), len(m.bodies)
}

func TestCommandsRepeat(t *testing.T) {
	t.Parallel()
	sending := []string{"send", "room", "hello", "--sender=alice"}
	for _, c := range []struct {
		name     string
		args     []string
		away     int
		requests int
		status   int
		says     string // on standard error, all of it, as a regular expression
	}{
		{"send", sending, 2, 3, 0, ``},
		{"send -v", append(sending, "-v"), 2, 3, 0, `pullchat: attempt 1, \S+: unavailable: away; again in \d+m?s\npullchat: attempt 2, \S+: unavailable: away; again in \d+m?s\n`},
		{"send --no-retry", append(sending, "--no-retry", "-v"), 2, 1, 1, `pullchat: unavailable: away; it is unknown whether the message is stored: send it again with the id [A-Z2-7]{26} to be sure\n`},
		{"send --retries", append(sending, "--retries=1", "--id=own"), 3, 2, 1, `pullchat: unavailable: away \(after 2 attempts\); .* with the id own to be sure\n`},
		{"send --timeout", append(sending, "--timeout=1ns"), 0, 0, 1, `pullchat: .*deadline exceeded\n`},
		{"pull", []string{"pull", "room"}, 2, 3, 0, ``},
		{"pull --no-retry", []string{"pull", "room", "--no-retry"}, 2, 1, 1, `pullchat: unavailable: away\n`},
		{"ready", []string{"ready"}, 2, 1, 1, `pullchat: unavailable: away\n`},
		{"ready --retries", []string{"ready", "--retries=2"}, 2, 3, 0, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := serveMoody(t, c.away)
			got := invoke(t, []string{"PULLCHAT_SERVER=" + m.URL}, "", c.args...)
			if got.status != c.status || !regexp.MustCompile(`^`+c.says+`$`).MatchString(got.err) {
				t.Errorf("pullchat %q = %+v, want status %d and %s", c.args, got, c.status, c.says)
			}
			if bodies, requests := m.seen(); requests != c.requests || len(bodies) > 1 {
				t.Errorf("pullchat %q makes %d requests with %q, want %d alike", c.args, requests, bodies, c.requests)
			}
		})
	}
}

func TestSeveralServers(t *testing.T) {
	t.Parallel()
	m := serveMoody(t, 0)
	address := strings.TrimPrefix(m.URL, "http://") // without a scheme
	for _, c := range []struct {
		environment []string
		flags       []string
	}{
		{nil, []string{"--server=127.0.0.1:1", "--server", address}},
		{nil, []string{"--server=127.0.0.1:1," + address}},
		{[]string{"PULLCHAT_SERVER=127.0.0.1:1," + address}, nil},
	} {
		got := invoke(t, c.environment, "", append([]string{"pull", "room", "-v"}, c.flags...)...)
		if got.status != 0 || !strings.Contains(got.err, "attempt 1, http://127.0.0.1:1: ") || !strings.Contains(got.err, "refused; again in 0s") {
			t.Errorf("%q pullchat pull %q = %+v, want an answer of the second server", c.environment, c.flags, got)
		}
	}
}
