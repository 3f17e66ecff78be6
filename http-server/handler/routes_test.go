package handler_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
)

// TestMain silences Hertz, whose logger is one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

const maxBodyBytes = 256

// recording is a chat.Service that remembers what it was asked.
type recording struct {
	mutex sync.Mutex
	asked []any
	err   error
}

func (r *recording) record(request any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.asked = append(r.asked, request)
}

// take returns what was asked since the last time: nil, or one request.
func (r *recording) take(t *testing.T) any {
	t.Helper()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	asked := r.asked
	r.asked = nil
	switch len(asked) {
	case 0:
		return nil
	case 1:
		return asked[0]
	}
	t.Fatalf("the service was asked %d times by one request: %v", len(asked), asked)
	return nil
}

func (r *recording) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	r.record(m)
	return chat.Receipt{SendTime: chat.MaxSendTime, Duplicate: m.ID == "again"}, r.err
}

func (r *recording) Pull(_ context.Context, request chat.PullRequest) (chat.Page, error) {
	r.record(request)
	if request.Chat == "empty" {
		return chat.Page{}, r.err
	}
	return chat.Page{
		Messages: []chat.Message{
			{Chat: request.Chat, Text: request.Chat, Sender: "alice", SendTime: 1},
			{Chat: request.Chat, Text: "2", Sender: "bob", ID: "b", SendTime: chat.MaxSendTime},
		},
		HasMore: true, NextCursor: chat.MaxCursor,
	}, r.err
}

func (r *recording) Ready(context.Context) error {
	r.record("ready")
	return r.err
}

// start runs a gateway over a Service until the test ends, and returns its address.
func start(t *testing.T, service chat.Service) string {
	t.Helper()
	server, err := gateway.Listen(gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: maxBodyBytes}, service, chattest.Silent{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return server.Addr().String()
}

type answer struct {
	status int
	header http.Header
	closes bool // the connection
	body   string
}

// exchange sends bytes as they are on a connection of their own, which ends with them, and reads one answer.
func exchange(t *testing.T, addr, request string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// The answer may come, and the connection end, before everything was sent.
	_, _ = io.WriteString(conn, request)
	_ = conn.(*net.TCPConn).CloseWrite()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the answer to %.100q: %v", request, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("the answer to %.100q: %v", request, err)
	}
	return answer{response.StatusCode, response.Header, response.Close, string(body)}
}

