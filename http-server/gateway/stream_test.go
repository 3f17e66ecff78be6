package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// events reads the body of a stream of events that has begun.
func (w wire) events(t *testing.T, target, header string) io.Reader {
	t.Helper()
	w.ask(t, get(target, header))
	response, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatalf("the answer: %v", err)
	}
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("GET %s = %d %s, want a stream", target, response.StatusCode, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if response.Header.Get("X-Request-Id") == "" || !response.Close {
		t.Errorf("the headers are %v, want a request id and the end of the connection after the answer", response.Header)
	}
	return response.Body
}

func pageEvent(id, name string, next int, messages ...string) string {
	return fmt.Sprintf("id: %s\nevent: messages\ndata: {\"chat\":%q,\"messages\":[%s],\"has_more\":false,\"next_cursor\":%d}\n\n",
		id, name, strings.Join(messages, ","), next)
}

const streamBegins = "retry: 1000\n\n"

// TestStream is a stream of two chats, byte for byte.
func TestStream(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		d.send(t, "alice:bob", "alice", "hello")
		client := connect()
		in := client.events(t, "/api/stream?chat=bob:alice&Chat=room", "")
		reads(t, in, streamBegins+pageEvent("bob:alice=1001;room=0", "bob:alice", 1001, message("bob:alice", "hello", "alice", 1000)))
		d.send(t, "room", "carol", "one")
		reads(t, in, pageEvent("bob:alice=1001;room=1001", "room", 1001, message("room", "one", "carol", 1000)))
		if err := d.world.Signal(t.Context(), chat.Signal{Chat: "alice:bob", Sender: "bob", Type: "typing"}); err != nil {
			t.Fatal(err)
		}
		reads(t, in, "event: signal\ndata: {\"chat\":\"bob:alice\",\"sender\":\"bob\",\"type\":\"typing\"}\n\n")
		if err := d.world.Signal(t.Context(), chat.Signal{Chat: "room", Sender: "bob", Type: "x", Data: "a\nb"}); err != nil {
			t.Fatal(err)
		}
		reads(t, in, "event: signal\ndata: {\"chat\":\"room\",\"sender\":\"bob\",\"type\":\"x\",\"data\":\"a\\nb\"}\n\n")
		for range 2 { // a cursor that does not move is not announced
			if _, err := d.world.Read(t.Context(), chat.ReadRequest{Chat: "room", Reading: chat.Reading{Reader: "bob/phone", Cursor: 1001}}); err != nil {
				t.Fatal(err)
			}
		}
		reads(t, in, "event: read\ndata: {\"chat\":\"room\",\"reader\":\"bob/phone\",\"cursor\":1001}\n\n")
		if _, err := d.world.Deliveries.Deliver(t.Context(), chat.Delivery{Chat: "alice:bob", Reader: "bob/phone", Position: 1001}); err != nil {
			t.Fatal(err)
		}
		reads(t, in, "event: delivered\ndata: {\"chat\":\"bob:alice\",\"reader\":\"bob\",\"cursor\":1001}\n\n")
		d.send(t, "bob:alice", "bob", "two")
		reads(t, in, pageEvent("bob:alice=1002;room=1001", "bob:alice", 1002, message("bob:alice", "two", "bob", 1001)))
		_ = client.Close()
		line := d.log.untilLogged(t, 1, "route=/api/stream")
		if !strings.Contains(line, "status=200") || strings.Contains(line, "duration_ms=0 ") {
			t.Errorf("the log has %q, want the status and how long it took", line)
		}
	})
}

