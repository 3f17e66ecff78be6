package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// closed is a stack with AUTH=on, whose rpc-server asks for a secret.
type closed struct {
	*stack
	t *testing.T
}

func startClosed(t *testing.T) closed {
	t.Helper()
	c := closed{startAs(t, programtest.NewAuth(t), redistest.Start(t).URL()), t}
	programtest.Accounts(t, c.base, addable...)
	return c
}

// addable have accounts: they are added to rooms.
var addable = []string{"bob", "cid", "dan", "eve"}

// startTwoClosed are two that share a Redis and nothing else.
func startTwoClosed(t *testing.T, settings ...string) [2]closed {
	t.Helper()
	return startTwoOver(t, redistest.Start(t), settings...)
}

func startTwoOver(t *testing.T, redis *redistest.Server, settings ...string) [2]closed {
	t.Helper()
	auth := programtest.NewAuth(t)
	var both [2]closed
	for i, rpc := range programtest.StartServers(t, redis.URL(), auth.Servers()...) {
		both[i] = closed{overRPCAs(t, auth, rpc, settings...), t}
	}
	programtest.Accounts(t, both[0].base, addable...)
	return both
}

// request makes a request of a user, or without a token for "".
func (c closed) request(ctx context.Context, user, method, path, body string) *http.Response {
	c.t.Helper()
	if user == "" {
		return c.requestWith(ctx, "", method, path, body)
	}
	return c.requestWith(ctx, c.auth.Token(user), method, path, body)
}

// requestWith makes a request with a token, or without where it is "".
func (c closed) requestWith(ctx context.Context, token, method, path, body string) *http.Response {
	c.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// do wants a status, and returns the answer.
func (c closed) do(user, method, path, body string, status int) map[string]any {
	c.t.Helper()
	response := c.request(c.t.Context(), user, method, path, body)
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		c.t.Errorf("%s: %s %s %s = %d %s, %v; want %d", user, method, path, body, response.StatusCode, text, err, status)
	}
	answer := map[string]any{}
	_ = json.Unmarshal(text, &answer)
	return answer
}

func TestRoomsOverHTTP(t *testing.T) {
	c := startClosed(t)
	c.do("", "POST", "/api/rooms", `{"id":"club"}`, 401)
	c.do("ann", "POST", "/api/rooms", `{"id":"club","users":["bob"]}`, 201)
	c.do("ann", "POST", "/api/rooms", `{"id":"club"}`, 409)
	c.do("bob", "POST", "/api/send", `{"chat":"club","text":"hi"}`, 200)
	c.do("bob", "POST", "/api/send", `{"chat":"club","text":"hi","sender":"ann"}`, 403)
	for _, denied := range []struct{ method, path, body string }{
		{"POST", "/api/send", `{"chat":"club","text":"hi"}`},
		{"GET", "/api/pull?chat=club", ""},
		{"GET", "/api/pull?chat=club&wait=5s", ""},
		{"GET", "/api/stream?chat=club", ""},
		{"POST", "/api/signal", `{"chat":"club","sender":"eve","type":"typing"}`},
		{"POST", "/api/read", `{"chat":"club","reader":"eve","cursor":1}`},
		{"GET", "/api/presence?chat=club", ""},
		{"GET", "/api/rooms/club", ""},
		{"POST", "/api/rooms/club/join", ""},
		{"DELETE", "/api/rooms/club", ""},
		{"POST", "/api/send", `{"chat":"ann:bob","text":"hi"}`},
		{"GET", "/api/pull?chat=ann:bob", ""},
		{"GET", "/api/pull?chat=ann:bob&wait=5s", ""},
		{"GET", "/api/stream?chat=ann:bob", ""},
		{"GET", "/api/stream?chat=lounge&reader=bob", ""},
	} {
		c.do("eve", denied.method, denied.path, denied.body, 403)
		c.do("", denied.method, denied.path, denied.body, 401)
	}
	for _, bad := range []string{`{"visibility":"public","name":"\u202e"}`, `{"name":"Club","visibility":"secret"}`, `{}`} {
		c.do("ann", "PATCH", "/api/rooms/club", bad, 400)
	}
	if shown := c.do("ann", "GET", "/api/rooms/club", "", 200); shown["name"] != "" || shown["visibility"] != "private" {
		t.Errorf("after changes that were refused the room is %v", shown)
	}
	c.do("ann", "PATCH", "/api/rooms/club", `{"name":"Club","visibility":"public"}`, 200)
	c.do("eve", "POST", "/api/rooms/club/join", "", 200)
	c.do("ann", "PATCH", "/api/rooms/club/members/bob", `{"role":"admin"}`, 200)
	if shown := c.do("eve", "GET", "/api/rooms/club", "", 200); shown["name"] != "Club" || shown["member_count"] != 3.0 || shown["role"] != "member" {
		t.Errorf("the room is %v", shown)
	}
	if mine := c.do("eve", "GET", "/api/rooms", "", 200); len(mine["rooms"].([]any)) != 1 {
		t.Errorf("eve's rooms are %v", mine)
	}
	if public := c.do("dan", "GET", "/api/rooms/public", "", 200); len(public["rooms"].([]any)) != 1 {
		t.Errorf("the public rooms are %v", public)
	}
	c.do("bob", "DELETE", "/api/rooms/club/members/eve", "", 200)
	pulled := c.do("bob", "GET", "/api/pull?chat=club&reverse=true&limit=1", "", 200)
	last := pulled["messages"].([]any)[0].(map[string]any)
	if last["text"] != "bob removed eve" || last["type"] != "notice" || last["event"] != "removed" || last["users"].([]any)[0] != "eve" {
		t.Errorf("the last message is %v", last)
	}
	c.do("bob", "PUT", "/api/rooms/club/members/eve", "", 405)
	c.do("bob", "DELETE", "/api/rooms/club", "", 200)
	c.do("bob", "GET", "/api/pull?chat=club", "", 404)
}

