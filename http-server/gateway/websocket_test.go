package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// socket is a client of /api/ws.
type socket struct{ *websocket.Conn }

func connect(t *testing.T, addr, origin string) socket {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	conn, _, err := websocket.Dial(t.Context(), "ws://"+addr+"/api/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return socket{conn}
}

func (s socket) say(t *testing.T, frame string) {
	t.Helper()
	if err := s.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatalf("write %.200s: %v", frame, err)
	}
}

func (s socket) hear(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kind, text, err := s.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		t.Fatalf("read = %v %q, %v; want a text frame", kind, text, err)
	}
	return string(text)
}

// asks says a frame and hears its reply.
func (s socket) asks(t *testing.T, frame, want string) {
	t.Helper()
	s.say(t, frame)
	if got := s.hear(t); got != want {
		t.Errorf("%.200s is answered with\n%s, want\n%s", frame, got, want)
	}
}

// closes reads the connection to its end, which has this code.
func (s socket) closes(t *testing.T, want websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, text, err := s.Read(ctx)
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != want {
			t.Errorf("the connection ends with %d, after %q: %v; want %d", got, text, err, want)
		}
		return
	}
}

// TestDocumentedWebSocket is the conversation in docs/live.md, but for the times. The message of a send comes before or
// after its reply.
func TestDocumentedWebSocket(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	d.send(t, "alice:bob", "alice", "hello")
	s := connect(t, d.addr, "")
	var said string
	var want []string
	steps := 0
	check := func() {
		got := make([]string, len(want))
		for i := range want {
			got[i] = s.hear(t)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s is answered with %q, want %q", said, got, want)
		}
		want = nil
		steps++
	}
	for line := range strings.Lines(document(t)) {
		line = strings.TrimSuffix(line, "\n")
		if frame, ok := strings.CutPrefix(line, "→ "); ok {
			if said != "" {
				check()
			}
			s.say(t, frame)
			said = frame
		} else if frame, ok := strings.CutPrefix(line, "← "); ok {
			want = append(want, frame)
		}
	}
	check()
	if steps != 3 {
		t.Errorf("docs/live.md has %d frames of a client, want 3", steps)
	}
}

func errorReply(ref, code, message string) string {
	if ref != "" {
		ref = `"ref":"` + ref + `",`
	}
	after := ""
	if code == "unavailable" {
		after = `,"retry_after":1`
	}
	return `{"type":"error",` + ref + `"code":"` + code + `","message":"` + message + `"` + after + `}`
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	s := connect(t, d.addr, "")
	messages := `"messages":[{"chat":"room","text":"one","sender":"alice","send_time":1000,"id":"1"}],"has_more":true,"next_cursor":1001}`
	for _, c := range []struct{ frame, want string }{
		{`{"type":"ping"}`, `{"type":"pong"}`},
		{`{"Type":"ping","Ref":"a","more":1}`, `{"type":"pong","ref":"a"}`},
		{`{"type":"send","ref":"b","chat":"room","sender":"alice","text":"one","id":"1"}`, `{"type":"sent","ref":"b","send_time":1000}`},
		{`{"type":"send","ref":"b","chat":"room","sender":"alice","text":"one","id":"1"}`, `{"type":"sent","ref":"b","send_time":1000,"duplicate":true}`},
		{`{"type":"send","chat":"room","sender":"alice","text":"two"}`, `{"type":"sent","send_time":1001}`},
		{`{"type":"pull","ref":"c","chat":"room","limit":1}`, `{"type":"page","ref":"c","chat":"room",` + messages},
		{`{"type":"pull","ref":"c","chat":"room","limit":1,"reverse":true,"cursor":1000}`, `{"type":"page","ref":"c","chat":"room",` + strings.Replace(messages, `true,"next_cursor":1001`, `false,"next_cursor":0`, 1)},
		{`{"type":"pull","ref":"d","chat":"empty","cursor":7}`, `{"type":"page","ref":"d","chat":"empty","messages":[],"has_more":false,"next_cursor":7}`},
		{`{"type":"read","ref":"e","chat":"room","reader":"bob/phone","cursor":9}`, `{"type":"read","ref":"e","chat":"room","reader":"bob/phone","cursor":9}`},
		{`{"type":"read","ref":"e","chat":"room","reader":"bob/phone","cursor":3}`, `{"type":"read","ref":"e","chat":"room","reader":"bob/phone","cursor":9}`},
		{`{"type":"signal","ref":"f","chat":"room","sender":"alice","signal":"typing","data":"x"}`, `{"type":"signalled","ref":"f"}`},
		{`{"type":"watch","ref":"g","chat":"empty","cursor":0}`, `{"type":"watching","ref":"g","chat":"empty"}`},
		{`{"type":"unwatch","ref":"h","chat":"empty"}`, `{"type":"unwatched","ref":"h","chat":"empty"}`},
		{`{"type":"unwatch","ref":"h","chat":"never"}`, `{"type":"unwatched","ref":"h","chat":"never"}`},
		{`{"type":"ping","ref":"` + strings.Repeat("r", 64) + `"}`, `{"type":"pong","ref":"` + strings.Repeat("r", 64) + `"}`},
	} {
		s.asks(t, c.frame, c.want)
	}
}

