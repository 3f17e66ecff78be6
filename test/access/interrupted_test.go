package access

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRoomsMadePrivateUnheard: a room is deleted and created again as a private one. The access of its followers is checked
// again, also if no event of Redis arrives, and for every cursor.
func TestRoomsMadePrivateUnheard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asService(t, "POST", "/api/rooms?as="+w.shared.name(admin), `{"id":"hall","visibility":"public"}`)
	followers := map[string]conversation{}
	for name, cursor := range map[string]string{"from the beginning": "0", "from far ahead": "9007199254740991"} {
		socket, refused := w.dial(t, w.token(t, stranger, w.shared))
		if socket == nil {
			t.Fatalf("the connection is refused: %v", refused)
		}
		defer func() { _ = socket.CloseNow() }()
		c := conversation{t, socket}
		c.send(fmt.Sprintf(`{"type":"watch","chat":"hall","cursor":%s}`, cursor))
		c.until("watching")
		followers[name] = c
	}
	// A signal is not repeated, and none is passed on while a follower's right is being asked for: one is sent until each is heard.
	heard, signals := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(signals)
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			w.asService(t, "POST", "/api/signal", fmt.Sprintf(`{"chat":"hall","sender":%q,"type":"typing"}`, w.shared.name(admin)))
			select {
			case <-tick.C:
			case <-heard:
				tick.Stop()
				return
			}
		}
	}()
	for _, c := range followers { // so all is heard until now
		c.until("typing")
	}
	close(heard)
	<-signals

	deaf := func(channels string) {
		t.Helper()
		if err := w.redis.Do(t.Context(), "ACL", "SETUSER", "default", channels).Err(); err != nil {
			t.Fatal(err)
		}
	}
	deaf("resetchannels") // Redis ends the subscriptions, and refuses others
	w.asService(t, "DELETE", "/api/rooms/hall?as="+w.shared.name(admin), "")
	w.asService(t, "POST", "/api/rooms?as="+w.shared.name(admin), `{"id":"hall"}`)
	deaf("allchannels")
	w.say(t, "hall", w.shared.name(admin), inRoom)
	for name, c := range followers {
		said := c.until(`"type":"error"`)
		if !strings.Contains(said, "permission_denied") && !strings.Contains(said, "not_found") || strings.Contains(said, inRoom) {
			t.Errorf("%s: there comes %s, want a refusal and nothing of the room", name, said)
		}
	}
}

// until returns all frames up to one that has a text.
func (c conversation) until(text string) (said string) {
	c.t.Helper()
	for !strings.Contains(said, text) {
		said += c.next()
	}
	return said
}
