package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/livetest"
)

var transports = map[string]client.Transport{"sse": client.ServerSentEvents, "websocket": client.WebSocket, "long-poll": client.LongPoll}

// follower makes a client of servers, with short waits, whose connections end with the test.
func follower(t *testing.T, base string, options ...client.Option) *client.Client {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return with(t, base, &http.Client{Transport: transport}, append([]client.Option{brisk(1)}, options...)...)
}

// eachTransport runs a test once for each, and wants that no goroutine is left.
func eachTransport(t *testing.T, test func(t *testing.T, over client.Transport)) {
	t.Helper()
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, before) })
			test(t, over)
		})
	}
}

func fill(log *livetest.Log, chat string, n int) {
	for i := range n {
		log.Append(client.Message{Chat: chat, Sender: "alice", Text: fmt.Sprintf("%s %d\r\n\u2028", chat, i)})
	}
}

// expect follows until all that the log has of its chats was there, each once and in order.
func expect(t *testing.T, c *client.Client, log *livetest.Log, r client.FollowRequest, total int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next, got := map[string]int{}, 0
	for m, err := range c.Follow(ctx, r) {
		if err != nil {
			t.Fatalf("Follow() = %v after %d messages of %d", err, got, total)
		}
		if want := log.Messages(m.Chat)[next[m.Chat]]; m != want {
			t.Fatalf("Follow() = %+v, want %+v", m, want)
		}
		next[m.Chat]++
		if got++; got == total {
			return
		}
	}
}

func TestFollow(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		log := livetest.NewLog()
		s := livetest.Serve(t, &livetest.Server{Log: log})
		chats := map[string]int64{}
		for i := range 20 { // more than a WebSocket asks for at a time
			chat := fmt.Sprintf("room%d", i)
			chats[chat] = 0
			fill(log, chat, 13)
		}
		go func() {
			for range 5 {
				fill(log, "room7", 3)
			}
		}()
		expect(t, follower(t, s.URL), log, client.FollowRequest{Chats: chats, Over: over}, 20*13+15)
	})
}

// TestFollowThroughBrokenConnections: two servers break connections at any byte, and send events again.
func TestFollowThroughBrokenConnections(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		log := livetest.NewLog()
		cut := func() int { return rand.IntN(4000) } //nolint:gosec // chance, no secret
		one := livetest.Serve(t, &livetest.Server{Log: log, Cut: cut, Back: 3})
		two := livetest.Serve(t, &livetest.Server{Log: log, Cut: cut, Format: crlf})
		var notes, connections int
		c := follower(t, one.URL+","+two.URL, client.WithNotify(func(client.Repeat) { notes++ }))
		go func() {
			for range 30 {
				fill(log, "alice:bob", 4)
				fill(log, "é room", 3)
				fill(log, "room", 3)
			}
		}()
		expect(t, c, log, client.FollowRequest{
			Chats: map[string]int64{"alice:bob": 0, "é room": 0, "room": 0}, Over: over,
			Connected: func(string) { connections++ },
		}, 300)
		if notes == 0 || connections == 0 || one.Requests() == 0 || two.Requests() == 0 {
			t.Errorf("%d breaks, %d connections, %d and %d requests: nothing was tried", notes, connections, one.Requests(), two.Requests())
		}
	})
}

// crlf writes an event with other ends of lines, and its data in two.
func crlf(event string) string {
	event = strings.Replace(event, `,"messages":`, ",\ndata: \"messages\":", 1)
	return strings.ReplaceAll(event, "\n", "\r\n")
}

func TestFollowThroughRestarts(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		log := livetest.NewLog()
		s := livetest.Serve(t, &livetest.Server{Log: log})
		dead := serve(t, answer{})
		dead.Close()
		step := make(chan struct{})
		go func() {
			for range step {
				s.Stop()
				fill(log, "room", 5)
				s.Start(t)
				fill(log, "room", 5)
			}
		}()
		defer close(step)
		fill(log, "room", 1)
		count := 0
		for m, err := range follower(t, dead.URL+","+s.URL).Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: over}) {
			if err != nil {
				t.Fatal(err)
			}
			if want := log.Messages("room")[count]; m != want {
				t.Fatalf("Follow() = %+v, want %+v", m, want)
			}
			if count++; count == 51 {
				break
			}
			if count%10 == 1 {
				step <- struct{}{}
			}
		}
	})
}