// events reads a stream until it ends.
type events struct {
	mutex sync.Mutex
	text  bytes.Buffer
	ended chan struct{}
}

func (c closed) stream(user, path string) *events {
	c.t.Helper()
	response := c.request(c.t.Context(), user, "GET", path, "")
	return c.read(response)
}

// read reads a response that goes on.
func (c closed) read(response *http.Response) *events {
	c.t.Helper()
	if response.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s = %d", response.Request.URL, response.StatusCode)
	}
	e := &events{ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			e.mutex.Lock()
			e.text.WriteString(lines.Text() + "\n")
			e.mutex.Unlock()
		}
	}()
	return e
}

func (e *events) String() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.text.String()
}

// waitFor waits until a stream has told of something.
func (e *events) waitFor(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !strings.Contains(e.String(), text) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("a stream did not tell %q: %s", text, e)
		}
	}
}

// TestStreamsOfRemoved: a member who is removed through another http-server receives nothing after that, through
// whichever transport, and soon.
func TestStreamsOfRemoved(t *testing.T) {
	both := startTwoClosed(t)
	c := both[0]
	c.do("ann", "POST", "/api/rooms", `{"id":"lounge","visibility":"public"}`, 201)
	for _, end := range []struct{ name, method, path, code string }{
		{"removed", "DELETE", "/api/rooms/club/members/bob", "permission_denied"},
		{"deleted", "DELETE", "/api/rooms/club", "not_found"},
	} {
		c.do("ann", "POST", "/api/rooms", `{"id":"club","users":["bob","cid"]}`, 201)
		slow := c.stream("bob", "/api/stream?chat=club&batch=30s")
		streams := []*events{slow, c.stream("bob", "/api/stream?chat=club&chat=lounge&reader=bob/phone"), c.stream("bob", "/api/stream?chat=club&cursor=9007199254740991")}
		socket := c.socket(c.auth.Token("bob"), `{"type":"watch","chat":"club"}`, `{"type":"watch","chat":"lounge","ref":"both"}`)
		stays := c.stream("cid", "/api/stream?chat=club")
		c.do("ann", "POST", "/api/send", `{"chat":"club","text":"before"}`, 200)
		streams[1].waitFor(t, "before")
		socket.waitFor(t, "both")
		socket.waitFor(t, "before")
		slow.waitFor(t, "made this room")
		waiting := make(chan int)
		go func() {
			response := c.request(c.t.Context(), "bob", "GET", "/api/pull?chat=club&wait=20s&cursor=9007199254740991", "")
			waiting <- response.StatusCode
		}()
		stays.waitFor(t, "before")
		began := time.Now()
		both[1].do("ann", end.method, end.path, "", 200)
		if end.name == "removed" {
			both[1].do("ann", "POST", "/api/send", `{"chat":"club","text":"after"}`, 200)
			stays.waitFor(t, "after")
		} else {
			streams = append(streams, stays)
		}
		late := time.After(soon - time.Since(began))
		for _, s := range streams {
			select {
			case <-s.ended:
			case <-late:
				t.Fatalf("%s: a stream has not ended within %v: %s", end.name, soon, s)
			}
			if text := s.String(); !strings.Contains(text, end.code) || strings.Contains(text, "after") ||
				strings.Contains(text, "event: deleted") != (end.name == "deleted") {
				t.Errorf("%s: a stream told %s", end.name, text)
			}
		}
		socket.waitFor(t, `"code":"`+end.code)
		if text := socket.String(); time.Since(began) > soon || strings.Contains(text, "after") {
			t.Errorf("%s: after %v a WebSocket told %s", end.name, time.Since(began), text)
		}
		select {
		case status := <-waiting:
			if status != 403 && status != 404 {
				t.Errorf("%s: a wait ended with %d", end.name, status)
			}
		case <-late:
			t.Errorf("%s: a wait has not ended within %v", end.name, soon)
		}
		if end.name == "removed" {
			c.do("ann", "DELETE", "/api/rooms/club", "", 200)
		}
	}
}

