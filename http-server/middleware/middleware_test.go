package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/token"
)

// TestMain silences Hertz, whose logger is one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

const (
	secretText = "the-text-of-a-message"
	causeText  = "10.0.0.7:6379: connection refused"
	aSend      = `{"chat":"alice:bob","text":"` + secretText + `","sender":"alice"}`
)

// fake is a chat.Service that acts as the chat of a pull says, and records the request id of every call.
type fake struct{ ids chan string }

func (f fake) Send(ctx context.Context, _ chat.Message) (chat.Receipt, error) {
	f.ids <- logging.RequestID(ctx)
	return chat.Receipt{SendTime: 1}, nil
}

func (f fake) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	f.ids <- logging.RequestID(ctx)
	switch r.Chat {
	case "":
		return chat.Page{}, chat.Errorf(chat.InvalidArgument, "chat %s is empty", secretText)
	case "broken":
		return chat.Page{}, chat.Wrap(errors.New(causeText), chat.Unavailable, "redis does not answer")
	case "panic":
		panic(causeText)
	case "panic with an error":
		panic(errors.New(causeText))
	}
	return chat.Page{Messages: []chat.Message{{Chat: r.Chat, Text: secretText, Sender: "alice", SendTime: 1}}}, nil
}

func (f fake) Ready(context.Context) error { return nil }

// output is a log that a server and its test share.
type output struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.Write(b)
}

// take returns the lines about requests since the last time, and all of the log.
func (o *output) take(t *testing.T) (lines []map[string]any, all string) {
	t.Helper()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	all = o.buffer.String()
	o.buffer.Reset()
	for text := range strings.Lines(all) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("the log has %q: %v", text, err)
		}
		if line["msg"] != "http-server listens" {
			lines = append(lines, line)
		}
	}
	return lines, all
}

// start runs a gateway with its log until the test ends.
func start(t *testing.T, level slog.Level) (base string, ids chan string, log *output) {
	t.Helper()
	return startWith(t, level, gateway.Config{})
}

// startWith is start with a configuration.
func startWith(t *testing.T, level slog.Level, config gateway.Config) (base string, ids chan string, log *output) {
	t.Helper()
	config.HTTPAddr, config.MaxBodyBytes = "127.0.0.1:0", 1000
	ids, log = make(chan string, 10), &output{}
	server, err := gateway.Listen(config, chat.Services{Messages: fake{ids}, Live: chattest.Silent{}},
		slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: level})))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return "http://" + server.Addr().String(), ids, log
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a request, with a request id where one is given.
func do(t *testing.T, method, url, id, body string) answer {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secretText)
	if id != "" {
		request.Header.Set("X-Request-Id", id)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer{response.StatusCode, response.Header, string(read)}
}

var made = regexp.MustCompile(`^[0-9a-f]{32}$`)

func TestRequestID(t *testing.T) {
	base, ids, log := start(t, slog.LevelInfo)
	for _, c := range []struct {
		name, id string
		echoed   bool
	}{
		{"the client's", "a-Request_id.7/=~!", true},
		{"the longest", strings.Repeat("a", 128), true},
		{"missing", "", false},
		{"too long", strings.Repeat("a", 129), false},
		{"with a space", "two words", false},
		{"with a tab", "two\twords", false},
		{"not ASCII", "é", false},
		{"not UTF-8", "\xff", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			log.take(t)
			got := do(t, http.MethodPost, base+"/api/send", c.id, aSend).header.Values("X-Request-Id")
			if len(got) != 1 || c.echoed && got[0] != c.id || !c.echoed && !made.MatchString(got[0]) {
				t.Fatalf("X-Request-Id %q is answered with %q; want it echoed: %v, else made", c.id, got, c.echoed)
			}
			if reached := <-ids; reached != got[0] {
				t.Errorf("the service is called with the request id %q, want %q", reached, got[0])
			}
			lines, _ := log.take(t)
			if len(lines) != 1 || lines[0]["id"] != got[0] {
				t.Errorf("the log has %v, want one line with the id %q", lines, got[0])
			}
		})
	}
}

