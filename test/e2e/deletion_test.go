package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
)

// TestTokensOfTheDeleted: at every gateway they are refused within a second, and the streams of their user end. A session
// that has ended deletes nothing.
func TestTokensOfTheDeleted(t *testing.T) {
	both := startTwoClosed(t)
	const password = "correct horse"
	login := func(user string) string {
		return both[0].do("", "POST", "/api/login", `{"user":"`+user+`","password":"`+password+`"}`, 200)["access_token"].(string)
	}
	for _, user := range []string{"ann"} {
		both[0].do("", "POST", "/api/users", `{"user":"`+user+`","password":"`+password+`"}`, 201)
	}
	ended, lasting := login("ann"), login("ann")
	_ = both[0].requestWith(t.Context(), ended, "POST", "/api/logout", "").Body.Close()
	with := func(c closed, token, method, path, body string) int {
		response := c.requestWith(t.Context(), token, method, path, body)
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode
	}
	if status := with(both[0], ended, "DELETE", "/api/users/me", ""); status != 401 {
		t.Fatalf("DELETE /api/users/me by a session that has ended = %d, want 401", status)
	}
	both[0].do("bob", "POST", "/api/send", `{"chat":"ann:bob","text":"hi"}`, 200)
	both[0].do("bob", "POST", "/api/rooms", `{"id":"lounge","visibility":"public"}`, 201)
	streams := []*http.Response{
		both[1].requestWith(t.Context(), lasting, "GET", "/api/stream?chat=ann:bob", ""),
		both[1].requestWith(t.Context(), lasting, "GET", "/api/stream?inbox=true", ""),
		both[0].requestWith(t.Context(), lasting, "GET", "/api/stream?chat=lounge", ""),
	}
	if status := with(both[0], lasting, "DELETE", "/api/users/me", ""); status != 200 && status != 202 {
		t.Fatalf("DELETE /api/users/me = %d", status)
	}
	deleted := time.Now()
	for i, stream := range streams {
		if said, _ := io.ReadAll(stream.Body); !strings.Contains(string(said), "token_invalid") || time.Since(deleted) > soon {
			t.Errorf("stream %d ended after %v with %q, want token_invalid soon", i, time.Since(deleted), said)
		}
		_ = stream.Body.Close()
	}
	for i, c := range both {
		for with(c, lasting, "GET", "/api/inbox", "") != 401 {
			if time.Since(deleted) > soon {
				t.Fatalf("tokens of a deleted user are good at %d after %v", i, soon)
			}
		}
		for _, r := range [][3]string{
			{"POST", "/api/send", `{"chat":"ann:bob","text":"still here"}`}, {"GET", "/api/pull?chat=ann:bob", ""}, {"GET", "/api/inbox", ""},
			{"GET", "/api/stream?chat=ann:bob", ""}, {"POST", "/api/signal", `{"chat":"ann:bob","type":"typing"}`}, {"GET", "/api/users", ""},
			{"POST", "/api/read", `{"chat":"ann:bob","cursor":1}`}, {"POST", "/api/rooms", `{"id":"den"}`}, {"DELETE", "/api/users/me", ""},
			{"GET", "/api/unread", ""}, {"GET", "/api/ignored", ""}, {"GET", "/api/presence?chat=ann:bob", ""}, {"GET", "/api/rooms", ""},
		} {
			response := c.requestWith(t.Context(), lasting, r[0], r[1], r[2])
			said := make([]byte, 512)
			n, _ := response.Body.Read(said)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusUnauthorized && !strings.Contains(string(said[:n]), "token_invalid") {
				t.Errorf("%s %s at %d by a deleted user = %d %s, want 401", r[0], r[1], i, response.StatusCode, said[:n])
			}
		}
	}
}

// TestDeletingOneself: over HTTP and with the Go client, whose user is gone afterwards.
func TestDeletingOneself(t *testing.T) {
	c := startClosed(t)
	ctx := t.Context()
	const password = "correct horse"
	for _, user := range []string{"ann"} {
		c.do("", "POST", "/api/users", `{"user":"`+user+`","password":"`+password+`"}`, 201)
	}
	ann, err := client.New(c.base, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	session, err := ann.Login(ctx, "ann", password)
	if err != nil {
		t.Fatal(err)
	}
	c.do("ann", "POST", "/api/rooms", `{"id":"club","users":["bob"]}`, 201)
	c.do("bob", "POST", "/api/rooms", `{"id":"lounge","visibility":"public"}`, 201)
	for _, chat := range []string{"club", "ann:bob", "lounge"} {
		if _, err := ann.Send(ctx, client.Message{Chat: chat, Text: "mine"}); err != nil {
			t.Fatal(err)
		}
		c.do("bob", "POST", "/api/send", `{"chat":"`+chat+`","text":"his"}`, 200)
	}
	c.do("", "DELETE", "/api/users/me", "", 401)
	c.do("bob", "DELETE", "/api/users/me?user=ann", "", 403)
	c.do("ann", "DELETE", "/api/users/me?erase=perhaps", "", 400)
	c.do("ann", "GET", "/api/users/ann", "", 200)
	if complete, err := ann.DeleteAccount(ctx, true); err != nil || !complete {
		t.Fatalf("DeleteAccount() = %v, %v", complete, err)
	}
	if _, err := ann.Send(ctx, client.Message{Chat: "ann:bob", Text: "and more"}); err == nil {
		t.Error("the Client still has a session")
	}
	c.do("", "POST", "/api/login", `{"user":"ann","password":"`+password+`"}`, 401)
	c.do("", "POST", "/api/refresh", `{"refresh_token":"`+session.RefreshToken+`"}`, 401)
	c.do("", "POST", "/api/users", `{"user":"ann","password":"`+password+`"}`, 409)
	c.do("bob", "GET", "/api/users/ann", "", 404)
	for _, chat := range []string{"club", "ann:bob", "lounge"} {
		pulled := c.do("bob", "GET", "/api/pull?limit=100&chat="+chat, "", 200)
		texts := map[any]any{}
		for _, one := range pulled["messages"].([]any) {
			if m := one.(map[string]any); m["type"] != "notice" {
				texts[m["sender"]] = m["text"]
				if erased := m["erased"] == true; erased != (m["sender"] == "ann") {
					t.Errorf("in %s there is %v", chat, m)
				}
			}
		}
		if texts["ann"] != "" || texts["bob"] != "his" {
			t.Errorf("the texts in %s are %v", chat, texts)
		}
	}
	if room := c.do("bob", "GET", "/api/rooms/club", "", 200); room["member_count"] != 1.0 || room["role"] != "admin" {
		t.Errorf("the room is %v", room)
	}
	c.do("ann", "DELETE", "/api/users/me", "", 401) // the user's tokens are no longer valid
}
