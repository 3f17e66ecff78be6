// Package traces checks the spans of the real programs at a collector.
package traces

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/tracetest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

const (
	server   = traces.Span_SPAN_KIND_SERVER
	client   = traces.Span_SPAN_KIND_CLIENT
	internal = traces.Span_SPAN_KIND_INTERNAL
)

// Texts and names of users. None of them may be in a span.
const (
	said     = "a text that only the two may read"
	password = "correct horse"
	chat     = "alice:bob"
)

// traceOf returns the id of the trace that a test gives its n-th request, and parentOf that of the span in it.
func traceOf(n int) string  { return fmt.Sprintf("%032x", 0xabc000+n) }
func parentOf(n int) string { return fmt.Sprintf("%016x", 0xdef000+n) }

// stack is the programs with AUTH=on, which send their spans to a collector.
type stack struct {
	t         *testing.T
	collector *tracetest.Collector
	programs  []*programtest.Process // in the order in which they stop
	base      string
	token     string // of alice
	number    int    // of requests
}

// ask makes a request in a trace of its own, with a text in front of its traceparent's flags, and returns the number of the
// trace, the answer and its body.
func (s *stack) ask(method, path, flags string, body any) (n int, answer *http.Response, read []byte) {
	s.t.Helper()
	s.number++
	n = s.number
	sent := []byte(nil)
	if body != nil {
		sent, _ = json.Marshal(body)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.base+path, bytes.NewReader(sent))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Traceparent", "00-"+traceOf(n)+"-"+parentOf(n)+"-"+flags)
	answer, err = (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	read, _ = io.ReadAll(answer.Body)
	return n, answer, read
}

// stop ends the programs, which send the remaining spans, and returns all spans.
func (s *stack) stop() []tracetest.Span {
	s.t.Helper()
	for _, p := range s.programs {
		p.Terminate()
		if state := p.Exit(); state.ExitCode() != 0 {
			s.t.Errorf("a program ends with %v: %s", state, p.Output())
		}
	}
	return s.collector.Spans()
}

// the returns the only span of a trace that has a name, or the first one if several is set.
func (s *stack) the(spans []tracetest.Span, n int, service, name string) tracetest.Span {
	s.t.Helper()
	var found []tracetest.Span
	for _, span := range spans {
		if span.Trace() == traceOf(n) && span.Service == service && span.GetName() == name {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		s.t.Fatalf("%d spans of %s are named %q in the trace %d; it has:\n%s", len(found), service, name, n, s.trace(spans, n))
	}
	return found[0]
}

func (s *stack) trace(spans []tracetest.Span, n int) string {
	var b strings.Builder
	for _, span := range spans {
		if span.Trace() == traceOf(n) {
			fmt.Fprintln(&b, span)
		}
	}
	return b.String()
}

// below fails the test unless a span is a child of another one, of a kind.
func (s *stack) below(parent string, child tracetest.Span, kind traces.Span_SpanKind) {
	s.t.Helper()
	if child.Parent() != parent || child.GetKind() != kind {
		s.t.Errorf("%v: the parent is not %s, or the kind not %s", child, parent, kind)
	}
}

func startStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, collector: tracetest.Start(t)}
	auth := programtest.NewAuth(t)
	to := "TRACES_ENDPOINT=" + s.collector.URL()
	rpc := programtest.Start(t, "rpc-server", auth.Servers("REDIS_URL="+redistest.Start(t).URL(), to, "RPC_DRAIN_DELAY=0s")...)
	below := "RPC_SERVERS=" + rpc.Addr()
	gateway := programtest.Start(t, "http-server", auth.Gateways(below, to)...)
	device := programtest.StartTCP(t, "device", auth.Gateways(below, to, "DEVICE_ADDR=127.0.0.1:0")...)
	s.programs = []*programtest.Process{device, gateway, rpc}
	s.base, s.token = gateway.Addr(), auth.Token("alice")
	return s
}

