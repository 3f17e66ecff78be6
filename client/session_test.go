package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/token"
)

const (
	secret   = "0123456789abcdef0123456789abcdef"
	password = "correct horse"
)

// home is a gateway that asks for tokens, with everything in memory and alice and bob registered; and the way there,
// which keeps the path of every request and can lose answers.
type home struct {
	base  string
	world *chattest.World
	keys  *token.Keys

	mutex  sync.Mutex
	asked  []string
	loses  int           // so many answers of /api/refresh
	holds  chan struct{} // requests for /api/refresh wait for its end; nil: they do not
	always http.RoundTripper
}

// openRooms admits every caller to every chat.
type openRooms struct{}

func (openRooms) Enter(context.Context, []string) error { return nil }

func openHome(t *testing.T) *home {
	t.Helper()
	leaked := goleak.IgnoreCurrent()
	// Hertz has one goroutine for the Date of all its servers, for ever.
	date := goleak.IgnoreAnyFunction("github.com/cloudwego/hertz/pkg/protocol.UpdateServerDate.func1")
	t.Cleanup(func() { goleak.VerifyNone(t, leaked, date) })
	h := &home{world: chattest.NewWorld()}
	config := gateway.Config{
		HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 1 << 16, Auth: "on", Token: token.Config{AuthSecret: secret}, AccessTokenTTL: time.Hour,
	}
	accounts := chat.NewAccountService(chattest.NewStore(chattest.StoreOptions{}), chat.Access{}, &chattest.PlainHasher{}, chat.AccountOptions{DefaultLimit: 2, MaxLimit: 100, SessionLasts: time.Hour})
	services := chat.Services{Messages: h.world, Live: h.world, Accounts: accounts, Sessions: accounts, Admission: openRooms{}}
	server, err := gateway.Listen(config, services, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h.base = "http://" + server.Addr().String()
	if h.keys, err = token.FromSecret(secret); err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	h.always = transport
	for _, user := range []string{"alice", "bob"} {
		if _, err := h.client(t).Register(t.Context(), client.Registration{User: user, Password: password, Name: "I am " + user}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// RoundTrip implements http.RoundTripper.
func (h *home) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mutex.Lock()
	h.asked = append(h.asked, r.URL.Path)
	lost := r.URL.Path == "/api/refresh" && h.loses > 0
	if lost {
		h.loses--
	}
	held := h.holds
	h.mutex.Unlock()
	if held != nil && r.URL.Path == "/api/refresh" {
		<-held
	}
	response, err := h.always.RoundTrip(r)
	if err == nil && lost {
		_ = response.Body.Close()
		return nil, errors.New("the answer was lost")
	}
	return response, err
}

// paths returns the paths that were asked for since the last time.
func (h *home) paths() string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	asked := strings.ReplaceAll(strings.Join(h.asked, " "), "/api/", "")
	h.asked = nil
	return asked
}

func (h *home) client(t *testing.T, options ...client.Option) *client.Client {
	t.Helper()
	return with(t, h.base, &http.Client{Transport: h}, append([]client.Option{brisk(3)}, options...)...)
}

// login returns alice's new session.
func (h *home) login(t *testing.T) client.Session {
	t.Helper()
	s, err := h.client(t).Login(t.Context(), "alice", password)
	if err != nil || s.User != "alice" || s.AccessToken == "" || s.RefreshToken == "" || s.Secret == "" || !s.Expires.After(s.Issued) {
		t.Fatalf("Login() = %#v, %v; want a session of alice", s, err)
	}
	h.paths()
	return s
}

// due makes a session one whose access token is to be exchanged, and is still good.
func due(s client.Session) client.Session {
	s.Issued, s.Expires = time.Now().Add(-time.Hour), time.Now().Add(30*time.Second)
	return s
}

// stale makes a session one whose access token is good for its client only.
func (h *home) stale(t *testing.T, s client.Session) client.Session {
	t.Helper()
	var err error
	if s.AccessToken, err = h.keys.ForUser("alice", strings.Split(s.RefreshToken, ".")[1], -time.Second); err != nil {
		t.Fatal(err)
	}
	return s
}

var hello = send(client.Message{Chat: "alice:bob", Sender: "alice", Text: "hello"})

// code is the code of an error, or "".
func code(err error) string {
	if answered, ok := errors.AsType[*client.Error](err); ok {
		return answered.Code
	}
	return ""
}

// TestTokensAreRenewed when they have to be, and only then.
func TestTokensAreRenewed(t *testing.T) {
	h := openHome(t)
	forged := func(s client.Session) client.Session { s.AccessToken += "x"; return s }
	stale := func(s client.Session) client.Session { return h.stale(t, s) }
	over := func(s client.Session) client.Session { s.Expires = time.Now().Add(-time.Hour); return s }
	for _, c := range []struct {
		name  string
		made  func(client.Session) client.Session
		loses int
		want  string
	}{
		{"good", func(s client.Session) client.Session { return s }, 0, "send"},
		{"due", due, 0, "refresh send"},
		{"over", over, 0, "refresh send"},
		{"expired, by the server's clock", stale, 0, "send refresh send"},
		{"of another key", forged, 0, "send refresh send"},
		{"over, and the answer is lost", over, 2, "refresh refresh refresh send"},
		{"expired, and the answer is lost", stale, 1, "send refresh send refresh send"},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := h.login(t)
			var saved []client.Session
			keeps := func(s client.Session) { saved = append(saved, s) }
			asks := h.client(t, client.WithSession(c.made(began), keeps), client.WithExchangePause(0))
			h.loses = c.loses
			if err := hello(t.Context(), asks); err != nil {
				t.Fatalf("Send() = %v", err)
			}
			if got := h.paths(); got != c.want {
				t.Errorf("asked %s, want %s", got, c.want)
			}
			for range 3 { // the saved session continues
				if len(saved) == 0 {
					continue
				}
				s := saved[len(saved)-1]
				if s.Secret != began.Secret || s.RefreshToken == began.RefreshToken || s.User != "alice" {
					t.Errorf("saved %#v, want the next one of the same login", s)
				}
				next := h.client(t, client.WithSession(due(s), keeps))
				if err := hello(t.Context(), next); err != nil || h.paths() != "refresh send" {
					t.Errorf("Send() with what was saved = %v, want success after a refresh", err)
				}
			}
			if renewed := strings.HasSuffix(c.want, "refresh send"); renewed != (len(saved) == 4) {
				t.Errorf("%d sessions were saved, want four where the first was renewed", len(saved))
			}
		})
	}
}

