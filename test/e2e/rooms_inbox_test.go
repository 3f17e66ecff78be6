package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// chats are the chats of an inbox, each with its last text and how much is unread.
func (c closed) chats(user, query string) (lines []string) {
	c.t.Helper()
	listed, _ := c.do(user, "GET", "/api/inbox"+query, "", 200)["chats"].([]any)
	for _, one := range listed {
		entry, _ := one.(map[string]any)
		last, _ := entry["last_message"].(map[string]any)
		lines = append(lines, fmt.Sprintf("%v: %v, %v unread", entry["chat"], last["text"], entry["unread"]))
	}
	return lines
}

func (c closed) wantChats(user, query string, want ...string) {
	c.t.Helper()
	if got := c.chats(user, query); strings.Join(got, "; ") != strings.Join(want, "; ") {
		c.t.Errorf("the inbox of %s%s has %q, want %q", user, query, got, want)
	}
}

// TestRoomsInInboxes: a room is in the inboxes of its members during their membership. Notices do not count. A user cannot
// ask for another's inbox.
func TestRoomsInInboxes(t *testing.T) {
	c := startClosed(t)
	c.do("ann", "POST", "/api/rooms", `{"id":"club","visibility":"public","users":["bob"]}`, 201)
	c.wantChats("bob", "", "club: ann made this room with bob, 0 unread")
	c.do("ann", "POST", "/api/send", `{"chat":"club","text":"one"}`, 200)
	c.do("ann", "POST", "/api/rooms/club/members", `{"users":["cid"]}`, 200)
	c.do("ann", "POST", "/api/send", `{"chat":"club","text":"two"}`, 200)
	c.wantChats("bob", "", "club: two, 2 unread")
	c.wantChats("bob", "?reader=bob/phone", "club: two, 2 unread")
	c.wantChats("cid", "", "club: two, 1 unread")
	c.wantChats("cid", "?reader=cid/phone", "club: two, 1 unread")
	c.wantChats("ann", "", "club: two, 0 unread")
	if page := c.do("cid", "GET", "/api/pull?chat=club&reader=cid/phone&unread=true", "", 200); len(page["messages"].([]any)) != 2 {
		t.Errorf("cid has %v to read, want the notice that cid was added, and what came then", page)
	}
	c.do("bob", "PUT", "/api/ignored/ann", "", 200)
	c.wantChats("bob", "", "club: ann added cid, 0 unread")
	c.do("bob", "DELETE", "/api/ignored/ann", "", 200)

	c.wantChats("eve", "")
	c.do("ann", "PATCH", "/api/rooms/club", `{"visibility":"private"}`, 200)
	for _, denied := range []struct{ method, path string }{
		{"GET", "/api/readers?chat=club"},
		{"GET", "/api/readers?chat=ann:bob"},
		{"GET", "/api/inbox?reader=ann"},
		{"GET", "/api/unread?reader=ann/phone"},
		{"GET", "/api/stream?inbox=true&reader=ann"},
		{"GET", "/api/ignored?as=ann"},
		{"PUT", "/api/ignored/bob?as=ann"},
		{"DELETE", "/api/ignored/bob?as=ann"},
		{"GET", "/api/pull?chat=club&reader=eve&unread=true"},
		{"GET", "/api/pull?chat=club&reader=eve&unread=true&wait=1s"},
	} {
		c.do("eve", denied.method, denied.path, "", 403)
		c.do("", denied.method, denied.path, "", 401)
	}
	c.do("ann", "DELETE", "/api/rooms/club/members/bob", "", 200)
	c.wantChats("bob", "")
	c.do("ann", "DELETE", "/api/rooms/club", "", 200)
	c.wantChats("ann", "")
}

// TestInboxStreamFollowsRooms: a stream of an inbox has a room while its user is a member,
// at once, and goes on.
func TestInboxStreamFollowsRooms(t *testing.T) {
	c := startClosed(t)
	c.do("ann", "POST", "/api/rooms", `{"id":"old","users":["bob"]}`, 201)
	c.do("ann", "POST", "/api/rooms", `{"id":"open","visibility":"public"}`, 201)
	c.do("ann", "POST", "/api/send", `{"chat":"open","text":"before bob"}`, 200)
	bob := c.stream("bob", "/api/stream?inbox=true")
	phone := c.stream("bob", "/api/stream?inbox=true&reader=bob/phone")
	bob.waitFor(t, "ann made this room")
	phone.waitFor(t, "ann made this room")
	both := func(text string) {
		t.Helper()
		bob.waitFor(t, text)
		phone.waitFor(t, text)
	}
	c.do("bob", "POST", "/api/rooms/open/join", "", 200)
	both("bob joined")
	c.do("ann", "POST", "/api/send", `{"chat":"open","text":"for bob"}`, 200)
	both("for bob")
	c.do("ann", "POST", "/api/signal", `{"chat":"old","sender":"ann","type":"typing"}`, 200)
	both("typing")
	c.do("ann", "DELETE", "/api/rooms/old/members/bob", "", 200)
	c.do("ann", "POST", "/api/send", `{"chat":"old","text":"without bob"}`, 200)
	c.do("ann", "DELETE", "/api/rooms/open", "", 200)
	c.do("ann", "POST", "/api/send", `{"chat":"ann:bob","text":"to bob alone"}`, 200)
	both("to bob alone")
	c.do("ann", "POST", "/api/rooms/old/members", `{"users":["bob"]}`, 200)
	both("ann added bob")
	for _, stream := range []*events{bob, phone} {
		if text := stream.String(); strings.Contains(text, "before bob") || strings.Contains(text, "without bob") || strings.Contains(text, "error") {
			t.Errorf("a stream told %s", text)
		}
	}
}

// TestInboxStreamNamesChats: its events have the display names of the chats, over each transport.
func TestInboxStreamNamesChats(t *testing.T) {
	c := startClosed(t)
	account := `{"user":"dora","password":"correct horse","name":"Dora \"D\" Diaz"}`
	c.do("", "POST", "/api/users", account, 201)
	c.do("dora", "POST", "/api/rooms", `{"id":"club","name":"The Club","users":["bob"]}`, 201)
	stream := c.stream("bob", "/api/stream?inbox=true")
	socket := c.socket(c.auth.Token("bob"), `{"type":"watch","inbox":true}`)
	both := func(text string) {
		t.Helper()
		stream.waitFor(t, text)
		socket.waitFor(t, text)
	}
	both(`"name":"The Club","chat":"club","messages":[`)
	c.do("dora", "POST", "/api/send", `{"chat":"bob:dora","text":"hello"}`, 200)
	both(`"users":[{"user":"dora","name":"Dora \"D\" Diaz"}],"chat":"bob:dora","messages":[`)
	c.do("dora", "PATCH", "/api/rooms/club", `{"name":"Another"}`, 200)
	both(`"name":"Another","chat":"club"`)
	c.do("dora", "POST", "/api/rooms", `{"id":"later","name":"Later","users":["bob"]}`, 201)
	both(`"name":"Later","chat":"later"`)
	chosen := c.stream("bob", "/api/stream?chat=club")
	chosen.waitFor(t, `data: {"chat":"club"`)
}
