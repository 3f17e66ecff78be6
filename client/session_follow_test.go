package client_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/client"
)

// TestFollowRenews at every transport, before a stream begins and when a server ends it.
func TestFollowRenews(t *testing.T) {
	h := openHome(t)
	first := h.login(t)
	if err := hello(t.Context(), h.client(t, client.WithSession(first, nil))); err != nil {
		t.Fatal(err)
	}
	for name, over := range transports {
		for _, made := range []func(client.Session) client.Session{due, func(s client.Session) client.Session { return h.stale(t, s) }} {
			var saved atomic.Int64
			c := h.client(t, client.WithSession(made(h.login(t)), func(client.Session) { saved.Add(1) }),
				client.WithNotify(func(r client.Repeat) { t.Errorf("%s: Follow() has failed with %v", name, r.Err) }))
			for m, err := range c.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"alice:bob": 0}, Over: over}) {
				if err != nil || m.Text != "hello" {
					t.Errorf("%s: Follow() = %v, %v; want the message", name, m, err)
				}
				break
			}
			if saved.Load() != 1 {
				t.Errorf("%s: %d sessions were saved, want one", name, saved.Load())
			}
		}
	}
}

// TestFollowGoesOnWithTheNextToken: a server ends a stream when the token ends.
func TestFollowGoesOnWithTheNextToken(t *testing.T) {
	const over = `{"type":"error","code":"token_expired","message":"the token has expired"}`
	page := messagesOf("room", 6, 5)
	for name, base := range map[string]string{
		"sse":       streams(t, event("error", over), event("messages", page)),
		"websocket": sockets(t, tells(`{"type":"watching","chat":"room"}`, over), tells(page)),
	} {
		refreshes := 0
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/refresh" {
				refreshes++
				return respond(r, fmt.Sprintf(`{"user":"alice","access_token":"new %d","refresh_token":"r","expires_in":3600}`, refreshes)), nil
			}
			if got, want := r.Header.Get("Authorization"), []string{"Bearer old", "Bearer new 1"}[refreshes]; got != want {
				t.Errorf("%s: Authorization is %q, want %q", name, got, want)
			}
			return http.DefaultTransport.RoundTrip(r)
		})
		s := client.Session{User: "alice", AccessToken: "old", RefreshToken: "q", Issued: time.Now(), Expires: time.Now().Add(time.Hour)}
		c := with(t, base, &http.Client{Transport: transport}, brisk(1), client.WithSession(s, nil),
			client.WithNotify(func(r client.Repeat) { t.Errorf("%s: Follow() has failed with %v", name, r.Err) }))
		var got []int64
		for m, err := range c.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: transports[name]}) {
			if err != nil {
				t.Errorf("%s: Follow() = %v", name, err)
			}
			if got = append(got, m.SendTime); len(got) == 1 {
				break
			}
		}
		if refreshes != 1 || !slices.Equal(got, []int64{5}) {
			t.Errorf("%s: Follow() = %v after %d refreshes, want 5 after one", name, got, refreshes)
		}
	}
}

// TestWaitsThatEndWithTheirTokens: waits are made anew, however many tokens they outlast. A server that refuses late,
// although the token is good for an hour, is not asked for ever.
func TestWaitsThatEndWithTheirTokens(t *testing.T) {
	for name, c := range map[string]struct {
		lasts   time.Duration
		refuses int64 // polls, one after the other
		polls   int64
		ends    string
	}{
		"tokens that end":         {lasts: 5 * time.Second, refuses: 10, polls: 11},
		"tokens that are refused": {lasts: time.Hour, refuses: 1000, polls: 4, ends: "token_expired"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var polls atomic.Int64
			transport := roundTrip(func(r *http.Request) (*http.Response, error) {
				switch {
				case r.URL.Path == "/api/refresh":
					return respond(r, fmt.Sprintf(`{"user":"alice","access_token":"a","refresh_token":"%d","expires_in":%d}`, polls.Load(), int(c.lasts.Seconds()))), nil
				case !r.URL.Query().Has("wait"):
					return respond(r, `{"messages":[],"has_more":false,"next_cursor":0}`), nil
				}
				<-time.After(min(c.lasts, 10*time.Second))
				if polls.Add(1) <= c.refuses {
					response := respond(r, `{"code":"token_expired","message":"the token has expired"}`)
					response.StatusCode = http.StatusUnauthorized
					return response, nil
				}
				return respond(r, messagesOf("room", 6, 5)), nil
			})
			s := client.Session{User: "alice", AccessToken: "a", RefreshToken: "r", Issued: time.Now(), Expires: time.Now().Add(c.lasts)}
			follower := with(t, "http://pullchat", &http.Client{Transport: transport}, brisk(1), client.WithSession(s, nil),
				client.WithNotify(func(r client.Repeat) { t.Errorf("%s: Follow() has failed with %v", name, r.Err) }))
			for m, err := range follower.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: client.LongPoll}) {
				if code(err) != c.ends || err == nil && m.SendTime != 5 || polls.Load() != c.polls {
					t.Errorf("%s: Follow() = %v, %v after %d polls, want %q after %d", name, m, err, polls.Load(), c.ends, c.polls)
				}
				break
			}
		})
	}
}

