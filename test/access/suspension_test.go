package access

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// stream follows a chat as an event stream, and returns a function that waits for its end and returns its events.
func (f foreign) stream(name, token string) (rest func() string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	f.t.Cleanup(cancel)
	response := f.request(ctx, f.t, http.MethodGet, "/api/stream?chat="+name, "", token)
	f.t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		f.t.Fatalf("the stream of %s = %d", name, response.StatusCode)
	}
	return func() string {
		f.t.Helper()
		came, err := io.ReadAll(response.Body)
		if err != nil {
			f.t.Errorf("the stream of %s does not end: %v", name, err)
		}
		return string(came)
	}
}

// eventually repeats a request until it is answered with a status.
func (f foreign) eventually(want int, method, target, token string) (body string) {
	f.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		response := f.request(f.t.Context(), f.t, method, target, "", token)
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode == want {
			return string(answer)
		}
		if time.Now().After(end) {
			f.t.Fatalf("%s %s = %d %s, want %d", method, target, response.StatusCode, answer, want)
		}
	}
}

// TestSuspension: of a user of the identity provider, and of one with a password, suspended by another rpc-server. Streams
// end, and requests, streams and logins are refused until the user is restored.
func TestSuspension(t *testing.T) {
	t.Parallel()
	f := startForeign(t, "on")
	f.register(t, "bob")
	own, err := f.keys.ForUser("bob", sessionID("bob"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	byAnother := func(user string) {
		entry := chat.AuditEntry{By: "other", Action: chat.AuditSuspend, User: user, Reason: "spam"}
		if _, err := f.store.PutSuspension(t.Context(), chat.Suspension{User: user, By: "other", Reason: "spam"}, entry); err != nil {
			t.Fatal(err)
		}
	}
	byService := func(user string) {
		f.asService(t, http.MethodPut, "/api/admin/users/"+user+"/suspension", `{"reason":"spam"}`)
		f.ask(http.StatusForbidden, http.MethodGet, "/api/inbox", "", map[string]string{"ann": f.token("ann"), "bob": own}[user]) // at once
	}
	for _, c := range []struct {
		user, token string
		suspend     func(string)
	}{{"ann", f.token("ann"), byService}, {"bob", own, byAnother}, {"ann", f.token("ann"), byAnother}, {"bob", own, byService}} {
		f.ask(http.StatusOK, http.MethodPost, "/api/send", fmt.Sprintf(`{"chat":"ann:bob","text":"hello","sender":%q}`, c.user), c.token)
		rest := f.stream("ann:bob", c.token)
		c.suspend(c.user)
		if came := rest(); !strings.Contains(came, "suspended") {
			t.Errorf("the stream of %s ends with %q", c.user, came)
		}
		if refused := f.eventually(http.StatusForbidden, http.MethodGet, "/api/pull?chat=ann:bob", c.token); !strings.Contains(refused, "suspended") {
			t.Errorf("%s is refused with %s", c.user, refused)
		}
		f.ask(http.StatusForbidden, http.MethodGet, "/api/stream?chat=ann:bob", "", c.token)
		f.ask(http.StatusForbidden, http.MethodPost, "/api/send", `{"chat":"ann:bob","text":"again"}`, c.token)
		if c.user == "bob" {
			f.ask(http.StatusForbidden, http.MethodPost, "/api/login", fmt.Sprintf(`{"user":"bob","password":%q}`, password), "")
		}
		f.asService(t, http.MethodDelete, "/api/admin/users/"+c.user+"/suspension?reason=sorry", "")
		f.ask(http.StatusOK, http.MethodGet, "/api/pull?chat=ann:bob", "", c.token)
	}
	if log := f.asService(t, http.MethodGet, "/api/audit?limit=1", ""); !strings.Contains(log, `"action":"restore","user":"bob","reason":"sorry","request_id":"`) {
		t.Errorf("the newest entry of the audit log is %s", log)
	}
}

// TestBanEndsStreams: an admin bans a member, and a service bans a user who only reads from a public room.
func TestBanEndsStreams(t *testing.T) {
	t.Parallel()
	f := startForeign(t, "on")
	ann := f.token("ann")
	for _, user := range []string{"bob", "eve"} { // accounts appear on first use
		f.ask(http.StatusOK, http.MethodGet, "/api/inbox", "", f.token(user))
	}
	f.ask(http.StatusCreated, http.MethodPost, "/api/rooms", `{"id":"club","visibility":"public","users":["bob"]}`, ann)
	for _, c := range []struct {
		user string
		ban  func()
	}{
		{"bob", func() { f.ask(http.StatusOK, http.MethodPut, "/api/rooms/club/bans/bob", `{"reason":"spam"}`, ann) }},
		{"eve", func() { f.asService(t, http.MethodPut, "/api/rooms/club/bans/eve", `{"reason":"spam"}`) }},
	} {
		token := f.token(c.user)
		rest := f.stream("club", token)
		c.ban()
		if came := rest(); !strings.Contains(came, "banned") {
			t.Errorf("the stream of %s ends with %q", c.user, came)
		}
		f.ask(http.StatusForbidden, http.MethodGet, "/api/stream?chat=club", "", token)
		f.ask(http.StatusForbidden, http.MethodGet, "/api/pull?chat=club", "", token)
		f.ask(http.StatusForbidden, http.MethodPost, "/api/rooms/club/join", "", token)
		f.ask(http.StatusForbidden, http.MethodPost, "/api/send", `{"chat":"club","text":"hello"}`, token)
		f.ask(http.StatusOK, http.MethodDelete, "/api/rooms/club/bans/"+c.user, "", ann)
		f.ask(http.StatusOK, http.MethodPost, "/api/rooms/club/join", "", token)
	}
}