// request writes a request with a body of known length; header lines end in "\r\n".
func request(method, target, header, body string) string {
	length := ""
	if body != "" {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: pullchat\r\n%s%s\r\n%s", method, target, length, header, body)
}

// chunked writes the same in chunks of 7 bytes, so that the length is not known before the end.
func chunked(method, target, header, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: pullchat\r\nTransfer-Encoding: chunked\r\n%s\r\n", method, target, header)
	for len(body) > 0 {
		n := min(7, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

const (
	isJSON  = "Content-Type: application/json\r\n"
	aSend   = `{"chat":"alice:bob","text":"hello","sender":"alice"}`
	isText  = "Content-Type: text/plain\r\n"
	success = `{"status":"success","send_time":9007199254740990}`
)

var theSend = chat.Message{Chat: "alice:bob", Text: "hello", Sender: "alice"}

// padded is a good send of n bytes.
func padded(n int) string { return aSend + strings.Repeat(" ", n-len(aSend)) }

func withID(id string) string {
	return strings.Replace(aSend, "{", `{"id":"`+id+`",`, 1)
}

func sendWith(id string) chat.Message {
	m := theSend
	m.ID = id
	return m
}

func TestSend(t *testing.T) {
	service := &recording{}
	addr := start(t, service)
	const path = "/api/send"
	for _, c := range []struct {
		name, request string
		asked         any // nil: refused before the service
		status        int
		has           string
	}{
		{"plain", request("POST", path, isJSON, aSend), theSend, 200, success},
		{"without a media type", request("POST", path, "", aSend), theSend, 200, success},
		{"chunked", chunked("POST", path, isJSON, aSend), theSend, 200, success},
		{"as large as allowed", request("POST", path, isJSON, padded(maxBodyBytes)), theSend, 200, success},
		{"chunked, as large as allowed", chunked("POST", path, isJSON, padded(maxBodyBytes)), theSend, 200, success},
		{"with an id", request("POST", path, isJSON, withID("1")), sendWith("1"), 200, success},
		{"with a key", request("POST", path, isJSON+"Idempotency-Key: 1\r\n", aSend), sendWith("1"), 200, success},
		{"with a key in lower case", request("POST", path, isJSON+"idempotency-key: 1\r\n", aSend), sendWith("1"), 200, success},
		{"with both, alike", request("POST", path, isJSON+"Idempotency-Key: 1\r\n", withID("1")), sendWith("1"), 200, success},
		{"with both, different", request("POST", path, isJSON+"Idempotency-Key: 2\r\n", withID("1")), nil, 400, "id and the header Idempotency-Key differ"},
		{"a duplicate", request("POST", path, isJSON, withID("again")), sendWith("again"), 200, `"duplicate":true`},
		{"no body", request("POST", path, isJSON, ""), nil, 400, "not a JSON object"},
		{"an empty body of text", request("POST", path, isText, ""), nil, 400, "not a JSON object"},
		{"chunked, empty", chunked("POST", path, isJSON, ""), nil, 400, "not a JSON object"},
		{"text", request("POST", path, isText, aSend), nil, 415, "unsupported_media_type"},
		{"a wrong charset", request("POST", path, "Content-Type: application/json; charset=latin1\r\n", aSend), nil, 415, "unsupported_media_type"},
		{"a form", request("POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", "chat=a"), nil, 415, "unsupported_media_type"},
		{"a byte too large", request("POST", path, isJSON, padded(maxBodyBytes+1)), nil, 413, "larger than 256 bytes"},
		{"chunked, a byte too large", chunked("POST", path, isJSON, padded(maxBodyBytes+1)), nil, 413, "larger than 256 bytes"},
		{"much too large", request("POST", path, isJSON, padded(100_000)), nil, 413, "larger than 256 bytes"},
		{"chunked, much too large", chunked("POST", path, isJSON, padded(100_000)), nil, 413, "larger than 256 bytes"},
		{"chunked, cut off", "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"chat\"\r\n", nil, 400, "the body ended too early"},
		{"chunked, malformed", "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nseven\r\n{}\r\n0\r\n\r\n", nil, 400, "invalid_argument"},
		{"invalid UTF-8", request("POST", path, isJSON, "{\"chat\":\"\xff\"}"), nil, 400, "not valid UTF-8"},
		{"GET", request("GET", path, isJSON, aSend), nil, 405, "it answers POST"},
		{"with a slash", request("POST", path+"/", isJSON, aSend), nil, 404, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := exchange(t, addr, c.request)
			if got.status != c.status || !strings.Contains(got.body, c.has) {
				t.Errorf("%s = %d %s, want %d %s", c.name, got.status, got.body, c.status, c.has)
			}
			if asked := service.take(t); asked != c.asked {
				t.Errorf("%s asks the service %+v, want %+v", c.name, asked, c.asked)
			}
			oneShape(t, got)
		})
	}
}

// oneShape: every answer is JSON with a request id, and every error has a code and a message.
func oneShape(t *testing.T, a answer) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Error("there is no X-Request-Id")
	}
	var shape struct{ Code, Message string }
	if err := json.Unmarshal([]byte(a.body), &shape); err != nil || a.status != http.StatusOK && (shape.Code == "" || shape.Message == "") {
		t.Errorf("the answer is %s, %v; want the error shape", a.body, err)
	}
}

// TestTooLargeEndsTheConnection: what is left of the body is not taken for the next request.
func TestTooLargeEndsTheConnection(t *testing.T) {
	service := &recording{}
	addr := start(t, service)
	for name, r := range map[string]string{
		"of known length": request("POST", "/api/send", isJSON, padded(100_000)),
		"chunked":         chunked("POST", "/api/send", isJSON, padded(100_000)),
		"cut off":         "POST /api/send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"chat\"\r\n",
	} {
		if got := exchange(t, addr, r); !got.closes {
			t.Errorf("%s: the connection stays open", name)
		}
	}
}

// TestWhatIsNotHTTP is refused by Hertz, in its own words, before any handler: the only answers of another shape.
func TestWhatIsNotHTTP(t *testing.T) {
	service := &recording{}
	addr := start(t, service)
	for name, r := range map[string]string{
		"a body shorter than its length": fmt.Sprintf("POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(aSend)+1, aSend),
		"no length that is a number":     "POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n" + aSend,
		"no request line":                "hello\r\n\r\n",
	} {
		got := exchange(t, addr, r)
		if got.status != http.StatusBadRequest || !got.closes {
			t.Errorf("%s = %d %s, close %v; want 400 and the end of the connection", name, got.status, got.body, got.closes)
		}
		if asked := service.take(t); asked != nil {
			t.Errorf("%s asks the service %+v, want nothing", name, asked)
		}
	}
}

// TestABodyWithoutAnEnd is refused once it is too large: nobody waits for its end.
func TestABodyWithoutAnEnd(t *testing.T) {
	service := &recording{}
	conn, err := net.Dial("tcp", start(t, service))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	endless := strings.TrimSuffix(chunked("POST", "/api/send", isJSON, padded(maxBodyBytes+7)), "0\r\n\r\n")
	if _, err := io.WriteString(conn, endless); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second)) // before the server gives up on the body
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the answer: %v", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("the answer = %d, close %v; want 413 and the end of the connection", response.StatusCode, response.Close)
	}
	if asked := service.take(t); asked != nil {
		t.Errorf("the service is asked %+v, want nothing", asked)
	}
}

