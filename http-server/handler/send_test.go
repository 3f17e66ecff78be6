package handler_test

import (
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

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
		{"half of a surrogate pair", request("POST", path, isJSON, `{"chat":"alice:bob","text":"\ud83d","sender":"alice"}`), nil, 400, "half of a surrogate pair"},
		{"chunked, empty", chunked("POST", path, isJSON, ""), nil, 400, "not a JSON object"},
		{"text", request("POST", path, isText, aSend), nil, 415, "unsupported_media_type"},
		{"a charset", request("POST", path, "Content-Type: application/json; charset=latin1\r\n", aSend), theSend, 200, success},
		{"an encoding", request("POST", path, isJSON+"Content-Encoding: gzip\r\n", aSend), nil, 415, "unsupported_media_type"},
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