// TestStreamResumes exactly where the client was, chat by chat.
func TestStreamResumes(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	for i := range 3 {
		d.send(t, "alice:bob", "alice", fmt.Sprint(i))
		d.send(t, "room", "alice", fmt.Sprint(i))
	}
	pair := pageEvent("alice:bob=1003;room=1003", "alice:bob", 1003, message("alice:bob", "2", "alice", 1002))
	room := pageEvent("alice:bob=1003;room=1003", "room", 1003, message("room", "2", "alice", 1002))
	const both = "/api/stream?chat=alice:bob&chat=room"
	for name, c := range map[string]struct{ target, header, want string }{
		"header":                {both, "Last-Event-ID: alice:bob=1002;room=1003\r\n", pair},
		"other order":           {both, "Last-Event-ID: room=1003;alice:bob=1002\r\n", pair},
		"the other name":        {both, "Last-Event-ID: bob:alice=1002;room=1003\r\n", pair},
		"with one too many":     {both, "Last-Event-ID: alice:bob=1002;room=1003;none=7\r\n", pair},
		"parameter":             {both + "&last_event_id=alice:bob=1003%3Broom=1002", "", room},
		"the header wins":       {both + "&last_event_id=alice:bob=0", "Last-Event-ID: alice:bob=1003;room=1002\r\n", room},
		"a new chat":            {both + "&cursor=1002", "Last-Event-ID: alice:bob=1003\r\n", room},
		"the cursor of all":     {"/api/stream?chat=room&cursor=1002", "", pageEvent("room=1003", "room", 1003, message("room", "2", "alice", 1002))},
		"an empty id":           {"/api/stream?chat=room&cursor=1002&last_event_id=", "Last-Event-ID: \r\n", pageEvent("room=1003", "room", 1003, message("room", "2", "alice", 1002))},
		"the cursor of a chat":  {"/api/stream?chat=room&cursor=7", "Last-Event-ID: room=1002\r\n", pageEvent("room=1003", "room", 1003, message("room", "2", "alice", 1002))},
		"a number":              {"/api/stream?chat=room&cursor=1002", "Last-Event-ID: 42\r\n", pageEvent("room=1003", "room", 1003, message("room", "2", "alice", 1002))},
		"garbage":               {"/api/stream?chat=room&cursor=1002", "Last-Event-ID: \xff%zz=;;=;room;a:b:c=1;room=-1;room=x;room=9007199254740992\r\n", pageEvent("room=1003", "room", 1003, message("room", "2", "alice", 1002))},
		"garbage in the query":  {"/api/stream?chat=room&cursor=1002&last_event_id=%25%3B", "", pageEvent("room=1003", "room", 1003, message("room", "2", "alice", 1002))},
		"a number and a query":  {both + "&last_event_id=alice:bob=1003%3Broom=1002", "Last-Event-ID: 42\r\n", room},
		"a trailing ;":          {both, "Last-Event-ID: alice:bob=1003;room=1002;\r\n", room},
		"one that is strange":   {both + "&cursor=1002", "Last-Event-ID: alice:bob=1003;room=x\r\n", room},
		"nothing new but later": {"/api/stream?chat=empty&cursor=9", "Last-Event-ID: empty=1000\r\n", pageEvent("empty=1001", "empty", 1001, message("empty", "x", "alice", 1000))},
	} {
		t.Run(name, func(t *testing.T) {
			in := dial(t, d.addr).events(t, c.target, c.header)
			reads(t, in, streamBegins)
			if strings.Contains(c.target, "empty") {
				d.send(t, "empty", "alice", "x")
			}
			reads(t, in, c.want)
		})
	}
}

func TestWrongStreams(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	client := dial(t, d.addr) // one for all: an error does not end it
	var many strings.Builder
	for i := range 101 {
		fmt.Fprintf(&many, "&chat=c%d", i)
	}
	for name, c := range map[string]struct{ query, header, want string }{
		"no chat":               {"cursor=0", "", "chat is missing"},
		"an empty chat":         {"chat=", "", "chat"},
		"a chat of three":       {"chat=a:b:c", "", "chat"},
		"twice":                 {"chat=a&chat=a", "", `chat \"a\" is given twice`},
		"twice, the other name": {"chat=a:b&chat=b:a", "", `chat \"b:a\" is given twice`},
		"too many":              {many.String(), "", "101 chats are too many for one stream; the limit is 100"},
		"cursor":                {"chat=a&cursor=now", "", "cursor is not a whole number"},
		"negative cursor":       {"chat=a&cursor=-1", "", "cursor is -1; it must be between 0 and 9007199254740991"},
		"large cursor":          {"chat=a&cursor=9007199254740992", "", "cursor is 9007199254740992"},
		"batch":                 {"chat=a&batch=2", "", "batch is not a time with its unit"},
		"long batch":            {"chat=a&batch=61s", "", "batch is 1m1s; it must be between 0s and 60s"},
		"presence":              {"chat=a&presence=1", "", "presence is not true or false"},
		"reader":                {"chat=a&reader=x%20y", "", "reader"},
		"device":                {"chat=a&reader=x/", "", "reader's device"},
		"stranger":              {"chat=a:b&reader=carol/phone", "", `reader \"carol\" is not one of the two users of chat \"a:b\"`},
		"stranger of the last":  {"chat=room&chat=a:b&reader=carol", "", `reader \"carol\" is not one of the two users`},
	} {
		t.Run(name, func(t *testing.T) {
			client.ask(t, get("/api/stream?"+c.query, c.header))
			closes, body := client.answer(t, http.StatusBadRequest)
			if closes || !strings.HasPrefix(body, `{"code":"invalid_argument","message":"`) || !strings.Contains(body, c.want) {
				t.Errorf("%s = %s, close %v; want %s", name, body, closes, c.want)
			}
		})
	}
}