// TestOneTrace: a request of a client that has a trace is one trace down to Redis, over both programs.
func TestOneTrace(t *testing.T) {
	s := startStack(t)
	sent, answer, _ := s.ask(http.MethodPost, "/api/send", "01", map[string]any{"chat": chat, "text": said})
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("traceresponse"), "00-"+traceOf(sent)+"-") {
		t.Errorf("a send = %d with traceresponse %q", answer.StatusCode, answer.Header.Get("traceresponse"))
	}
	pulled, _, _ := s.ask(http.MethodGet, "/api/pull?chat="+chat, "01", nil)
	joined, _, _ := s.ask(http.MethodGet, "/api/inbox", "01", nil) // in no batch
	refused, _, _ := s.ask(http.MethodPost, "/api/send", "01", map[string]any{"chat": chat, "text": ""})
	unsampled, answer, _ := s.ask(http.MethodPost, "/api/send", "00", map[string]any{"chat": chat, "text": said})
	if !strings.HasSuffix(answer.Header.Get("traceresponse"), "-00") {
		t.Errorf("traceresponse = %q for a request that is not recorded", answer.Header.Get("traceresponse"))
	}
	health, _, _ := s.ask(http.MethodGet, "/readyz", "01", nil)
	spans := s.stop()
	if log := s.programs[1].Output(); !strings.Contains(log, `"trace":"`+traceOf(sent)+`"`) || strings.Contains(log, traceOf(unsampled)) {
		t.Errorf("the log has not the recorded traces: %s", log)
	}

	const http, rpc = "pullchat-http-server", "pullchat-rpc-server"
	for n, c := range map[int]struct{ route, method, first, second, redis string }{
		sent:   {"POST /api/send", "IMService/Send", "batch rpc_send", "batch redis_append", "EVALSHA"},
		pulled: {"GET /api/pull", "IMService/Pull", "batch rpc_pull", "batch redis_range", "ZRANGE"},
	} {
		request := s.the(spans, n, http, c.route)
		s.below(parentOf(n), request, server)
		batch := s.the(spans, n, http, c.first)
		s.below(request.ID(), batch, internal)
		var call, answered, stored tracetest.Span
		call = s.the(spans, n, http, c.method)
		s.below(batch.ID(), call, client)
		answered = s.the(spans, n, rpc, c.method)
		s.below(call.ID(), answered, server)
		stored = s.the(spans, n, rpc, c.second)
		s.below(answered.ID(), stored, internal)
		if !batch.Links(request) || !stored.Links(answered) {
			t.Errorf("%v or %v has no link to its request", batch, stored)
		}
		trips := 0
		for _, span := range spans {
			if span.Parent() == stored.ID() && span.GetKind() == client && strings.Contains(span.GetName(), c.redis) && span.Attribute("db.system.name") == "redis" {
				trips++
			}
		}
		if trips == 0 {
			t.Errorf("there is no %s below %v:\n%s", c.redis, stored, s.trace(spans, n))
		}
		if request.Attribute("http.response.status_code") != "200" || request.Attribute("pullchat.kind") != "request" || "POST "+request.Attribute("http.route") != "POST "+strings.Fields(c.route)[1] {
			t.Errorf("the request is %v", request)
		}
	}
	inbox := s.the(spans, joined, http, "IMService/Inbox")
	s.below(s.the(spans, joined, http, "GET /api/inbox").ID(), inbox, client)
	s.below(inbox.ID(), s.the(spans, joined, rpc, "IMService/Inbox"), server)
	if got := s.trace(spans, joined); !strings.Contains(got, "db.system.name") {
		t.Errorf("there is no Redis in\n%s", got)
	}
	if code := s.the(spans, refused, http, "POST /api/send").Attribute("pullchat.code"); code != "invalid_argument" {
		t.Errorf("the code of a refused request is %q", code)
	}
	if code := s.the(spans, refused, rpc, "IMService/Send").Attribute("rpc.response.status_code"); code != "400" {
		t.Errorf("the code of a refused call is %q", code)
	}
	for _, n := range []int{unsampled, health} {
		if got := s.trace(spans, n); got != "" {
			t.Errorf("a request that is not to be recorded, or a health check, has spans:\n%s", got)
		}
	}
	for _, span := range spans { // probes, watches and background work have none
		if !strings.HasPrefix(span.Trace(), strings.Repeat("0", 20)) {
			t.Errorf("%v belongs to no request", span)
		}
	}
}