// TestALostAnswerIsAskedForAgain: meanwhile the old token, which is still good, goes on.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	h := openHome(t)
	h.loses = 2
	c := h.client(t, client.WithSession(due(h.login(t)), nil), client.WithExchangePause(0))
	for _, want := range []string{"refresh send", "refresh send", "refresh send", "send"} {
		if err := hello(t.Context(), c); err != nil || h.paths() != want {
			t.Fatalf("Send() = %v, want success after %s", err, want)
		}
	}
	h.loses = 1
	c = h.client(t, client.WithSession(due(h.login(t)), nil), client.WithExchangePause(time.Hour))
	for _, want := range []string{"refresh send", "send", "send"} {
		if err := hello(t.Context(), c); err != nil || h.paths() != want {
			t.Fatalf("Send() = %v, want success after %s", err, want)
		}
	}
}

// TestManyRenewOnce: calls that come while the token is exchanged wait for the new one.
func TestManyRenewOnce(t *testing.T) {
	h := openHome(t)
	over := h.login(t) // the token of the same second is the same one again
	over.Expires = time.Now()
	for name, s := range map[string]client.Session{"over": over, "expired": h.stale(t, h.login(t))} {
		c := h.client(t, client.WithSession(s, nil))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := hello(t.Context(), c); err != nil {
					t.Errorf("Send() = %v", err)
				}
			})
		}
		all.Wait()
		if paths := h.paths(); strings.Count(paths, "refresh") != 1 {
			t.Errorf("%s: asked %s, want one refresh", name, paths)
		}
	}
}

// TestCallersDoNotWaitForEachOther who exchanges a token that is still good.
func TestCallersDoNotWaitForEachOther(t *testing.T) {
	h := openHome(t)
	c := h.client(t, client.WithSession(due(h.login(t)), nil))
	h.holds = make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		if err := hello(t.Context(), c); err != nil {
			t.Errorf("Send() of who exchanges it = %v", err)
		}
	})
	for asks := time.NewTicker(time.Millisecond); h.paths() != "refresh"; {
		<-asks.C
	}
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := hello(soon, c); err != nil || h.paths() != "send" {
		t.Errorf("Send() meanwhile = %v, want success with the old token", err)
	}
	close(h.holds)
	first.Wait()
}