// TestEventIDsInASCII: not all clients can send other letters in a header. A stream continues from the id that they
// send back, and from an id of an earlier release.
func TestEventIDsInASCII(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	d.send(t, "王伟:bob", "bob", "0")
	d.send(t, "café", "bob", "0")
	d.send(t, "王伟:bob", "bob", "1")
	d.send(t, "café", "bob", "1")
	target := "/api/stream?chat=" + url.QueryEscape("王伟:bob") + "&chat=" + url.QueryEscape("café")
	want := pageEvent("%E7%8E%8B%E4%BC%9F:bob=1002;caf%C3%A9=1002", "café", 1002, message("café", "1", "bob", 1001))
	for name, id := range map[string]string{
		"escaped":     "%E7%8E%8B%E4%BC%9F:bob=1002;caf%C3%A9=1001",
		"lower case":  "%e7%8e%8b%e4%bc%9f%3abob=1002;caf%c3%a9=1001",
		"not escaped": "王伟:bob=1002;café=1001",
	} {
		for where, c := range map[string]struct{ query, header string }{
			"header": {"", "Last-Event-ID: " + id + "\r\n"}, "query": {"&last_event_id=" + url.QueryEscape(id), ""},
		} {
			t.Run(name+" in the "+where, func(t *testing.T) {
				in := dial(t, d.addr).events(t, target+c.query, c.header)
				reads(t, in, streamBegins)
				reads(t, in, want)
			})
		}
	}
}

// TestStreamOf100Chats is as many as there may be.
func TestStreamOf100Chats(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	target, id := "/api/stream?x=y", ""
	for i := range 100 {
		target += fmt.Sprintf("&chat=c%d", i)
		id += fmt.Sprintf(";c%d=0", i)
	}
	in := dial(t, d.addr).events(t, target, "")
	reads(t, in, streamBegins)
	d.send(t, "c99", "alice", "last")
	reads(t, in, pageEvent(strings.Replace(id[1:], "c99=0", "c99=1001", 1), "c99", 1001, message("c99", "last", "alice", 1000)))
}

// TestStreamedTexts: whatever is in a text, an event is one line of data that has it.
func TestStreamedTexts(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	in := bufio.NewReader(dial(t, d.addr).events(t, "/api/stream?chat=room", ""))
	reads(t, in, streamBegins)
	for i, text := range []string{
		"a\nb\r\nc\rd\n\n", "\u2028\u2029\u0085", `"\'`, "id: 1\ndata: 2", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x00\x1f", "😀", strings.Repeat("x", 4096), strings.Repeat("\x01", 4096),
	} {
		d.send(t, "room", "alice", text)
		var event [3]string
		for i := range event {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			event[i] = line
		}
		reads(t, in, "\n")
		var page struct{ Messages []struct{ Text string } }
		decode(t, strings.TrimPrefix(event[2], "data: "), &page)
		if event[0] != fmt.Sprintf("id: room=%d\n", 1001+i) || len(page.Messages) != 1 || page.Messages[0].Text != text {
			t.Errorf("%.50q comes as %.300q", text, event)
		}
	}
}

func TestStreamHeartbeats(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, func(l *limits) { l.tick = 2 * time.Millisecond })
	in := dial(t, d.addr).events(t, "/api/stream?chat=room", "")
	reads(t, in, streamBegins+":keep-alive\n:keep-alive\n")
}

// TestStreamPresence: who follows under a name is present, until the client goes.
func TestStreamPresence(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, func(l *limits) { l.tick = time.Hour }) // no heartbeats
	in := dial(t, d.addr).events(t, "/api/stream?chat=room&reader=alice", "")
	silent := dial(t, d.addr).events(t, "/api/stream?chat=room&reader=carol&presence=false", "")
	client := dial(t, d.addr)
	events := bufio.NewReader(in)
	presents(t, events, `{"chat":"room","readers":["alice","carol"],"count":2}`)
	client.events(t, "/api/stream?chat=room&reader=bob/phone", "")
	presents(t, events, `{"chat":"room","readers":["alice","bob/phone","carol"],"count":3}`)
	_ = client.Close()
	presents(t, events, `{"chat":"room","readers":["alice","carol"],"count":2}`)
	d.send(t, "room", "bob", "hello")
	reads(t, silent, streamBegins+pageEvent("room=1001", "room", 1001, message("room", "hello", "bob", 1000)))
	asked := dial(t, d.addr)
	asked.ask(t, get("/api/presence?chat=room", ""))
	if _, body := asked.answer(t, http.StatusOK); body != `{"chat":"room","readers":["alice","carol"],"count":2}` {
		t.Errorf("GET /api/presence = %s", body)
	}
}

