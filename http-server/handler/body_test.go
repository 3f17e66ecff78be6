package handler_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTooLargeEndsTheConnection: the rest of the body is not taken for the next request.
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

// TestABodyWithoutAnEnd is refused once it is too large, without waiting for its end.
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