// TestWatched: events of watched chats.
func TestWatched(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	s := connect(t, d.addr, "")
	s.asks(t, `{"type":"watch","ref":"1","chat":"b:a"}`, `{"type":"watching","ref":"1","chat":"b:a"}`)
	page := func(text string, at int) string {
		return fmt.Sprintf(`{"type":"messages","chat":"b:a","messages":[%s],"has_more":false,"next_cursor":%d}`, message("b:a", text, "a", at), at+1)
	}
	hears := func(want string) {
		t.Helper()
		if got := s.hear(t); got != want {
			t.Errorf("a frame is\n%s, want\n%s", got, want)
		}
	}
	d.send(t, "a:b", "a", "one")
	hears(page("one", 1000))
	if err := d.world.Signal(t.Context(), chat.Signal{Chat: "a:b", Sender: "a", Type: "typing", Data: "x"}); err != nil {
		t.Fatal(err)
	}
	hears(`{"type":"signal","chat":"b:a","sender":"a","signal":"typing","data":"x"}`)
	if _, err := d.world.Read(t.Context(), chat.ReadRequest{Chat: "a:b", Reading: chat.Reading{Reader: "a", Cursor: 1001}}); err != nil {
		t.Fatal(err)
	}
	hears(`{"type":"read","chat":"b:a","reader":"a","cursor":1001}`)
	if _, err := d.world.Deliveries.Deliver(t.Context(), chat.Delivery{Chat: "a:b", Reader: "b", Position: 1001}); err != nil {
		t.Fatal(err)
	}
	hears(`{"type":"delivered","chat":"b:a","reader":"b","cursor":1001}`)
	s.asks(t, `{"type":"watch","ref":"2","chat":"b:a","cursor":1000,"reader":"b","presence":false}`, `{"type":"watching","ref":"2","chat":"b:a"}`)
	hears(page("one", 1000)) // once more: it was asked for
	s.asks(t, `{"type":"watch","ref":"3","chat":"b:a","cursor":1001,"presence":true}`, `{"type":"watching","ref":"3","chat":"b:a"}`)
	// Presence is reported on a tick. A tick between the two watches reported b, and takes that back later.
	present := s.hear(t)
	if present == `{"type":"presence","chat":"b:a","readers":["b"],"count":1}` {
		present = s.hear(t)
	}
	if want := `{"type":"presence","chat":"b:a","readers":[],"count":0}`; present != want {
		t.Errorf("a frame is\n%s, want\n%s", present, want)
	}
	s.asks(t, `{"type":"unwatch","chat":"a:b"}`, `{"type":"unwatched","chat":"a:b"}`)
	d.send(t, "a:b", "a", "two")
	s.asks(t, `{"type":"ping"}`, `{"type":"pong"}`)
	s.asks(t, `{"type":"watch","chat":"b:a","cursor":1001}`, `{"type":"watching","chat":"b:a"}`)
	hears(page("two", 1001))
}

