package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/logging"
)

// plainToTLS stands for HTTP on a port that speaks TLS; it is no status of HTTP's.
const plainToTLS = 0

// ownAnswer is the answer to a connection without a valid request: the request is malformed or too slow, or there are
// too many connections. It ends the connection, and is logged. origin is the page's origin if that may read the answer,
// "*", or empty.
func (l *listener) ownAnswer(peer net.Addr, status int, why fault, origin string) []byte {
	code, message := chat.InvalidArgument, string(cmp.Or(why, notHTTP))
	switch status {
	case plainToTLS:
		status, message = http.StatusBadRequest, "this port speaks HTTPS: use https://"
	case http.StatusRequestTimeout:
		code, message = chat.DeadlineExceeded, fmt.Sprintf("the request did not arrive within %v; nothing was stored", l.limits.request)
	case http.StatusRequestEntityTooLarge:
		code, message = chat.TooLarge, "the body is too large"
	case http.StatusRequestHeaderFieldsTooLarge:
		code, message = chat.TooLarge, fmt.Sprintf("the headers are larger than %d bytes", maxHeaderBytes)
	case http.StatusServiceUnavailable:
		code, message = chat.Unavailable, "this http-server has too many connections; try again"
	}
	id := logging.NewRequestID()
	if l.access.Logs(true) {
		l.log.Info("request", "id", id, "status", status, "code", string(code), "address", hostOf(peer))
	}
	body, _ := json.Marshal(&api.ErrorResponse{Code: string(code), Message: message}) // two strings can be encoded
	var answer bytes.Buffer
	fmt.Fprintf(&answer, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nX-Request-Id: %s\r\n",
		status, http.StatusText(status), time.Now().UTC().Format(http.TimeFormat), len(body), id)
	for _, h := range slices.Concat(middleware.SecurityHeaders(l.encrypted), middleware.CORSHeaders(l.origins.Get(), origin)) {
		fmt.Fprintf(&answer, "%s: %s\r\n", h.Name, h.Value)
	}
	if code == chat.Unavailable {
		answer.WriteString("Retry-After: 1\r\n")
	}
	answer.WriteString("Connection: close\r\n\r\n")
	answer.Write(body)
	return answer.Bytes()
}

// hostOf is an address without its port.
func hostOf(peer net.Addr) string {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().String()
	}
	return ""
}

const version = "HTTP/1.1 "

// beginsAnswer: a body, which may be written by itself, is JSON or YAML.
func beginsAnswer(b []byte) bool {
	return len(b) >= len(version)+3 && string(b[:len(version)]) == version
}

// answerStatus returns the status of the answer that begins with b.
func answerStatus(b []byte) int {
	status, err := strconv.Atoi(string(b[len(version) : len(version)+3]))
	if err != nil {
		return http.StatusBadRequest
	}
	return status
}

// turnAwayBytes is how much of its request is read, so that the end of the connection does not overtake the answer.
const turnAwayBytes = 64 << 10

// turnAway answers 503 on a connection and closes it, beside the others; where too many are being turned away, it
// closes at once.
func (l *listener) turnAway(inner net.Conn) {
	l.metrics.Refusal("connections")
	select {
	case l.turning <- struct{}{}:
	default:
		_ = inner.Close()
		return
	}
	l.turnedAway.Go(func() {
		defer func() { <-l.turning }()
		defer func() { _ = inner.Close() }()
		_ = inner.SetDeadline(time.Now().Add(l.limits.turnAway))
		origin, err := l.readOrigin(inner) // an answer that comes before its request may be lost
		if err != nil {
			return
		}
		_ = inner.SetDeadline(time.Now().Add(l.limits.turnAway))
		if _, err := inner.Write(l.ownAnswer(inner.RemoteAddr(), http.StatusServiceUnavailable, "", origin)); err != nil {
			return
		}
		if half, ok := inner.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_, _ = io.CopyN(io.Discard, inner, turnAwayBytes)
		}
	})
}

// readOrigin waits for a request, and returns where it comes from if that page may read the answer. It reads on only where
// the answer depends on it.
func (l *listener) readOrigin(inner net.Conn) (string, error) {
	came := make([]byte, maxHeaderBytes)
	var h head
	for n := 0; ; {
		more, err := inner.Read(came[n:])
		if n += more; n == 0 {
			return "", err
		}
		whole, wrong := h.take(came[:n])
		origin := l.originOf(came[:n], &h)
		if whole || wrong != "" || err != nil || n == len(came) || len(l.origins.Get()) == 0 || origin != "" {
			return origin, nil //nolint:nilerr // the server reads the bytes so far, and then meets the error itself
		}
	}
}

// originOf returns where the request that text begins with comes from, as AllowedOrigin does. Where the head was refused, it
// looks behind that too.
func (l *listener) originOf(text []byte, h *head) string {
	if len(l.origins.Get()) == 0 {
		return ""
	}
	origin := text[h.origin.from:h.origin.to]
	for rest := text[h.at:]; len(origin) == 0 && len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if name, value, _ := bytes.Cut(line, []byte(":")); is(name, "origin") {
			origin = bytes.TrimSpace(value)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
	}
	return middleware.AllowedOrigin(l.origins.Get(), origin)
}
