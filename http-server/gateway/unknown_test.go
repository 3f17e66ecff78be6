package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestUnknownParameters: requests that change something refuse unknown query parameters.
func TestUnknownParameters(t *testing.T) {
	t.Parallel()
	base := startGateway(t, &fakeService{})
	client := newClient(t, nil)
	for _, c := range []struct {
		method, target, body string
		status               int
		message              string
	}{
		{"POST", "/api/send?chat=a", goodSend, 400, `unknown query parameter "chat"; there should be none`},
		{"POST", "/api/send?", goodSend, 200, ""},
		{"POST", "/api/send?Limit=", goodSend, 400, `unknown query parameter "Limit"`},
		{"POST", "/api/rooms?sa=alice", `{}`, 400, `unknown query parameter "sa": did you mean "as"?`},
		{"POST", "/api/rooms?AS=alice", `{}`, 201, ""},
		{"POST", "/api/rooms?as=alice", `{"visibilty":"public"}`, 400, `unknown field "visibilty": did you mean "visibility"?`},
		{"PATCH", "/api/rooms/club?as=alice", `{"visibilty":"public"}`, 400, `unknown field "visibilty": did you mean "visibility"?`},
		{"POST", "/api/rooms/club/members?as=alice", `{"members":["bob"]}`, 400, `unknown field "members": did you mean "users"?`},
		{"PATCH", "/api/rooms/club/members/bob?as=alice", `{"roles":"admin"}`, 400, `unknown field "roles": did you mean "role"?`},
		{"POST", "/api/rooms/club/join?user=alice", "", 400, `unknown query parameter "user": did you mean "as"?`},
		{"DELETE", "/api/rooms/club?as=alice&force=true", "", 400, `unknown query parameter "force"; there are only as`},
		{"PUT", "/api/ignored/bob?usr=alice", "", 400, `unknown query parameter "usr"`},
		{"DELETE", "/api/users/me?ersae=true", "", 400, `unknown query parameter "ersae": did you mean "erase"?`},
		{"DELETE", "/api/users/me?user=alice", `{"passwort":"x"}`, 400, `unknown field "passwort": did you mean "password"?`},
		{"POST", "/api/users", `{"user":"a","password":"correct horse","role":"admin"}`, 400, `unknown field "role"`},
		{"POST", "/api/login", `{"username":"a","password":"correct horse"}`, 400, `unknown field "username": did you mean "user"?`},
		{"POST", "/api/refresh", `{"token":"a"}`, 400, `unknown field "token": did you mean "refresh_token"?`},
		{"POST", "/api/logout", `{"all":true}`, 400, `unknown field "all"`},
		{"POST", "/api/password", `{"new":"a"}`, 400, `unknown field "new"`},
		{"POST", "/api/signal", `{"event":"typing"}`, 400, `unknown field "event": did you mean "type"?`},
		{"POST", "/api/read", `{"position":1}`, 400, `unknown field "position": did you mean "cursor"?`},
		{"POST", "/api/pull?more=1", `{"chat":"a","more":1}`, 200, ""},
		{"GET", "/api/pull?chat=a&more=1&limit=&cursor=&reverse=&unread=&wait=&reader=", "", 200, ""},
		{"GET", "/api/rooms?limit=&cursor=&as=alice", "", 200, ""},
		{"GET", "/api/inbox?limit=&cursor=&reader=alice", "", 200, ""},
		{"GET", "/api/users?limit=&cursor=&prefix=", "", 200, ""},
		{"HEAD", "/api/stream?chat=a&chat=&cursor=&inbox=&presence=&batch=&reader=&last_event_id=", "", 200, ""},
	} {
		got := call{method: c.method, target: c.target, body: c.body, header: http.Header{}}.do(t, client, base)
		encoded := strings.ReplaceAll(c.message, `"`, `\"`)
		if got.status != c.status || !strings.Contains(string(got.body), encoded) {
			t.Errorf("%s %s %s = %d %s, want %d %s", c.method, c.target, c.body, got.status, got.body, c.status, c.message)
		}
	}
}
