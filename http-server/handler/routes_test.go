package handler_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestErrorsOfTheService: every route that asks the service returns its errors; ping does not ask.
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
