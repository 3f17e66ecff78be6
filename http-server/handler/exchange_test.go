package handler_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

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
