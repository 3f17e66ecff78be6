package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/redistest"
)

// socket sends frames over a WebSocket, and reads frames until it ends: one frame in each line.
func (c closed) socket(token string, frames ...string) *events {
	c.t.Helper()
	options := &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}}
	conn, _, err := websocket.Dial(c.t.Context(), c.base+"/api/ws", options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	for _, frame := range frames {
		if err := conn.Write(c.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
			c.t.Fatal(err)
		}
	}
	e := &events{ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		for {
			_, frame, err := conn.Read(context.WithoutCancel(c.t.Context()))
			e.mutex.Lock()
			if err != nil {
				fmt.Fprintf(&e.text, "closed: %d\n", websocket.CloseStatus(err))
				e.mutex.Unlock()
				return
			}
			e.text.Write(append(frame, '\n'))
			e.mutex.Unlock()
		}
	}()
	return e
}

// messages are those that came, in a stream or over a WebSocket.
func (e *events) messages() (messages []client.Message) {
	for line := range strings.SplitSeq(e.String(), "\n") {
		var page client.Page
		if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &page) == nil {
			messages = append(messages, page.Messages...)
		}
	}
	return messages
}

// TestTransportsCloseWithTheToken: in the moment in which a token expires, a stream, a WebSocket and a wait end with the code
// that says so.
func TestTransportsCloseWithTheToken(t *testing.T) {
	t.Parallel()
	c := startClosed(t)
	c.do("ann", "POST", "/api/rooms", `{"id":"club","users":["bob"]}`, 201)
	expires := time.Now().Add(3 * time.Second).Truncate(time.Second)
	short := c.auth.ShortToken("bob", expires)
	ends := func(what string, at time.Time) {
		t.Helper()
		if late := at.Sub(expires); late < 0 || late > soon {
			t.Errorf("%s ended %v after the token", what, late)
		}
	}
	stream := func(query string) *events {
		return c.read(c.requestWith(t.Context(), short, "GET", "/api/stream?"+query, ""))
	}
	open := map[string]*events{
		"a stream":        stream("chat=club"),
		"an inbox":        stream("inbox=true"),
		"a WebSocket":     c.socket(short, `{"type":"watch","chat":"club"}`),
		"an inbox's":      c.socket(short, `{"type":"watch","inbox":true}`),
		"a quiet stream":  stream("chat=club&cursor=9007199254740991"),
		"a gathering one": stream("chat=club&batch=60s"),
	}
	var waiting sync.WaitGroup
	for _, reader := range []string{"", "&reader=bob/phone"} {
		waiting.Go(func() {
			response := c.requestWith(t.Context(), short, "GET", "/api/pull?chat=club&wait=20s&cursor=9007199254740991"+reader, "")
			ends("a wait"+reader, time.Now())
			var refused struct{ Code string }
			if _ = json.NewDecoder(response.Body).Decode(&refused); response.StatusCode != http.StatusUnauthorized || refused.Code != "token_expired" {
				t.Errorf("a wait%s ended with %d %s, want 401 token_expired", reader, response.StatusCode, refused.Code)
			}
		})
	}
	for name, one := range open {
		waiting.Go(func() {
			<-one.ended
			ends(name, time.Now())
			if text := one.String(); strings.Count(text, `"token_expired"`) != 1 {
				t.Errorf("%s told %s", name, text)
			}
		})
	}
	waiting.Wait()
}

// TestClientRenewsWhileItFollows: with tokens of three seconds the Go client has every message once, through each transport, and
// sees no failure.
func TestClientRenewsWhileItFollows(t *testing.T) {
	t.Parallel()
	both := startTwoClosed(t, "ACCESS_TOKEN_TTL=3s")
	bases := both[0].base + "," + both[1].base
	both[0].do("ann", "POST", "/api/rooms", `{"id":"club","users":["bob"]}`, 201)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var following sync.WaitGroup
	type follower struct {
		over     string
		renewals atomic.Int64
		mutex    sync.Mutex
		got      []client.Message
	}
	var all []*follower
	for name, over := range map[string]client.Transport{"SSE": client.ServerSentEvents, "WebSocket": client.WebSocket, "long-poll": client.LongPoll} {
		f := &follower{over: name}
		all = append(all, f)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		saw, err := client.New(bases, &http.Client{Transport: transport},
			client.WithSession(client.Session{}, func(client.Session) { f.renewals.Add(1) }),
			client.WithNotify(func(r client.Repeat) { t.Errorf("%s: the client has seen %v", name, r.Err) }))
		if err == nil {
			_, err = saw.Login(ctx, "bob", "correct horse")
		}
		if err != nil {
			t.Fatal(err)
		}
		following.Go(func() {
			for m, err := range saw.Follow(ctx, client.FollowRequest{Chats: map[string]int64{"club": 0, "bob:dan": 0}, Over: over}) {
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("%s: Follow() = %v", name, err)
					}
					return
				}
				f.mutex.Lock()
				f.got = append(f.got, m)
				f.mutex.Unlock()
			}
		})
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	sent := 1                                                              // the notice
	renewsStill := func(f *follower) bool { return f.renewals.Load() < 3 } // the login, and two tokens
	for began := time.Now(); slices.ContainsFunc(all, renewsStill) && time.Since(began) < 30*time.Second; <-tick.C {
		both[sent%2].do("ann", "POST", "/api/send", fmt.Sprintf(`{"chat":"club","text":"%d"}`, sent), 200)
		sent++
	}
	want := both[0].log("ann", "club")
	for _, f := range all {
		late := time.After(30 * time.Second)
		for done := false; !done; {
			f.mutex.Lock()
			done = len(f.got) >= len(want)
			f.mutex.Unlock()
			select {
			case <-tick.C:
			case <-late:
				done = true
			}
		}
	}
	leave()
	following.Wait()
	for _, f := range all {
		same := slices.EqualFunc(f.got, want, func(a, b client.Message) bool { return a.SendTime == b.SendTime && a.Text == b.Text })
		if !same || len(want) != sent {
			t.Errorf("%s: %d messages came, want the %d of the log, once and in order", f.over, len(f.got), len(want))
		}
		if n := f.renewals.Load(); n < 3 {
			t.Errorf("%s: the session was kept %d times, want 3 at least", f.over, n)
		}
	}
}