// TestRefusedFrames change nothing, and the connection goes on.
func TestRefusedFrames(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	s := connect(t, d.addr, "")
	s.asks(t, `{"type":"send","chat":"room","sender":"a","text":"x","id":"1"}`, `{"type":"sent","send_time":1000}`)
	const invalid = "invalid_argument"
	for _, c := range []struct{ frame, ref, code, want string }{
		{`{"type":"shout","ref":"1"}`, "1", invalid, `type \"shout\" is none of auth, delivered, ping, pull, read, send, signal, unwatch, watch`},
		{`{}`, "", invalid, `type \"\" is none of`},
		{`hello`, "", invalid, "not a JSON object"},
		{`[]`, "", invalid, "not a JSON object"},
		{``, "", invalid, "not a JSON object"},
		{`{"type":"ping"`, "", invalid, "not valid JSON"},
		{`{"type":"pull","ref":"1","chat":1}`, "1", invalid, "chat is not a string"},
		{`{"type":"pull","ref":"1","chat":"room","cursor":"1"}`, "1", invalid, "cursor is not a whole number"},
		{`{"type":"ping","ref":"` + strings.Repeat("r", 65) + `"}`, "", invalid, "ref is 65 bytes; the limit is 64"},
		{`{"type":"ping","ref":1}`, "", invalid, "ref is not a string"},
		{`{"type":"send","ref":"1","chat":"a:b","sender":"carol","text":"x"}`, "1", invalid, "not one of the two"},
		{`{"type":"send","ref":"1","chat":"room","sender":"a"}`, "1", invalid, "text is empty"},
		{`{"type":"send","ref":"1","chat":"room","sender":"a","text":"y","id":"1"}`, "1", "conflict", "different text"},
		{`{"type":"pull","ref":"1","chat":"room","limit":-1}`, "1", invalid, "limit is -1"},
		{`{"type":"read","ref":"1","chat":"a:b","reader":"carol"}`, "1", invalid, "not one of the two"},
		{`{"type":"read","ref":"1","chat":"room","reader":"a","cursor":-1}`, "1", invalid, "cursor is -1"},
		{`{"type":"signal","ref":"1","chat":"room","sender":"a"}`, "1", invalid, "type"},
		{`{"type":"signal","ref":"1","chat":"room","sender":"a","signal":"x","data":"` + strings.Repeat("x", 257) + `"}`, "1", invalid, "data is 257 bytes"},
		{`{"type":"watch","ref":"1","chat":"a:b:c"}`, "1", invalid, "chat"},
		{`{"type":"watch","ref":"1","chat":"room","cursor":-1}`, "1", invalid, "cursor is -1"},
		{`{"type":"watch","ref":"1","chat":"room","limit":-1}`, "1", invalid, "limit is -1"},
		{`{"type":"watch","ref":"1","chat":"room","batch":"1h"}`, "1", invalid, "batch is 1h0m0s"},
		{`{"type":"watch","ref":"1","chat":"room","batch":"2"}`, "1", invalid, "batch is not a time"},
		{`{"type":"watch","ref":"1","chat":"a:b","reader":"carol"}`, "1", invalid, "not one of the two"},
		{`{"type":"unwatch","ref":"1","chat":"a:b:c"}`, "1", invalid, "chat"},
	} {
		s.say(t, c.frame)
		got := s.hear(t)
		if !strings.HasPrefix(got, strings.TrimSuffix(errorReply(c.ref, c.code, ""), `"}`)) || !strings.Contains(got, c.want) {
			t.Errorf("%.100s is answered with %s, want %s: %s", c.frame, got, c.code, c.want)
		}
	}
	if page, err := d.world.Pull(t.Context(), chat.PullRequest{Chat: "room"}); err != nil || len(page.Messages) != 1 {
		t.Errorf("the chat has %+v, %v; want the first message alone", page, err)
	}
	if id, _ := chat.ParseID("room"); d.world.Watched(id) {
		t.Error("a refused frame has the chat watched")
	}
	d.world.Fail(chat.Errorf(chat.Unavailable, "redis is away"))
	s.asks(t, `{"type":"pull","ref":"9","chat":"room"}`, errorReply("9", "unavailable", "redis is away"))
}

func TestTooManyWatches(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	s := connect(t, d.addr, "")
	for i := range 1000 {
		s.asks(t, fmt.Sprintf(`{"type":"watch","chat":"c%d"}`, i), fmt.Sprintf(`{"type":"watching","chat":"c%d"}`, i))
	}
	const want = "1000 chats are watched, which is the limit of a connection; unwatch one, or open another"
	s.asks(t, `{"type":"watch","ref":"x","chat":"more"}`, errorReply("x", "invalid_argument", want))
	s.asks(t, `{"type":"watch","ref":"x","chat":"c7","cursor":5}`, `{"type":"watching","ref":"x","chat":"c7"}`) // it is none more
	s.asks(t, `{"type":"unwatch","chat":"c8"}`, `{"type":"unwatched","chat":"c8"}`)
	s.asks(t, `{"type":"watch","ref":"x","chat":"more"}`, `{"type":"watching","ref":"x","chat":"more"}`)
}

type frameReply struct {
	Type, Ref, Code, Message string
	RetryAfter               int `json:"retry_after"`
}

