package metrics

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// live makes everything happen that metrics tell of, but for a Redis that is away. It ends with a stream and a WebSocket
// that are open.
func (s *stack) live() {
	s.t.Helper()
	for _, user := range []string{"alice", "bob", "carol"} {
		s.want(201, "POST", "/api/users", "", fields{"user": user, "password": "correct horse"})
		s.login(user)
	}
	s.want(429, "POST", "/api/users", "", fields{"user": "dave", "password": "correct horse"})
	s.want(401, "POST", "/api/login", "", fields{"user": "alice", "password": "wrong"})
	s.want(429, "POST", "/api/login", "", fields{"user": "alice", "password": "wrong"})
	s.want(400, "POST", "/api/login", "", fields{"user": "a:b", "password": "wrong"})
	s.send("the first") // alone: each of several at once may be charged for a new chat
	var sending sync.WaitGroup
	for n := range 8 {
		sending.Go(func() { s.send(fmt.Sprint("message ", n)) })
	}
	sending.Wait()
	s.want(200, "GET", "/api/pull?chat=alice:bob", "bob", nil)
	s.want(404, "GET", "/nowhere", "bob", nil)
	s.deliver()
	for n, status := range []int{200, 429} { // the first chat was alice:bob
		s.want(status, "POST", "/api/send", "alice", fields{"chat": fmt.Sprint("alice:new", n), "text": "hello"})
	}
	s.want(201, "POST", "/api/rooms", "bob", fields{"id": "den", "visibility": "private"})
	s.want(200, "POST", "/api/rooms/den/members", "bob", fields{"users": []string{"alice"}})
	s.want(429, "POST", "/api/rooms/den/members", "bob", fields{"users": []string{"carol"}})
	s.want(200, "POST", "/api/signal", "bob", fields{"chat": "alice:bob", "type": "typing"})
	s.want(429, "POST", "/api/signal", "bob", fields{"chat": "alice:bob", "type": "typing"})
}

// deliver has a message delivered over each transport.
func (s *stack) deliver() {
	s.t.Helper()
	var page struct{ cursor string }
	answer := s.want(200, "GET", "/api/pull?chat=alice:bob", "bob", nil)
	page.cursor = string(regexp.MustCompile(`"next_cursor":(\d+)`).FindSubmatch(answer)[1])
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		s.want(200, "GET", "/api/pull?chat=alice:bob&wait=30s&cursor="+page.cursor, "bob", nil)
	}()
	s.until(1, "pullchat_followers", "transport=poll")
	status, events, end := s.stream("bob", "alice:bob&cursor="+page.cursor)
	if status != 200 {
		s.t.Fatalf("the stream is answered %d", status)
	}
	socket := s.socket("bob")
	s.frame(socket, `{"type":"watch","ref":"1","chat":"alice:bob","cursor":`+page.cursor+`}`, "watching")
	s.frame(socket, `{"type":"watch","ref":"2","chat":"bob:carol"}`, "resource_exhausted")
	for _, transport := range []string{"sse", "websocket"} {
		s.until(1, "pullchat_connections", "transport="+transport)
		s.until(1, "pullchat_followers", "transport="+transport)
	}
	if status, _, _ := s.stream("bob", "bob:carol"); status != 429 {
		s.t.Errorf("a fourth stream is answered %d, want 429", status)
	}
	s.send("waited for")
	<-polled
	for line := ""; !strings.Contains(line, "waited for"); {
		var err error
		if line, err = events.ReadString('\n'); err != nil {
			s.t.Fatal(err)
		}
	}
	s.frame(socket, "", "waited for")
	for _, transport := range []string{"poll", "sse", "websocket"} {
		s.until(1, "pullchat_delivery_delay_seconds", "transport="+transport)
	}
	end()
	if err := socket.CloseNow(); err != nil {
		s.t.Error(err)
	}
	for _, transport := range []string{"sse", "websocket"} {
		s.until(1, "pullchat_stream_duration_seconds", "transport="+transport)
	}
	for _, gauge := range []string{"pullchat_followers", "pullchat_connections"} {
		for _, transport := range []string{"poll", "sse", "websocket"} {
			if n := s.value(gauge, "transport="+transport); n != 0 {
				s.t.Errorf("%s of %s = %v after they have ended, want 0", gauge, transport, n)
			}
		}
	}
}

