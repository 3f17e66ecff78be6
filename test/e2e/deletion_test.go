package e2e

import (
	"net/http"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestDeletingOneself: over HTTP and with the Go client, whose user is gone afterwards.
func TestDeletingOneself(t *testing.T) {
	c := startClosed(t)
	ctx := t.Context()
	const password = "correct horse"
	for _, user := range []string{"ann", "bob"} {
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
	c.do("ann", "DELETE", "/api/users/me", "", 401) // her tokens are good no longer
}
