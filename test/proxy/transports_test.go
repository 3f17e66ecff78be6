package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/client"
)

// TestTransports tests every transport through nginx.
func TestTransports(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	c := s.client(t)
	for name, check := range map[string]func(*testing.T, *site, *client.Client){
		"send and pull": sendAndPull, "long-poll": longPoll, "events": events, "heartbeats": heartbeats,
		"origins": origins, "limits": limits,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, s, c)
		})
	}
}

func send(t *testing.T, c *client.Client, chat, text string) {
	t.Helper()
	if _, err := c.Send(t.Context(), client.Message{Chat: chat, Sender: "alice", Text: text}); err != nil {
		t.Fatal(err)
	}
}

func sendAndPull(t *testing.T, _ *site, c *client.Client) {
	send(t, c, "pulled", "hello")
	page, err := c.Pull(t.Context(), client.PullRequest{Chat: "pulled"})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Text != "hello" {
		t.Errorf("Pull() = %v, %v, want hello", page, err)
	}
}

func longPoll(t *testing.T, _ *site, c *client.Client) {
	answered := make(chan client.Page, 1)
	go func() {
		page, err := c.Pull(t.Context(), client.PullRequest{Chat: "polled", Wait: 30 * time.Second})
		if err != nil {
			t.Error(err)
		}
		answered <- page
	}()
	send(t, c, "polled", "hello")
	if page := <-answered; len(page.Messages) != 1 {
		t.Errorf("a long-poll got %v, want the message", page)
	}
}

// events: each event arrives while the stream is open. A buffering proxy would deliver them when it ends, which it
// never does.
func events(t *testing.T, s *site, c *client.Client) {
	lines := stream(t, s, "streamed")
	if first := <-lines; first != "retry: 1000" {
		t.Fatalf("a stream begins with %q", first)
	}
	for i := range 3 {
		text := fmt.Sprintf("hello %d", i)
		send(t, c, "streamed", text)
		for line := range lines {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if !strings.Contains(data, text) {
					t.Errorf("an event has %s, want %q in it", data, text)
				}
				break
			}
		}
	}
}

// heartbeats: they arrive at once. Of many streams, one has its heartbeat every fraction of a second. TestTimeouts
// compares their interval with nginx's timeouts.
func heartbeats(t *testing.T, s *site, _ *client.Client) {
	beats := make(chan struct{}, 100)
	for range 50 {
		lines := stream(t, s, "quiet")
		go func() {
			for line := range lines {
				if strings.HasPrefix(line, ":") {
					beats <- struct{}{}
					return
				}
			}
		}()
	}
	for range 3 {
		select {
		case <-beats:
		case <-time.After(20 * time.Second):
			t.Fatal("of 50 streams not three have had a heartbeat within 20 s")
		}
	}
}

// stream opens a stream of events and returns its lines as they arrive. It ends with the test.
func stream(t *testing.T, s *site, chat string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/stream?chat="+chat, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	lines, ended := make(chan string, 100), make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		defer close(lines)
		defer func() { _ = response.Body.Close() }()
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
			}
		}
	}()
	return lines
}

// origins: a page may open a WebSocket if its origin is nginx's address for browsers.
func origins(t *testing.T, s *site, _ *client.Client) {
	for origin, allowed := range map[string]bool{s.base: true, "https://evil.example": false, "http://127.0.0.1": false} {
		conn, response, err := websocket.Dial(t.Context(), s.base+"/api/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if conn != nil {
			_ = conn.CloseNow()
		}
		if (err == nil) != allowed {
			t.Errorf("a page of %s: %v, want allowed = %v", origin, err, allowed)
		}
		if err != nil && (response == nil || response.StatusCode != http.StatusForbidden) {
			t.Errorf("a page of %s was refused with %v, want 403", origin, response)
		}
	}
}

// limits: nginx accepts and rejects the same requests as http-servers.
func limits(t *testing.T, s *site, _ *client.Client) {
	const body = 65536
	long := func(n int) string { return `{"chat":"limits","sender":"alice","text":"x"}` + strings.Repeat(" ", n-45) }
	for _, test := range []struct {
		name, body, header string
		status             int
		code               string
	}{
		{"a body of 64 KiB", long(body), "", http.StatusOK, ""},
		{"one byte more", long(body + 1), "", http.StatusRequestEntityTooLarge, "too_large"},
		{"15 KB of headers", long(100), strings.Repeat("x", 15<<10), http.StatusOK, ""},
		{"17 KB of headers", long(100), strings.Repeat("x", 17<<10), http.StatusRequestHeaderFieldsTooLarge, "too_large"},
	} {
		request, err := http.NewRequest(http.MethodPost, s.base+"/api/send", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if test.header != "" {
			request.Header.Set("X-Long", test.header)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != test.status {
			answer, _ := io.ReadAll(response.Body)
			t.Errorf("%s: %s, want %d: %s", test.name, response.Status, test.status, answer)
		} else if test.code != "" {
			if r := readRefusal(t, response); r.Code != test.code {
				t.Errorf("%s: code = %s, want %s", test.name, r.Code, test.code)
			}
		}
		_ = response.Body.Close()
	}
}