// TestMetricsMove: each metric changes with the events that it counts.
func TestMetricsMove(t *testing.T) {
	s := start(t)
	s.live()
	s.exhaust("GET", "/api/presence?chat=alice:bob", "bob", nil)
	s.exhaust("POST", "/api/send", "alice", fields{"chat": "alice:bob", "text": "too many"})
	s.crowd()
	for _, want := range []struct {
		name   string
		labels string
		least  float64
	}{
		{"pullchat_http_requests_total", "route=/api/send method=POST code=200", 9},
		{"pullchat_http_requests_total", "route=/api/send method=POST code=429", 1},
		{"pullchat_http_requests_total", "route=/api/stream code=200", 1},
		{"pullchat_http_requests_total", "route=/api/ws code=101", 1},
		{"pullchat_http_requests_total", "route=unknown method=unknown code=404", 1},
		{"pullchat_http_request_duration_seconds", "route=/api/send method=POST", 9},
		{"pullchat_http_wait_duration_seconds", "", 1},
		{"pullchat_connections", "transport=http", 1},
		{"pullchat_logins_total", "outcome=ok", 3},
		{"pullchat_logins_total", "outcome=wrong", 1},
		{"pullchat_logins_total", "outcome=refused", 1},
		{"pullchat_logins_total", "outcome=failed", 1},
		{"pullchat_refusals_total", "kind=requests", 1},
		{"pullchat_refusals_total", "kind=senders", 1},
		{"pullchat_refusals_total", "kind=signals", 1},
		{"pullchat_refusals_total", "kind=logins", 1},
		{"pullchat_refusals_total", "kind=registrations", 1},
		{"pullchat_refusals_total", "kind=streams", 1},
		{"pullchat_refusals_total", "kind=followed_chats", 1},
		{"pullchat_refusals_total", "kind=connections", 1},
		{"pullchat_refusals_total", "kind=new_chats", 1},
		{"pullchat_refusals_total", "kind=added_members", 1},
		{"pullchat_rpc_client_duration_seconds", "method=Send outcome=ok", 1},
		{"pullchat_rpc_server_duration_seconds", "method=Send outcome=ok", 1},
		{"pullchat_rpc_servers", "state=serving", 1},
		{"pullchat_batch_size", "batch=rpc_send", 1},
		{"pullchat_batch_size", "batch=rpc_pull", 1},
		{"pullchat_batch_size", "batch=redis_append", 1},
		{"pullchat_batch_wait_seconds", "batch=redis_range", 1},
		{"pullchat_redis_duration_seconds", "operation=pipeline", 9},
		{"pullchat_redis_nodes", "state=answering", 1},
		{"pullchat_redis_pool_connections", "", 1},
		{"pullchat_redis_pool_misses_total", "", 1},
		{"pullchat_background_duration_seconds", "task=sweep", 1},
		{"pullchat_build_info", "", 1},
		{"go_goroutines", "", 1},
		{"process_start_time_seconds", "", 1},
	} {
		s.until(want.least, want.name, strings.Fields(want.labels)...)
	}
	s.redis.Kill()
	s.want(503, "POST", "/api/send", "carol", fields{"chat": "alice:carol", "text": "lost"})
	s.until(1, "pullchat_redis_errors_total")
	s.until(1, "pullchat_background_failures_total")
	s.until(1, "pullchat_redis_nodes", "state=away")
	s.redis.Restart()
	s.until(1, "pullchat_redis_nodes", "state=answering")
}

// TestNamesAreDocumented: docs/metrics.md names every metric, with its type and its labels, and no other.
func TestNamesAreDocumented(t *testing.T) {
	s := start(t)
	s.live()
	documented := map[string]string{}
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(pullchat_\\w+)` \\| (\\w+) \\|([^|]*)\\|").FindAllStringSubmatch(string(text), -1) {
		labels := regexp.MustCompile(`\w+`).FindAllString(row[3], -1)
		slices.Sort(labels)
		documented[row[1]] = row[2] + " " + strings.Join(labels, ",")
	}
	var registered []string
	for _, name := range s.metrics.Names() {
		if strings.HasPrefix(name, "pullchat_") {
			registered = append(registered, name)
		}
	}
	slices.Sort(registered)
	if names := slices.Sorted(maps.Keys(documented)); !slices.Equal(names, registered) {
		t.Errorf("docs/metrics.md names\n%s\nregistered are\n%s", strings.Join(names, "\n"), strings.Join(registered, "\n"))
	}
	families, err := s.metrics.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "pullchat_") {
			continue
		}
		for _, sample := range family.GetMetric() {
			var labels []string
			for _, label := range sample.GetLabel() {
				labels = append(labels, label.GetName())
				for _, private := range []string{"alice", "bob", "carol", "den"} {
					if label.GetValue() == private || strings.Contains(label.GetValue(), "alice") {
						t.Errorf("%s has a label %s=%q", family.GetName(), label.GetName(), label.GetValue())
					}
				}
			}
			slices.Sort(labels)
			if got := strings.ToLower(family.GetType().String()) + " " + strings.Join(labels, ","); got != documented[family.GetName()] {
				t.Errorf("%s is a %q; docs/metrics.md says %q", family.GetName(), got, documented[family.GetName()])
			}
		}
	}
}

// prometheus returns the path of one of Prometheus's programs.
func prometheus(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal(name + " is not installed: `make test` installs it")
	default:
		t.Skip("SKIPPED, NOT TESTED: " + name + " is not installed; `make test` installs it (Debian's package prometheus)")
	}
	return path
}

// TestPromtoolAccepts: promtool check metrics finds nothing wrong with names, types and help.
func TestPromtoolAccepts(t *testing.T) {
	promtool := prometheus(t, "promtool")
	s := start(t)
	s.live()
	response, err := http.Get(s.scraped.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Contains(text, []byte("pullchat_http_requests_total{")) {
		t.Fatalf("/metrics answers %v, %v", text, err)
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(text)
	if output, err := check.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, output)
	}
}

// TestListener: /healthz and the profiles answer on the metrics' listener.
func TestListener(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/healthz", "/metrics", "/debug/pprof/", "/debug/pprof/goroutine"} {
		response, err := http.Get(s.scraped.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("GET %s = %d, want 200", path, response.StatusCode)
		}
	}
}