// TestProgramsShareASession: each continues with the session that the other has renewed, in either order and after any pause.
func TestProgramsShareASession(t *testing.T) {
	h := openHome(t)
	kept := h.login(t)
	share := func() *client.Client {
		kept := &kept
		return h.client(t, client.WithSession(h.stale(t, *kept), func(s client.Session) { *kept = s }),
			client.WithReload(func() (client.Session, error) { return *kept, nil }))
	}
	one, two, sleeper := share(), share(), share()
	for range 4 {
		kept.Expires = time.Now() // so that it is exchanged
		for _, c := range []*client.Client{one, two} {
			if err := hello(t.Context(), c); err != nil {
				t.Fatalf("Send() = %v", err)
			}
		}
		one, two = share(), one
	}
	if err := hello(t.Context(), sleeper); err != nil {
		t.Errorf("Send() after the others' refreshes = %v", err)
	}
	h.paths()
	other := h.login(t) // of the same user, in the same place
	kept, one = other, h.client(t, client.WithSession(h.stale(t, kept), func(client.Session) {}),
		client.WithReload(func() (client.Session, error) { return other, nil }))
	if err := hello(t.Context(), one); err != nil || h.paths() != "send refresh send" {
		t.Errorf("Send() = %v, want that it goes on with its own login", err)
	}

	older := h.login(t)
	newer := older
	if err := hello(t.Context(), h.client(t, client.WithSession(due(older), func(s client.Session) { newer = s }))); err != nil {
		t.Fatal(err)
	}
	h.paths()
	one = h.client(t, client.WithSession(h.stale(t, newer), nil), client.WithReload(func() (client.Session, error) { return older, nil }))
	if err := hello(t.Context(), one); err != nil || h.paths() != "send refresh send" {
		t.Errorf("Send() = %v, want that it does not go back to what was kept before", err)
	}
}

// TestAnEndedSession is refused with a code, and no request is repeated.
func TestAnEndedSession(t *testing.T) {
	h := openHome(t)
	s := h.login(t)
	if err := h.client(t, client.WithSession(s, nil)).Logout(t.Context()); err != nil {
		t.Fatalf("Logout() = %v", err)
	}
	c := h.client(t, client.WithSession(h.stale(t, s), func(client.Session) {}))
	h.paths()
	for _, want := range []string{"send refresh", "send"} {
		if err := hello(t.Context(), c); code(err) != "token_invalid" || h.paths() != want {
			t.Errorf("Send() = %v, want token_invalid after %s", err, want)
		}
	}
	for name, over := range transports {
		for _, err := range c.Follow(t.Context(), client.FollowRequest{Chats: map[string]int64{"alice:bob": 0}, Over: over}) {
			if code(err) != "token_invalid" {
				t.Errorf("%s: Follow() = %v, want token_invalid", name, err)
			}
		}
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Errorf("Logout() = %v, want success", err)
	}
	if err := hello(t.Context(), c); code(err) != "unauthenticated" {
		t.Errorf("Send() after Logout = %v, want unauthenticated", err)
	}
	if err := c.Logout(t.Context()); err == nil {
		t.Error("Logout() without a session = nil, want an error")
	}
	unknowing := h.client(t, client.WithSession(h.stale(t, s), nil))
	if err := unknowing.Logout(t.Context()); err != nil {
		t.Errorf("Logout() of who does not know that the session has ended = %v, want success", err)
	}
	h.paths()
	ended := h.client(t, client.WithSession(h.stale(t, s), nil))
	_ = hello(t.Context(), ended)
	_, err := ended.Login(t.Context(), "alice", password)
	if err := errors.Join(err, ended.Logout(t.Context())); err != nil || h.paths() != "send refresh login logout" {
		t.Errorf("Login() and Logout() = %v, want a session that has not ended because the one before it has", err)
	}
}

// TestWithToken: it is sent as it is, and its end is the end.
func TestWithToken(t *testing.T) {
	h := openHome(t)
	worker, err := h.keys.ForService("worker", time.Minute)
	expired, expiredErr := h.keys.ForService("worker", -time.Minute)
	if err != nil || expiredErr != nil {
		t.Fatal(err, expiredErr)
	}
	h.paths()
	for given, want := range map[string]string{worker: "", expired: "token_expired", "nonsense": "token_invalid", "": "unauthenticated"} {
		if err := hello(t.Context(), h.client(t, client.WithToken(given))); code(err) != want || h.paths() != "send" {
			t.Errorf("Send() = %v, want the code %q after one request", err, want)
		}
	}
	if err := h.client(t).Ready(t.Context()); err != nil {
		t.Errorf("Ready() without a token = %v", err)
	}
}

// TestSessionsTellNoToken where they are printed.
func TestSessionsTellNoToken(t *testing.T) {
	s := client.Session{User: "alice", AccessToken: "hunter2", RefreshToken: "hunter2", Secret: "hunter2"}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if said := fmt.Sprintf(form, s); strings.Contains(said, "hunter2") || !strings.Contains(said, "alice") {
			t.Errorf("%s = %s, want alice and no token", form, said)
		}
	}
}

// TestASessionWhereThereAreNone: a server that gives no tokens may ask for none.
func TestASessionWhereThereAreNone(t *testing.T) {
	s := serve(t,
		answer{status: http.StatusNotFound, body: `{"code":"not_found","message":"this server gives no tokens"}`},
		answer{status: http.StatusOK, body: `{"send_time":5}`})
	session := client.Session{User: "alice", AccessToken: "old", RefreshToken: "r"}
	if err := hello(t.Context(), with(t, s.URL, nil, brisk(1), client.WithSession(session, nil))); err != nil || len(s.requests()) != 2 {
		t.Errorf("Send() = %v after %q, want success", err, s.requests())
	}
}
