package handler_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestPull(t *testing.T) {
	service := &recording{}
	addr := start(t, service)
	all := chat.PullRequest{Chat: "alice:bob", Cursor: 7, Limit: 3, Reverse: true, Raw: true}
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
		{"a query on POST", request("POST", "/api/pull?chat=a", "", ""), chat.PullRequest{Chat: "a", Raw: true}, 200, `"has_more":true`},
		{"the query wins", request("GET", "/api/pull?CHAT=b&reverse=false&cursor=0", isJSON, allJSON), chat.PullRequest{Chat: "b", Limit: 3, Raw: true}, 200, ""},
		{"nothing", request("GET", "/api/pull", "", ""), chat.PullRequest{Raw: true}, 200, ""},
		{"the empty page", request("GET", "/api/pull?chat=empty", "", ""), chat.PullRequest{Chat: "empty", Raw: true}, 200, `{"messages":[],"has_more":false,"next_cursor":0}`},
		{"a negative limit is the service's to refuse", request("GET", "/api/pull?limit=-1", "", ""), chat.PullRequest{Limit: -1, Raw: true}, 200, ""},
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
