package main

import "testing"

// TestRoomThatIsAUser: a send to a user's name alone is answered with the name of the two-person chat.
func TestRoomThatIsAUser(t *testing.T) {
	g := serveGuarded(t)
	for _, user := range []string{"alice", "bob"} {
		g.invokes(t, password, 0, user, "register", user)
	}
	g.invokes(t, password, 0, "alice", "login", "alice")
	for _, args := range [][]string{{"send", "bob", "hi"}, {"pull", "bob"}} {
		g.invokes(t, "", 2, "bob is a user; the chat with bob is alice:bob", args...)
	}
	g.invokes(t, "", 2, "there is no room suport; create it with POST /api/rooms", "send", "suport", "hi")
	g.invokes(t, "", 0, "send_time", "send", "alice:bob", "hi")
}