// TestTokensThatAreNeverGood are not renewed for ever.
func TestTokensThatAreNeverGood(t *testing.T) {
	for name, over := range transports {
		asked := 0
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/refresh" {
				return respond(r, fmt.Sprintf(`{"user":"alice","access_token":"a","refresh_token":"%d","expires_in":3600}`, asked)), nil
			}
			asked++
			response := respond(r, `{"code":"token_expired","message":"the token has expired"}`)
			response.StatusCode = http.StatusUnauthorized
			return response, nil
		})
		s := client.Session{User: "alice", AccessToken: "a", RefreshToken: "r", Issued: time.Now(), Expires: time.Now().Add(time.Hour)}
		c := with(t, "http://pullchat", &http.Client{Transport: transport}, brisk(3), client.WithSession(s, nil))
		for _, err := range c.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: over}) {
			if code(err) != "token_expired" || asked != 4 {
				t.Errorf("%s: Follow() = %v after %d requests, want token_expired after 4", name, err, asked)
			}
		}
	}
}

// TestFollowKeepsItsWebSocket: a session's next token is told over the connection. A server that does not know how answers
// with an error, and that ends nothing.
func TestFollowKeepsItsWebSocket(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a server":          `{"type":"authenticated","ref":"auth"}`,
		"an earlier server": `{"type":"error","ref":"auth","code":"invalid_argument","message":"type is none of"}`,
	} {
		said := make(chan string, 2)
		base := sockets(t, func(ctx context.Context, c *websocket.Conn) {
			for _, answer := range []string{`{"type":"watching","chat":"room"}`, answer} {
				_, frame, err := c.Read(ctx)
				if err != nil {
					t.Errorf("%s: no frame comes: %v", name, err)
				}
				said <- string(frame)
				_ = c.Write(ctx, websocket.MessageText, []byte(answer))
			}
			_ = c.Write(ctx, websocket.MessageText, []byte(messagesOf("room", 6, 5)))
			_, _, _ = c.Read(ctx)
		})
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/refresh" {
				return respond(r, `{"user":"alice","access_token":"new","refresh_token":"r","expires_in":3600}`), nil
			}
			return http.DefaultTransport.RoundTrip(r)
		})
		s := client.Session{User: "alice", AccessToken: "old", RefreshToken: "q", Issued: time.Now().Add(-time.Hour), Expires: time.Now().Add(time.Minute + 2*time.Second)}
		c := with(t, base, &http.Client{Transport: transport}, brisk(1), client.WithSession(s, nil),
			client.WithNotify(func(r client.Repeat) { t.Errorf("%s: Follow() has failed with %v", name, r.Err) }))
		for m, err := range c.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"room": 0}, Over: client.WebSocket}) {
			if err != nil || m.SendTime != 5 {
				t.Errorf("%s: Follow() = %v, %v; want the message of after the new token", name, m, err)
			}
			break
		}
		if first, second := <-said, <-said; second != `{"ref":"auth","token":"new","type":"auth"}` {
			t.Errorf("%s: it has said %s and %s, want the new token last", name, first, second)
		}
	}
}