func TestRequestIDOfEveryAnswer(t *testing.T) {
	base, _, _ := start(t, slog.LevelInfo)
	for _, path := range []string{"/ping", "/readyz", "/openapi.yaml", "/none", "/api/send", "/api/pull"} {
		if got := do(t, http.MethodGet, base+path, "mine", ""); got.header.Get("X-Request-Id") != "mine" {
			t.Errorf("GET %s = %d with X-Request-Id %q, want mine", path, got.status, got.header.Get("X-Request-Id"))
		}
	}
}

func TestAccessLog(t *testing.T) {
	base, _, log := start(t, slog.LevelInfo)
	for _, c := range []struct {
		name, method, target, body string
		want                       map[string]any // duration aside
	}{
		{"a send", "POST", "/api/send", aSend, map[string]any{"level": "INFO", "method": "POST", "route": "/api/send", "status": 200.0}},
		{
			"a parameter that a send does not have", "POST", "/api/send?secret=" + secretText, aSend,
			map[string]any{"level": "INFO", "method": "POST", "route": "/api/send", "status": 400.0, "code": "invalid_argument"},
		},
		{"a pull", "GET", "/api/pull?chat=" + secretText, "", map[string]any{"level": "INFO", "method": "GET", "route": "/api/pull", "status": 200.0}},
		{
			"a client's mistake", "GET", "/api/pull", "",
			map[string]any{"level": "INFO", "method": "GET", "route": "/api/pull", "status": 400.0, "code": "invalid_argument"},
		},
		{
			"not JSON", "POST", "/api/send", secretText,
			map[string]any{"level": "INFO", "method": "POST", "route": "/api/send", "status": 400.0, "code": "invalid_argument"},
		},
		{
			"a server's failure", "GET", "/api/pull?chat=broken", "",
			map[string]any{
				"level": "WARN", "method": "GET", "route": "/api/pull", "status": 503.0, "code": "unavailable",
				"error": "unavailable: redis does not answer: " + causeText,
			},
		},
		{
			"no route", "GET", "/" + secretText, "",
			map[string]any{"level": "INFO", "method": "GET", "route": "", "status": 404.0, "code": "not_found"},
		},
		{
			"no method", "PUT", "/api/send", "",
			map[string]any{"level": "INFO", "method": "PUT", "route": "", "status": 405.0, "code": "not_found"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			log.take(t)
			do(t, c.method, base+c.target, "mine", c.body)
			lines, all := log.take(t)
			if strings.Contains(all, secretText) {
				t.Errorf("the log has the text: %s", all)
			}
			if len(lines) != 1 {
				t.Fatalf("the log has %d lines, want one: %s", len(lines), all)
			}
			line := lines[0]
			if duration, ok := line["duration_ms"].(float64); !ok || duration <= 0 {
				t.Errorf("the duration is %v, want a positive number", line["duration_ms"])
			}
			delete(line, "duration_ms")
			delete(line, "time")
			c.want["msg"], c.want["id"], c.want["address"] = "request", "mine", "127.0.0.1"
			for name, want := range c.want {
				if line[name] != want {
					t.Errorf("the log has %s %v, want %v", name, line[name], want)
				}
			}
			if len(line) != len(c.want) {
				t.Errorf("the log has %v, want %v", line, c.want)
			}
		})
	}
}