// TestRequestsInARow share a connection: a body that was read to its end leaves the next request alone.
func TestRequestsInARow(t *testing.T) {
	service := &recording{}
	addr := start(t, service)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for _, r := range []string{
		request("POST", "/api/send", isJSON, aSend), chunked("POST", "/api/send", isJSON, aSend),
		request("POST", "/api/send", isText, aSend), request("POST", "/api/none", isJSON, aSend),
		request("GET", "/api/pull", isJSON, `{"chat":"a"}`), request("GET", "/ping", "", ""), request("GET", "/ping", isJSON, aSend),
		chunked("POST", "/api/none", isJSON, aSend), request("GET", "/ping", "", ""),
	} {
		if _, err := io.WriteString(conn, r); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("the answer to %q: %v", r, err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.Close {
			t.Fatalf("the answer to %q is %s, %v, close %v", r, body, err, response.Close)
		}
		oneShape(t, answer{response.StatusCode, response.Header, response.Close, string(body)})
	}
}

func TestPull(t *testing.T) {
	service := &recording{}
	addr := start(t, service)
	all := chat.PullRequest{Chat: "alice:bob", Cursor: 7, Limit: 3, Reverse: true}
	const allJSON = `{"Chat":"alice:bob","cursor":7,"LIMIT":3,"reverse":true}`
	for _, c := range []struct {
		name, request string
		asked         any
		status        int
		has           string
	}{
		{"a query", request("GET", "/api/pull?chat=alice:bob&Cursor=7&limit=3&reverse=true", "", ""), all, 200, `"next_cursor":9007199254740991`},
		{"a body on GET", request("GET", "/api/pull", isJSON, allJSON), all, 200, `"has_more":true`},
		{"a chunked body on GET", chunked("GET", "/api/pull", isJSON, allJSON), all, 200, `"has_more":true`},
		{"a body on POST", request("POST", "/api/pull", isJSON, allJSON), all, 200, `"has_more":true`},
		{"a query on POST", request("POST", "/api/pull?chat=a", "", ""), chat.PullRequest{Chat: "a"}, 200, `"has_more":true`},
		{"the query wins", request("GET", "/api/pull?CHAT=b&reverse=false&cursor=0", isJSON, allJSON), chat.PullRequest{Chat: "b", Limit: 3}, 200, ""},
		{"nothing", request("GET", "/api/pull", "", ""), chat.PullRequest{}, 200, ""},
		{"the empty page", request("GET", "/api/pull?chat=empty", "", ""), chat.PullRequest{Chat: "empty"}, 200, `{"messages":[],"has_more":false,"next_cursor":0}`},
		{"a negative limit is the service's to refuse", request("GET", "/api/pull?limit=-1", "", ""), chat.PullRequest{Limit: -1}, 200, ""},
		{"a wrong number", request("GET", "/api/pull?limit=many", "", ""), nil, 400, "limit is not a whole number"},
		{"a wrong number in the body", request("GET", "/api/pull?chat=a", isJSON, `{"limit":"many"}`), nil, 400, "limit is not a whole number"},
		{"a wrong flag", request("GET", "/api/pull?reverse=1", "", ""), nil, 400, "reverse is not true or false"},
		{"a body of text", request("GET", "/api/pull?chat=a", isText, "hello"), nil, 415, "unsupported_media_type"},
		{"an array", request("POST", "/api/pull?chat=a", isJSON, "[]"), nil, 400, "not a JSON object"},
		{"too large", request("POST", "/api/pull?chat=a", isJSON, padded(300)), nil, 413, "too_large"},
		{"DELETE", request("DELETE", "/api/pull?chat=a", "", ""), nil, 405, "it answers GET"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := exchange(t, addr, c.request)
			if got.status != c.status || !strings.Contains(got.body, c.has) {
				t.Errorf("%s = %d %s, want %d %s", c.name, got.status, got.body, c.status, c.has)
			}
			if asked := service.take(t); asked != c.asked {
				t.Errorf("%s asks the service %+v, want %+v", c.name, asked, c.asked)
			}
			oneShape(t, got)
		})
	}
}

