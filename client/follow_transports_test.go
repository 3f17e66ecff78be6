package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/client"
)

// streams answers each request with the next text as an event stream that ends after it; the last one stays open.
func streams(t *testing.T, texts ...string) string {
	t.Helper()
	var asked atomic.Int64
	return alike(t, func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1))
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, texts[min(n, len(texts))-1])
		_ = http.NewResponseController(w).Flush()
		if n >= len(texts) {
			<-r.Context().Done()
		}
	})
}

// sockets answers each WebSocket with the next function.
func sockets(t *testing.T, answers ...func(context.Context, *websocket.Conn)) string {
	t.Helper()
	var asked atomic.Int64
	return alike(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		answers[min(int(asked.Add(1)), len(answers))-1](r.Context(), conn)
	})
}

// tells writes frames, and stays open.
func tells(frames ...string) func(context.Context, *websocket.Conn) {
	return func(ctx context.Context, conn *websocket.Conn) {
		for _, frame := range frames {
			_ = conn.Write(ctx, websocket.MessageText, []byte(frame))
		}
		_, _, _ = conn.Read(ctx)
		_, _, _ = conn.Read(ctx)
	}
}

func closes(code websocket.StatusCode) func(context.Context, *websocket.Conn) {
	return func(_ context.Context, conn *websocket.Conn) { _ = conn.Close(code, "a reason") }
}

// messagesOf encodes events of messages at these positions.
func messagesOf(chat string, next int64, sendTimes ...int64) string {
	var list []string
	for _, at := range sendTimes {
		list = append(list, fmt.Sprintf(`{"chat":%q,"text":"t","sender":"s","send_time":%d}`, chat, at))
	}
	return fmt.Sprintf(`{"type":"messages","chat":%q,"messages":[%s],"has_more":false,"next_cursor":%d}`, chat, strings.Join(list, ","), next)
}

func event(kind, data string) string { return "event: " + kind + "\ndata: " + data + "\n\n" }

// followed returns the messages of "room" that Follow yields from 5 on, up to a number or an error.
func followed(t *testing.T, base string, over client.Transport, messages int, options ...client.Option) ([]int64, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []int64
	for m, err := range follower(t, base, options...).Follow(ctx, client.FollowRequest{Chats: map[string]int64{"room": 5}, Over: over}) {
		if err != nil {
			return got, err
		}
		if got = append(got, m.SendTime); len(got) == messages {
			break
		}
	}
	return got, nil
}