// TestFollowGoesOn: a loop continues at the cursors of an earlier loop.
func TestFollowGoesOn(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		log := livetest.NewLog()
		s := livetest.Serve(t, &livetest.Server{Log: log})
		fill(log, "a:b", 25)
		c, cursors, count := follower(t, s.URL), map[string]int64{"a:b": 0}, 0
		for count < 25 {
			for m, err := range c.Follow(t.Context(), client.FollowRequest{Chats: cursors, Over: over}) {
				if want := log.Messages("a:b")[count]; err != nil || m != want {
					t.Fatalf("Follow(%v) = %+v, %v; want %+v", cursors, m, err, want)
				}
				cursors[m.Chat] = m.NextCursor()
				if count++; count%4 == 0 {
					break
				}
				if count == 25 {
					break
				}
			}
		}
	})
}

func TestFollowEvents(t *testing.T) {
	for name, over := range map[string]client.Transport{"sse": client.ServerSentEvents, "websocket": client.WebSocket} {
		t.Run(name, func(t *testing.T) {
			log := livetest.NewLog()
			s := livetest.Serve(t, &livetest.Server{Log: log})
			c := follower(t, s.URL)
			var got []string
			step := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			for e, err := range c.FollowEvents(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Reader: "alice", Over: over}) {
				step(err)
				if e.Chat != "room" {
					t.Errorf("FollowEvents() = %+v, want chat room", e)
				}
				switch {
				case e.Presence != nil:
					got = append(got, fmt.Sprintf("presence %+v", *e.Presence))
					step(c.Signal(t.Context(), client.Signal{Chat: "room", Sender: "bob", Type: "typing", Data: "x"}))
				case e.Signal != nil:
					got = append(got, fmt.Sprintf("signal %+v", *e.Signal))
					stands, err := c.Read(t.Context(), client.Reading{Chat: "room", Reader: "bob/phone", Cursor: 17})
					step(err)
					if stands != 17 {
						t.Errorf("Read() = %d, want 17", stands)
					}
				case e.Reading != nil:
					got = append(got, fmt.Sprintf("reading %+v", *e.Reading))
					_, err := c.Send(t.Context(), client.Message{Chat: "room", Text: "hello", Sender: "bob"})
					step(err)
				case e.Page != nil:
					got = append(got, fmt.Sprint("page ", len(e.Page.Messages), e.Page.NextCursor == e.Page.Messages[0].NextCursor()))
				}
				if e.Page != nil {
					break
				}
			}
			want := `presence {Chat:room Readers:[alice] Count:1}
signal {Chat:room Sender:bob Type:typing Data:x}
reading {Chat:room Reader:bob/phone Cursor:17}
page 1 true`
			if strings.Join(got, "\n") != want {
				t.Errorf("FollowEvents() = %s\nwant %s", strings.Join(got, "\n"), want)
			}
		})
	}
}

// TestFollowWaitsWhereItIsTold: 503 with a Retry-After is obeyed, 429 passes too, and a header that does not come is not
// waited for.
func TestFollowWaitsWhereItIsTold(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		log := livetest.NewLog()
		faults := []fault{answers(503, "1"), answers(429, "0"), hangs, breaks("HTTP/1.1 200 OK\r\nContent-Type: text/ev", true)}
		s := livetest.Serve(t, &livetest.Server{Log: log, Before: func(w http.ResponseWriter, r *http.Request) bool {
			if len(faults) == 0 {
				return false
			}
			f := faults[0]
			faults = faults[1:]
			f(w, r)
			return true
		}})
		fill(log, "room", 3)
		var waits []time.Duration
		c := follower(t, s.URL, impatient(1), client.WithNotify(func(r client.Repeat) { waits = append(waits, r.Wait) }))
		expect(t, c, log, client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: over}, 3)
		if len(waits) != 4 || waits[0] < time.Second || waits[1] > time.Second {
			t.Errorf("waits %v, want four, the first of a second", waits)
		}
	})
}