// TestPullAnswer is the form of a page, byte for byte.
func TestPullAnswer(t *testing.T) {
	got := exchange(t, start(t, &recording{}), request("GET", "/api/pull?chat=alice:bob", "", "")).body
	want := `{"messages":[` +
		`{"chat":"alice:bob","text":"alice:bob","sender":"alice","send_time":1},` +
		`{"chat":"alice:bob","text":"2","sender":"bob","send_time":9007199254740990,"id":"b"}],` +
		`"has_more":true,"next_cursor":9007199254740991}`
	if got != want {
		t.Errorf("GET /api/pull = %s\nwant %s", got, want)
	}
}

// TestEveryTextComesBack: whatever a text has in it, a client reads it as it was.
func TestEveryTextComesBack(t *testing.T) {
	addr := start(t, &recording{})
	for _, text := range []string{
		"héllo 日本語 😀", "<script>&amp;</script>", "\x00\x01\x1f\x7f\u0085\u2028\u2029\ufeff\ufffd\U0010ffff", `"\/` + "\b\f\n\r\t", "\\u0041",
	} {
		body, err := json.Marshal(map[string]string{"chat": text})
		if err != nil {
			t.Fatal(err)
		}
		got := exchange(t, addr, request("POST", "/api/pull", isJSON, string(body)))
		var page struct{ Messages []struct{ Text string } }
		if err := json.Unmarshal([]byte(got.body), &page); err != nil || len(page.Messages) != 2 || page.Messages[0].Text != text {
			t.Errorf("the text %q comes back as %s, %v", text, got.body, err)
		}
	}
}

// TestErrorsOfTheService come out of every route that asks it; ping asks nobody.
func TestErrorsOfTheService(t *testing.T) {
	addr := start(t, &recording{err: chat.Errorf(chat.Unavailable, "redis does not answer")})
	for target, r := range map[string]string{
		"send":   request("POST", "/api/send", isJSON, aSend),
		"pull":   request("GET", "/api/pull?chat=a", "", ""),
		"readyz": request("GET", "/readyz", "", ""),
	} {
		got := exchange(t, addr, r)
		want := `{"code":"unavailable","message":"redis does not answer"}`
		if got.status != http.StatusServiceUnavailable || got.body != want || got.header.Get("Retry-After") != "1" {
			t.Errorf("%s = %d %s, Retry-After %q; want 503 %s", target, got.status, got.body, got.header.Get("Retry-After"), want)
		}
	}
	if got := exchange(t, addr, request("GET", "/ping", "", "")); got.status != http.StatusOK || got.body != `{"message":"pong"}` {
		t.Errorf("ping = %d %s, want pong", got.status, got.body)
	}
}

// TestHead answers as GET does, without the body.
func TestHead(t *testing.T) {
	addr := start(t, &recording{})
	for _, target := range []string{"/ping", "/readyz", "/openapi.yaml", "/api/pull?chat=a"} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "HEAD "+target+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		_ = conn.Close()
		header, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		if err != nil || !strings.HasPrefix(header, "HTTP/1.1 200 OK\r\n") || body != "" {
			t.Errorf("HEAD %s = %q, %v; want 200 without a body", target, answer, err)
		}
	}
}

func TestHealth(t *testing.T) {
	addr := start(t, &recording{})
	for target, want := range map[string]string{"/ping": `{"message":"pong"}`, "/readyz": `{"status":"ready"}`} {
		if got := exchange(t, addr, request("GET", target, "", "")); got.status != http.StatusOK || got.body != want {
			t.Errorf("GET %s = %d %s, want %s", target, got.status, got.body, want)
		}
	}
}