// TestFollowTakes events in order, once, and no half event.
func TestFollowTakes(t *testing.T) {
	for _, c := range []struct {
		name string
		sent []string // over server-sent events, a connection each
		want string
	}{
		{"what it had", []string{event("messages", messagesOf("room", 8, 5, 7)), event("messages", messagesOf("room", 10, 5, 7, 9))}, "[5 7 9]"},
		{"an earlier one", []string{event("messages", messagesOf("room", 10, 1, 4, 9)), event("messages", messagesOf("room", 13, 1, 10, 12))}, "[9 10 12]"},
		{"a cursor that stands behind", []string{event("messages", messagesOf("room", 2, 6, 7)), event("messages", messagesOf("room", 9, 7, 8))}, "[6 7 8]"},
		{"an event without its end", []string{
			"event: messages\ndata: " + messagesOf("room", 6, 5) + "\n", // as it may look when the next line is still to come
			"event: messages\ndata: " + messagesOf("room", 8, 6, 7) + "\r\n\r\n",
		}, "[6 7]"},
		{"beside others", []string{
			"\ufeffretry: 1000\n\n: hello\n\n:\n\nid: room=1\nevent: messages\nfuture: 1\ndata:" + messagesOf("room", 6, 5) + "\n\n" +
				event("later", `{"chat":"room"}`) + event("messages", messagesOf("room", 6)) + "data: {\"a\":1}\r\r" + "event: messages\n\n",
			event("messages", messagesOf("room", 7, 6)),
		}, "[5 6]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := followed(t, streams(t, c.sent...), client.ServerSentEvents, strings.Count(c.want, " ")+1)
			if fmt.Sprint(got) != c.want || err != nil {
				t.Errorf("Follow() = %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

// TestFollowTakesLargePages: 100 texts of 4 KB, each byte escaped.
func TestFollowTakesLargePages(t *testing.T) {
	page := messagesOf("room", 9, 5)
	page = strings.Replace(page, `"t"`, `"`+strings.Repeat(`\u0001`, 100*4096)+`"`, 1)
	for name, c := range map[string]struct {
		base string
		over client.Transport
	}{
		"sse":       {streams(t, event("messages", page)), client.ServerSentEvents},
		"websocket": {sockets(t, tells(page)), client.WebSocket},
	} {
		began := time.Now()
		if got, err := followed(t, c.base, c.over, 1); err != nil || len(got) != 1 {
			t.Errorf("%s: Follow() = %v, %v; want the message", name, got, err)
		}
		t.Logf("%s: %d bytes in %v", name, len(page), time.Since(began))
	}
}

// TestFollowEndsWithWhatMakesNoSense: it would be the same again.
func TestFollowEndsWithWhatMakesNoSense(t *testing.T) {
	for _, c := range []struct{ name, kind, data, says string }{
		{"no order", "messages", messagesOf("room", 9, 7, 6), "messages of room are out of order"},
		{"twice in a page", "messages", messagesOf("room", 9, 7, 7), "messages of room are out of order"},
		{"another chat", "messages", messagesOf("elsewhere", 9, 7), `"elsewhere", which was not requested`},
		{"no JSON", "messages", `{"chat":`, "does not look like a Pullchat server"},
		{"an error", "error", `{"type":"error","code":"permission_denied","message":"you left"}`, "permission_denied: you left"},
	} {
		for name, base := range map[string]string{"sse": streams(t, event(c.kind, c.data)), "websocket": sockets(t, tells(c.data))} {
			if got, err := followed(t, base, transports[name], 1); err == nil || !strings.Contains(err.Error(), c.says) || len(got) > 0 {
				t.Errorf("%s over %s: Follow() = %v, %v; want %q", c.name, name, got, err, c.says)
			}
		}
	}
}

// TestFollowComesBackAfterAnErrorThatPasses: some refusals are of the moment.
func TestFollowComesBackAfterAnErrorThatPasses(t *testing.T) {
	for _, code := range []string{"unavailable", "deadline_exceeded", "resource_exhausted"} {
		refusal, page := fmt.Sprintf(`{"type":"error","code":%q,"message":"m"}`, code), messagesOf("room", 6, 5)
		for name, base := range map[string]string{
			"sse":       streams(t, event("error", refusal), event("messages", page)),
			"websocket": sockets(t, tells(refusal), tells(page)),
		} {
			if got, err := followed(t, base, transports[name], 1); err != nil || len(got) != 1 {
				t.Errorf("%s over %s: Follow() = %v, %v; want the message", code, name, got, err)
			}
		}
	}
}

func TestFollowAfterAClose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code websocket.StatusCode
		stay bool
	}{
		{1000, false},
		{1001, false},
		{1011, false},
		{1012, false},
		{1013, false},
		{3000, false},
		{1002, true},
		{1003, true},
		{1007, true},
		{1008, true},
		{1009, true},
	} {
		t.Run(fmt.Sprint(int(c.code)), func(t *testing.T) {
			t.Parallel()
			var wait time.Duration
			got, err := followed(t, sockets(t, closes(c.code), tells(messagesOf("room", 6, 5))), client.WebSocket, 1,
				client.WithNotify(func(r client.Repeat) { wait = r.Wait }))
			if answered, ok := errors.AsType[*client.Error](err); ok != c.stay || ok && !strings.Contains(answered.Message, "a reason") || len(got) != 1 && !c.stay {
				t.Errorf("Follow() = %v, %v; want that it stays: %t", got, err, c.stay)
			}
			if (wait >= time.Second) != (c.code == 1013) {
				t.Errorf("Follow() waits %v", wait)
			}
		})
	}
}

// TestPingsAreNoSilence: nor are comments.
func TestPingsAreNoSilence(t *testing.T) {
	t.Parallel()
	base := sockets(t, func(ctx context.Context, conn *websocket.Conn) {
		_, _, _ = conn.Read(ctx) // the watch command
		_ = conn.CloseRead(ctx)
		for range 20 { // longer than a silence may be
			pause := time.NewTimer(150 * time.Millisecond)
			<-pause.C
			_ = conn.Ping(ctx)
		}
		_ = conn.Write(ctx, websocket.MessageText, []byte(messagesOf("room", 6, 5)))
		<-ctx.Done()
	})
	commented := alike(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			_, _ = io.WriteString(w, ":\n\n")
			_ = http.NewResponseController(w).Flush()
			pause := time.NewTimer(150 * time.Millisecond)
			<-pause.C
		}
		_, _ = io.WriteString(w, event("messages", messagesOf("room", 6, 5)))
	})
	for name, base := range map[string]string{"sse": commented, "websocket": base} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := followed(t, base, transports[name], 1, client.WithSilence(2*time.Second),
				client.WithNotify(func(r client.Repeat) { t.Errorf("it breaks: %v", r.Err) }))
			if err != nil {
				t.Errorf("Follow() = %v, want the message", err)
			}
		})
	}
}

// TestSlowLoopsAreNoSilence: time in the loop's body does not count as the server's silence.
func TestSlowLoopsAreNoSilence(t *testing.T) {
	t.Parallel()
	page := messagesOf("room", 9, 5, 6, 7)
	for name, base := range map[string]string{
		"sse": streams(t, event("messages", page)+event("messages", messagesOf("room", 10, 9))), "websocket": sockets(t, tells(page, messagesOf("room", 10, 9))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := follower(t, base, client.WithSilence(time.Second),
				client.WithNotify(func(r client.Repeat) { t.Errorf("it breaks: %v", r.Err) }))
			for m, err := range c.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 5}, Over: transports[name]}) {
				if err != nil {
					t.Fatal(err)
				}
				if m.SendTime == 9 {
					break
				}
				if m.SendTime == 5 {
					pause := time.NewTimer(1200 * time.Millisecond)
					<-pause.C
				}
			}
		})
	}
}