// TestAccessLogSwitch: requests have lines as ACCESS_LOG says; a fault of the server always has one.
func TestAccessLogSwitch(t *testing.T) {
	for mode, want := range map[string][]string{
		"on": {"200", "400", "503"}, "errors": {"400", "503"}, "off": {"503"},
	} {
		t.Run(mode, func(t *testing.T) {
			base, _, log := startWith(t, slog.LevelInfo, gateway.Config{AccessLog: mode})
			log.take(t)
			for _, path := range []string{"/ping", "/api/pull", "/api/pull?chat=broken"} {
				do(t, http.MethodGet, base+path, "", "")
			}
			lines, all := log.take(t)
			var got []string
			for _, line := range lines {
				if line["msg"] == "request" {
					got = append(got, fmt.Sprint(line["status"]))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("the log has lines with %q, want %q: %s", got, want, all)
			}
		})
	}
}

// TestAccessLogNames: the line has the user of the token, and the client's address behind proxies.
func TestAccessLogNames(t *testing.T) {
	keys, err := token.FromSecret(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := keys.ForUser("alice", "a session", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	base, _, log := startWith(t, slog.LevelInfo, gateway.Config{
		Auth: "on", Token: token.Config{AuthSecret: strings.Repeat("k", 32)}, AccessTokenTTL: time.Minute, TrustedProxies: ratelimit.Proxies{netip.MustParsePrefix("127.0.0.0/8")},
	})
	log.take(t)
	request, err := http.NewRequest(http.MethodGet, base+"/api/pull?chat=alice:bob", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+signed)
	request.Header.Set("X-Forwarded-For", "192.0.2.7")
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	lines, all := log.take(t)
	lines = slices.DeleteFunc(lines, func(line map[string]any) bool { return line["msg"] != "request" })
	if len(lines) != 1 || lines[0]["user"] != "alice" || lines[0]["address"] != "192.0.2.7" {
		t.Errorf("the log has %s, want the user and the address", all)
	}
}

func TestAccessLogAtItsLevel(t *testing.T) {
	base, _, log := start(t, slog.LevelWarn)
	do(t, http.MethodGet, base+"/ping", "", "")
	do(t, http.MethodGet, base+"/api/pull", "", "")
	if lines, all := log.take(t); len(lines) != 0 {
		t.Errorf("at level warn the log has %s, want nothing", all)
	}
	do(t, http.MethodGet, base+"/api/pull?chat=broken", "", "")
	if lines, all := log.take(t); len(lines) != 1 {
		t.Errorf("at level warn the log has %q, want the failure", all)
	}
}

// TestRecovery: a panic is an internal error to the client and a stack in the log, and the server goes on.
func TestRecovery(t *testing.T) {
	base, _, log := start(t, slog.LevelInfo)
	for _, what := range []string{"panic", "panic+with+an+error"} {
		t.Run(what, func(t *testing.T) {
			log.take(t)
			got := do(t, http.MethodGet, base+"/api/pull?chat="+what, "mine", "")
			if got.status != http.StatusInternalServerError || !strings.HasPrefix(got.body, `{"code":"internal","message":"internal error;`) ||
				strings.Contains(got.body, causeText) || got.header.Get("X-Request-Id") != "mine" {
				t.Errorf("a panic = %d %s, want an internal error without the cause", got.status, got.body)
			}
			lines, all := log.take(t)
			if len(lines) != 2 {
				t.Fatalf("the log has %d lines, want the panic and the request: %s", len(lines), all)
			}
			stack, _ := lines[0]["stack"].(string)
			if lines[0]["level"] != "ERROR" || lines[0]["msg"] != "panic" || lines[0]["id"] != "mine" || lines[0]["cause"] != causeText ||
				!strings.Contains(stack, "middleware_test.fake.Pull") {
				t.Errorf("the log has %v, want the panic with its stack", lines[0])
			}
			if lines[1]["msg"] != "request" || lines[1]["status"] != 500.0 || lines[1]["level"] != "WARN" || lines[1]["id"] != "mine" {
				t.Errorf("the log has %v, want the request", lines[1])
			}
		})
	}
	if got := do(t, http.MethodGet, base+"/ping", "", ""); got.status != http.StatusOK {
		t.Errorf("GET /ping = %d after a panic, want 200", got.status)
	}
}