// TestIgnoredWhileStreaming: messages of an ignored user are hidden from all streams of the ignoring user, from the answer on
// until the user is no longer ignored. Messages of others come once and in order.
func TestIgnoredWhileStreaming(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	both := startTwoOver(t, redis)
	both[0].do("ann", "POST", "/api/rooms", `{"id":"club","users":["bob","cid"]}`, 201)
	// Positions follow each other without a gap, as if time went back: skipping a position skips a message.
	activity := fmt.Sprintf("im:{%d}:activity", xxhash.Sum64String("club")%256)
	if answer, err := redis.Do(fmt.Sprintf("ZADD %s %d club", activity, time.Now().Add(time.Hour).UnixMicro())); err != nil || answer == "" || answer[0] == '-' {
		t.Fatal(answer, err)
	}
	streams := map[string]*events{
		"a stream":    both[0].stream("ann", "/api/stream?chat=club&reader=ann/phone"),
		"an inbox":    both[0].stream("ann", "/api/stream?inbox=true&cursor=0"),
		"a WebSocket": both[0].socket(both[0].auth.Token("ann"), `{"type":"watch","chat":"club","reader":"ann"}`),
		// The token's user is the reader, also if the request names none.
		"a stream of a token":    both[0].stream("ann", "/api/stream?chat=club"),
		"a WebSocket of a token": both[0].socket(both[0].auth.Token("ann"), `{"type":"watch","chat":"club"}`),
	}
	untilAll := func(text string) {
		t.Helper()
		for _, s := range streams {
			s.waitFor(t, text)
		}
	}
	untilAll("made this room")
	stop := make(chan struct{})
	var noise sync.WaitGroup
	for _, user := range []string{"bob", "cid"} { // pages are under way at every moment, with messages to leave out between
		noise.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					both[n%2].do(user, "POST", "/api/send", fmt.Sprintf(`{"chat":"club","text":"noise of %s %d"}`, user, n), 200)
				}
			}
		})
	}
	send := func(user, text string) {
		t.Helper()
		both[1].do(user, "POST", "/api/send", fmt.Sprintf(`{"chat":"club","text":%q}`, text), 200)
	}
	const rounds = 10
	for round := range rounds {
		both[0].do("ann", "PUT", "/api/ignored/bob", "", 200)
		send("bob", fmt.Sprintf("hidden %d.", round))
		send("cid", fmt.Sprintf("meanwhile %d.", round))
		untilAll(fmt.Sprintf("meanwhile %d.", round))
		both[0].do("ann", "DELETE", "/api/ignored/bob", "", 200)
		send("bob", fmt.Sprintf("shown %d.", round))
		untilAll(fmt.Sprintf("shown %d.", round))
	}
	close(stop)
	noise.Wait()
	send("cid", "the end")
	untilAll("the end")
	of := func(messages []client.Message) (texts []string) {
		for _, m := range messages {
			if m.Sender == "cid" || strings.HasPrefix(m.Text, "shown") {
				texts = append(texts, m.Text)
			}
		}
		return texts
	}
	want := of(both[0].log("cid", "club"))
	for name, s := range streams {
		if got := of(s.messages()); !slices.Equal(got, want) {
			t.Errorf("%s: %d messages came of others, and after the user was shown again; want %d, once and in order", name, len(got), len(want))
		}
		if strings.Contains(s.String(), "hidden") {
			t.Errorf("%s: what was to be left out came", name)
		}
	}
}