// TestStreamsOfDeleted: with AUTH=off too, the deletion of a room ends the streams that follow it.
func TestStreamsOfDeleted(t *testing.T) {
	c := closed{stack: startStack(t, redistest.Start(t).URL()), t: t}
	c.do("", "POST", "/api/rooms?as=ann", `{"id":"club","name":"Club"}`, 201)
	if inbox := c.do("", "GET", "/api/inbox?reader=ann", "", 200); inbox["chats"].([]any)[0].(map[string]any)["name"] != "Club" {
		t.Errorf("the inbox is %v, want the room's name", inbox)
	}
	follower := c.stream("", "/api/stream?chat=club")
	follower.waitFor(t, "made this room")
	c.do("", "DELETE", "/api/rooms/club?as=ann", "", 200)
	follower.waitFor(t, "event: deleted\ndata: {\"chat\":\"club\"}")
	follower.waitFor(t, "not_found")
	<-follower.ended
}

// TestRPCSecret: an rpc-server answers only callers with its secret, and the gateway says why.
func TestRPCSecret(t *testing.T) {
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redistest.Start(t).URL(), "RPC_SECRET=between us")
	for _, settings := range [][]string{nil, {"RPC_SECRET=something else"}} {
		c := closed{stack: overRPC(t, rpc, settings...), t: t}
		c.do("", "POST", "/api/send", `{"chat":"room","sender":"ann","text":"hi"}`, 503)
		if answer := c.do("", "GET", "/readyz", "", 503); !strings.Contains(answer["message"].(string), "RPC_SECRET") {
			t.Errorf("/readyz = %v", answer)
		}
	}
	c := closed{stack: overRPC(t, rpc, "RPC_SECRET=between us"), t: t}
	c.do("", "POST", "/api/send", `{"chat":"room","sender":"ann","text":"hi"}`, 200)
	c.do("", "GET", "/api/pull?chat=room&wait=1s", "", 200)
	heard := c.stream("", "/api/stream?chat=room")
	heard.waitFor(t, `"hi"`)
	c.do("", "POST", "/api/send", `{"chat":"room","sender":"ann","text":"over a stream of Watch"}`, 200)
	heard.waitFor(t, "over a stream of Watch")
}