// TestFramesCount as requests do.
func TestFramesCount(t *testing.T) {
	t.Parallel()
	rate := ratelimit.Rate{Requests: 3, Per: time.Hour}
	refused := func(s socket, frame string) {
		t.Helper()
		s.say(t, frame)
		text := s.hear(t)
		var got frameReply
		err := json.Unmarshal([]byte(text), &got)
		after := got.RetryAfter
		got.RetryAfter = 0
		want := frameReply{Type: "error", Ref: "1", Code: "resource_exhausted", Message: "more than 3/h requests; wait for Retry-After"}
		if err != nil || got != want || after <= 0 || after > 1200 {
			t.Errorf("%s is answered with %s, %v; want %+v and up to 1200 s", frame, text, err, want)
		}
	}
	d := openGateway(t, Config{RateLimit: rate}, usual)
	s := connect(t, d.addr, "") // counts
	s.asks(t, `{"type":"send","chat":"room","sender":"a","text":"x"}`, `{"type":"sent","send_time":1000}`)
	for i := range 5 { // watching is part of the connection
		s.asks(t, fmt.Sprintf(`{"type":"watch","chat":"c%d"}`, i), fmt.Sprintf(`{"type":"watching","chat":"c%d"}`, i))
	}
	s.asks(t, `{"type":"pull","chat":"other"}`, `{"type":"page","chat":"other","messages":[],"has_more":false,"next_cursor":0}`)
	refused(s, `{"type":"send","ref":"1","chat":"room","sender":"a","text":"x"}`)
	s.asks(t, `{"type":"ping"}`, `{"type":"pong"}`)
	if _, response, err := websocket.Dial(t.Context(), "ws://"+d.addr+"/api/ws", nil); err == nil || response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("Dial() = %v, %v; want 429", response, err)
	}

	byUser := openGateway(t, Config{RateLimit: rate, RateLimitBy: "user"}, usual)
	s = connect(t, byUser.addr, "")
	for range 3 {
		s.say(t, `{"type":"send","chat":"room","sender":"a","text":"x"}`)
		s.hear(t)
	}
	refused(s, `{"type":"send","ref":"1","chat":"room","sender":"a","text":"x"}`)
	s.asks(t, `{"type":"send","chat":"room","sender":"b","text":"x"}`, `{"type":"sent","send_time":1003}`)

	signals := openGateway(t, Config{SignalRate: rate}, usual)
	s = connect(t, signals.addr, "")
	for range 3 {
		s.asks(t, `{"type":"signal","chat":"room","sender":"a","signal":"x"}`, `{"type":"signalled"}`)
	}
	s.say(t, `{"type":"signal","ref":"1","chat":"room","sender":"a","signal":"x"}`)
	if got := s.hear(t); !strings.HasPrefix(got, `{"type":"error","ref":"1","code":"resource_exhausted"`) {
		t.Errorf("the fourth signal is answered with %s", got)
	}
	s.asks(t, `{"type":"signal","chat":"room","sender":"b","signal":"x"}`, `{"type":"signalled"}`)
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{AllowedOrigins: []string{"https://example.org"}}, usual)
	connect(t, d.addr, "https://example.org")
	connect(t, d.addr, "http://"+d.addr)
	connect(t, d.addr, "")
	all := openGateway(t, Config{AllowedOrigins: []string{"*"}}, usual)
	connect(t, all.addr, "https://example.com")
	for _, origin := range []string{"https://example.com", "https://example.org.evil", "http://example.org", "null", "https://", "http://[", "http://" + d.addr + "0"} {
		client := dial(t, d.addr)
		client.ask(t, upgrade("Origin: "+origin+"\r\n"))
		if _, body := client.answer(t, http.StatusForbidden); body != `{"code":"permission_denied","message":"pages of this origin may not connect; ALLOWED_ORIGINS names those that may"}` {
			t.Errorf("a page of %s is answered with %s", origin, body)
		}
	}
}

func TestNoHandshake(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	good := upgrade("")
	for name, request := range map[string]string{
		"nothing":       get("/api/ws", ""),
		"no connection": strings.Replace(good, "Connection: Upgrade\r\n", "", 1),
		"no upgrade":    strings.Replace(good, "Upgrade: websocket\r\n", "", 1),
		"version":       strings.Replace(good, "13", "8", 1),
		"no key":        strings.Replace(good, "Sec-WebSocket-Key", "X", 1),
	} {
		client := dial(t, d.addr)
		client.ask(t, request)
		if _, body := client.answer(t, http.StatusBadRequest); !strings.HasPrefix(body, `{"code":"invalid_argument","message":"this is not a WebSocket handshake: `) {
			t.Errorf("%s is answered with %s", name, body)
		}
	}
}

// TestAPanicOverAWebSocket ends the connection, and the gateway goes on.
func TestAPanicOverAWebSocket(t *testing.T) {
	t.Parallel()
	for name, frame := range map[string]string{"of a verb": `{"type":"pull","chat":"room"}`, "of a delivery": `{"type":"watch","chat":"room"}`} {
		t.Run(name, func(t *testing.T) {
			service := &fakeService{}
			service.fail(panics)
			log := &lines{}
			g := runLogged(t, service, Config{}, usual, newLog(log))
			s := connect(t, g.addr, "")
			s.say(t, frame)
			s.closes(t, websocket.StatusTryAgainLater)
			log.untilLogged(t, 1, "msg=panic", causeText)
			log.untilLogged(t, 1, `msg="websocket ended"`, "close=1013")
			service.fail("")
			connect(t, g.addr, "").asks(t, `{"type":"ping"}`, `{"type":"pong"}`)
		})
	}
}