// TestKinds: spans of streams, WebSockets, waits and devices have their kind, and end with their request.
func TestKinds(t *testing.T) {
	s := startStack(t)
	waited, _, _ := s.ask(http.MethodGet, "/api/pull?wait=1ms&chat="+chat, "01", nil)
	unknown, _, _ := s.ask(http.MethodGet, "/"+chat+"?text="+strings.ReplaceAll(said, " ", "+"), "01", nil)
	s.ask(http.MethodPost, "/api/users", "01", map[string]any{"user": "alice", "password": password})

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.base+"/api/stream?chat="+chat+"&access_token="+s.token, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-"+traceOf(100)+"-"+parentOf(100)+"-01")
	events, err := http.DefaultClient.Do(request)
	if err != nil || events.StatusCode != http.StatusOK {
		t.Fatalf("the stream is answered %v, %v", events, err)
	}
	defer func() { _ = events.Body.Close() }()
	socket, answer, err := websocket.Dial(t.Context(), "ws://"+s.base+"/api/ws?access_token="+s.token, &websocket.DialOptions{
		HTTPHeader: http.Header{"Traceparent": {"00-" + traceOf(101) + "-" + parentOf(101) + "-01"}},
	})
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the WebSocket is answered %v, %v", answer, err)
	}
	defer func() { _ = socket.CloseNow() }()
	for _, frame := range []string{`{"type":"send","chat":"` + chat + `","text":"` + said + `"}`, `{"type":"alice"}`} {
		if err := socket.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := socket.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.device()
	spans := s.stop()

	const gateway = "pullchat-http-server"
	if kind := s.the(spans, waited, gateway, "GET /api/pull").Attribute("pullchat.kind"); kind != "wait" {
		t.Errorf("a pull with wait is a %q", kind)
	}
	nowhere := s.the(spans, unknown, gateway, "GET")
	if nowhere.Attribute("http.response.status_code") != "404" {
		t.Errorf("a request of no route is %v", nowhere)
	}
	stream, connection := s.the(spans, 100, gateway, "GET /api/stream"), s.the(spans, 101, gateway, "GET /api/ws")
	for _, span := range []tracetest.Span{stream, connection} {
		if span.Attribute("pullchat.kind") != "stream" {
			t.Errorf("%v is no stream", span)
		}
	}
	if connection.Attribute("http.response.status_code") != "101" {
		t.Errorf("the WebSocket is %v", connection)
	}
	commands := map[string]tracetest.Span{}
	for _, span := range spans {
		if span.Attribute("pullchat.command") != "" {
			commands[span.GetName()] = span
		}
		for _, secret := range []string{said, "only the two", password, s.token, "alice", "sensor1", "access_token", "text=", "wait="} {
			if span.Has(secret) {
				t.Errorf("%q is in %v", secret, span)
			}
		}
	}
	for name, of := range map[string]string{
		"websocket send": gateway, "websocket unknown": gateway, "device connect": "pullchat-tcp-server", "device send": "pullchat-tcp-server", "device request": "pullchat-tcp-server",
	} {
		command, made := commands[name]
		if !made || command.Service != of || command.Parent() != "" || command.GetKind() != server || of == gateway && !command.Links(connection) {
			t.Errorf("%s is %v of %v", name, command, commands)
		}
	}
	if sent := commands["websocket send"]; sent.GetEndTimeUnixNano() > connection.GetEndTimeUnixNano() {
		t.Errorf("%v has ended before its command %v", connection, sent)
	}
	if code := commands["websocket unknown"].Attribute("pullchat.code"); code != "invalid_argument" {
		t.Errorf("the code of a refused frame is %q", code)
	}
	stored := 0
	for _, span := range spans { // a device's send goes through to Redis, too
		if span.Trace() == commands["device send"].Trace() && span.GetName() == "batch redis_append" {
			stored++
		}
	}
	if stored != 1 {
		t.Errorf("the send of a device has %d batches in Redis, want 1", stored)
	}
}

// device connects a device, which sends a message and asks for something.
func (s *stack) device() {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.programs[0].Addr())
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	lines := bufio.NewReader(conn)
	for _, object := range []string{
		`{"action":"connect","deviceUid":"sensor1","uid":"1","data":{"token":"` + s.token + `"}}`,
		`{"action":"send","deviceUid":"sensor1","uid":"2","data":{"chat":"` + chat + `","text":"` + said + `"}}`,
		`{"action":"alice","deviceUid":"sensor1","uid":"3","data":null}`,
		`{"action":"ack","deviceUid":"sensor1","uid":"none","data":null}`, // answered after the request, which is not
	} {
		if _, err := io.WriteString(conn, object+"\n"); err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(object, `"uid":"3"`) {
			continue
		}
		if answer, err := lines.ReadString('\n'); err != nil || !strings.Contains(answer, `.response"`) {
			s.t.Fatalf("the device is answered %q, %v", answer, err)
		}
	}
}

// TestServe: one process has the whole trace, and stops with a collector that is away.
func TestServe(t *testing.T) {
	s := &stack{t: t, collector: tracetest.Start(t)}
	p := programtest.StartServe(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+s.collector.URL(), "OTEL_SERVICE_NAME=everything")
	s.programs, s.base = []*programtest.Process{p}, p.Addr()
	n, _, _ := s.ask(http.MethodPost, "/api/send", "01", map[string]any{"chat": chat, "sender": "alice", "text": said})
	spans := s.stop()
	for _, name := range []string{"POST /api/send", "batch rpc_send", "batch redis_append"} {
		s.the(spans, n, "everything", name)
	}
	p = programtest.StartServe(t, "TRACES_ENDPOINT=http://127.0.0.1:1")
	s.programs, s.base = []*programtest.Process{p}, p.Addr()
	for range 10 {
		if _, answer, _ := s.ask(http.MethodPost, "/api/send", "01", map[string]any{"chat": chat, "sender": "alice", "text": said}); answer.StatusCode != http.StatusOK {
			t.Errorf("without a collector a send is answered %d", answer.StatusCode)
		}
	}
	s.stop()
	if n := strings.Count(p.Output(), "the collector does not take spans"); n != 1 {
		t.Errorf("the log says %d times that the collector is away, want once", n)
	}
}
