package proxy

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
)

// The promises of http-servers (docs/live.md). nginx must wait longer, with room for a late or lost heartbeat.
const (
	heartbeat   = 25 * time.Second
	longestWait = 60 * time.Second
)

// TestTimeouts: nginx waits longer than http-servers are silent. The test reads that from the configuration, because
// observing it takes minutes.
func TestTimeouts(t *testing.T) {
	conf, err := os.ReadFile("../../deploy/nginx/pullchat.conf")
	if err != nil {
		t.Fatal(err)
	}
	locations := regexp.MustCompile(`(?s)\n    location (?:= )?(/\S*) \{(.*?)\n    \}`).FindAllStringSubmatch(string(conf), -1)
	timeout := regexp.MustCompile(`proxy_read_timeout (\S+);`)
	for path, least := range map[string]time.Duration{
		"/": longestWait + 10*time.Second, "/api/stream": 2*heartbeat + 5*time.Second, "/api/ws": 2*heartbeat + 5*time.Second,
	} {
		found := false
		for _, location := range locations {
			if location[1] != path {
				continue
			}
			found = true
			if set := timeout.FindStringSubmatch(location[2]); set == nil {
				t.Errorf("location %s has no proxy_read_timeout; nginx' own is 60s", path)
			} else if got, err := time.ParseDuration(set[1]); err != nil || got < least {
				t.Errorf("location %s waits for %s, want at least %s", path, set[1], least)
			}
		}
		if !found {
			t.Errorf("there is no location %s", path)
		}
	}
}

// TestHeartbeatsKeepStreams: with shortened times, a stream with heartbeats outlasts nginx's timeout five times, and
// delivers them at once. A stream without heartbeats is ended. The server does not disable buffering by header, as
// http-servers do besides the configuration.
func TestHeartbeatsKeepStreams(t *testing.T) {
	t.Parallel()
	const beat, beats = 200 * time.Millisecond, 25
	var over atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		_ = controller.Flush()
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for written := 0; ; {
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
			if r.URL.Query().Has("quiet") {
				continue
			}
			if written++; written == beats {
				over.Store(true)
			}
			_, _ = w.Write([]byte(":\n"))
			_ = controller.Flush()
			if over.Load() {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	base := programtest.StartNginx(t, []string{server.Listener.Addr().String()},
		[2]string{"proxy_buffering off;\n        proxy_read_timeout 65s", "proxy_buffering off;\n        proxy_read_timeout 1s"}).URL()
	s := &site{base: base}
	kept, quiet := stream(t, s, "kept"), stream(t, s, "quiet&quiet")
	for line := range quiet {
		t.Errorf("a quiet stream has %q", line)
	}
	got := 0
	for range kept {
		if got == 0 && over.Load() {
			t.Error("the first heartbeat came with the last")
		}
		got++
	}
	if got != beats {
		t.Errorf("a stream with heartbeats ended after %d of them, want %d", got, beats)
	}
}

// TestSlowClients: data that a client does not read stays with the http-server, which limits it. nginx would buffer up
// to a gigabyte in a file.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const much = 64 << 20
	took := make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		controller, part, written := http.NewResponseController(w), make([]byte, 64<<10), 0
		defer func() { took <- written }()
		for written < much {
			_ = controller.SetWriteDeadline(time.Now().Add(2 * time.Second))
			n, err := w.Write(part)
			written += n
			if err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	base := programtest.StartNginx(t, []string{server.Listener.Addr().String()}).URL()
	response, err := http.Get(base + "/api/stream") // and it reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	n := <-took
	t.Logf("nginx and the kernel took %d KB", n>>10)
	if n >= much {
		t.Errorf("nginx took %d MB of a stream that no client reads", n>>20)
	}
}