// presents reads until the event that says this of who is present.
func presents(t *testing.T, events *bufio.Reader, want string) {
	t.Helper()
	last := ""
	for {
		line, err := events.ReadString('\n')
		if err != nil {
			t.Fatalf("the last event is %q, %v; want %q", last, err, want)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if last = strings.TrimSuffix(data, "\n"); last == want {
				return
			}
		}
	}
}

// TestStreamIsRefused: invalid parameters of a stream are refused with an error that names them.
func TestStreamIsRefused(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	d.world.Fail(chat.Errorf(chat.PermissionDenied, "not yours"))
	client := dial(t, d.addr)
	in := client.events(t, "/api/stream?chat=room", "")
	want := streamBegins + "event: error\ndata: {\"code\":\"permission_denied\",\"message\":\"not yours\"}\n\n"
	if got, err := io.ReadAll(in); string(got) != want || err != nil {
		t.Errorf("the stream is %q, %v; want %q and its end", got, err, want)
	}
}

// TestStreamFindsNoRoom: also that is said.
func TestStreamFindsNoRoom(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, func(l *limits) { l.chats = 1 })
	in := dial(t, d.addr).events(t, "/api/stream?chat=room&chat=other", "")
	got, err := io.ReadAll(in)
	if want := "event: error\ndata: {\"code\":\"resource_exhausted\""; !strings.Contains(string(got), want) || err != nil {
		t.Errorf("the stream is %q, %v; want %q and its end", got, err, want)
	}
}

// TestStreamPanics ends the stream, and the gateway goes on.
func TestStreamPanics(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	service.fail(panics)
	log := &lines{}
	g := runLogged(t, service, Config{}, usual, newLog(log))
	if got, err := io.ReadAll(dial(t, g.addr).events(t, "/api/stream?chat=room", "")); string(got) != streamBegins || err != nil {
		t.Errorf("the stream is %q, %v; want nothing and its end", got, err)
	}
	log.untilLogged(t, 1, "msg=panic", causeText)
	client := dial(t, g.addr)
	client.ask(t, get("/ping", ""))
	client.answer(t, http.StatusOK)
}

// TestHeadOfLongAnswers: none of them waits, and each leaves the connection usable.
func TestHeadOfLongAnswers(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	for target, want := range map[string]string{
		"/api/stream?chat=room": "200 OK", "/api/stream": "400 Bad Request", "/api/pull?chat=room&wait=60s": "200 OK", "/api/ws": "400 Bad Request",
	} {
		client := dial(t, d.addr)
		client.ask(t, "HEAD "+target+" HTTP/1.1\r\nHost: a\r\n\r\n"+get("/ping", "Connection: close\r\n"))
		answers, err := io.ReadAll(client.in)
		first, second, _ := strings.Cut(string(answers), "\r\n\r\n")
		if err != nil || !strings.HasPrefix(first, "HTTP/1.1 "+want+"\r\n") || !strings.HasPrefix(second, "HTTP/1.1 200 OK\r\n") {
			t.Errorf("HEAD %s and GET /ping = %q, %v; want %s and 200", target, answers, err, want)
		}
	}
}

// TestDocumentedStream: a client gets the stream of docs/live.md as a body, but for the times.
func TestDocumentedStream(t *testing.T) {
	t.Parallel()
	_, example, ok := strings.Cut(document(t), "$ curl -N 'http://127.0.0.1:8080/api/stream?chat=alice:bob'\n")
	want, _, ends := strings.Cut(example, "```")
	if !ok || !ends {
		t.Fatal("docs/live.md has no stream of curl's")
	}
	d := openGateway(t, Config{}, usual)
	d.send(t, "alice:bob", "alice", "hello")
	reads(t, dial(t, d.addr).events(t, "/api/stream?chat=alice:bob", ""), want)
}

// document is docs/live.md with the times of a chattest.World.
func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	world := map[string]string{
		"1795248043296447": "1000", "1795248043296448": "1001", "1795248043312485": "1001", "1795248043312486": "1002",
	}
	return regexp.MustCompile(`17\d{14}`).ReplaceAllStringFunc(string(text), func(time string) string { return world[time] })
}