// TestFollowStreamsOutlastAttempts: neither Policy.Attempt nor a Timeout of the http.Client ends a waiting stream.
func TestFollowStreamsOutlastAttempts(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		log := livetest.NewLog()
		s := livetest.Serve(t, &livetest.Server{Log: log})
		transport := http.DefaultTransport.(*http.Transport).Clone()
		t.Cleanup(transport.CloseIdleConnections)
		c := with(t, s.URL, &http.Client{Transport: transport, Timeout: time.Second}, impatient(1),
			client.WithNotify(func(r client.Repeat) { t.Errorf("it breaks: %v", r.Err) }))
		time.AfterFunc(2500*time.Millisecond, func() { fill(log, "room", 1) })
		expect(t, c, log, client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: over}, 1)
	})
}

func TestFollowLeavesASilentServer(t *testing.T) {
	for name, over := range map[string]client.Transport{"sse": client.ServerSentEvents, "websocket": client.WebSocket} {
		t.Run(name, func(t *testing.T) {
			log := livetest.NewLog()
			s := livetest.Serve(t, &livetest.Server{Log: log})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var said []string
			c := follower(t, s.URL, client.WithSilence(100*time.Millisecond), client.WithNotify(func(r client.Repeat) {
				said = append(said, r.Err.Error())
				cancel()
			}))
			for m, err := range c.Follow(ctx, client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: over}) {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Follow() = %+v, %v; want %v", m, err, context.Canceled)
				}
			}
			if len(said) != 1 || said[0] != "the server was silent for too long" {
				t.Errorf("breaks %q, want that the server is silent", said)
			}
		})
	}
}

func TestFollowRefusesWhatIsWrong(t *testing.T) {
	c := with(t, "http://127.0.0.1:1", nil)
	for want, r := range map[string]client.FollowRequest{
		"there is no chat":       {},
		"is negative":            {Chats: map[string]int64{"a": -1}},
		"not be negative":        {Chats: map[string]int64{"a": 0}, Batch: -1},
		"no Transport 7":         {Chats: map[string]int64{"a": 0}, Over: 7},
		"need another Transport": {Chats: map[string]int64{"a": 0}, Over: client.LongPoll, Reader: "bob"},
		"is there a second time": {Chats: map[string]int64{"a:b": 0, "b:a": 0}},
	} {
		n := 0
		for m, err := range c.Follow(t.Context(), r) {
			if n++; err == nil || !strings.Contains(err.Error(), want) || m != (client.Message{}) {
				t.Errorf("Follow(%+v) = %+v, %v; want %q", r, m, err, want)
			}
		}
		if n != 1 {
			t.Errorf("Follow(%+v) yields %d times, want one error", r, n)
		}
	}
}

// alike is an *httptest.Server that answers every request alike.
func alike(t *testing.T, f fault) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(f))
	t.Cleanup(s.Close)
	return s.URL
}

func TestFollowEndsWithWhatStays(t *testing.T) {
	eachTransport(t, func(t *testing.T, over client.Transport) {
		for name, f := range map[string]fault{
			"400": answers(400, ""), "403": answers(403, ""), "404": answers(404, ""), "500": answers(500, ""),
			"HTML": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		} {
			count := 0
			for m, err := range follower(t, alike(t, f)).Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: over}) {
				answered, ok := errors.AsType[*client.Error](err)
				if count++; err == nil || m != (client.Message{}) || ok && fmt.Sprint(answered.Status) != name ||
					!ok && !strings.Contains(err.Error(), "does not look like a Pullchat server") {
					t.Errorf("%s: Follow() = %+v, %v; want that as error", name, m, err)
				}
			}
			if count != 1 {
				t.Errorf("%s: Follow() yields %d times, want one error", name, count)
			}
		}
	})
}

// TestFollowLeavesAServerThatDoesNotWait, because it stops or is of an earlier version, instead of asking without pause.
func TestFollowLeavesAServerThatDoesNotWait(t *testing.T) {
	hasty := alike(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"messages":[],"has_more":false,"next_cursor":0}`))
	})
	log := livetest.NewLog()
	fill(log, "room", 3)
	var left []string
	c := follower(t, hasty+","+livetest.Serve(t, &livetest.Server{Log: log}).URL,
		client.WithNotify(func(r client.Repeat) { left = append(left, r.Server+": "+r.Err.Error()) }))
	expect(t, c, log, client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: client.LongPoll}, 3)
	if want := hasty + ": the server no longer waits"; len(left) != 1 || left[0] != want {
		t.Errorf("breaks %q, want %q", left, want)
	}
}
