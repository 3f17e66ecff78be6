package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/internal/command"
)

// TestFrames tries framePolicy.
func TestFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := rowsOf(t, framePolicy, httpColumns, 1)
	complete(t, "the frame", rows, command.Names())
	w.try(t, rows, httpColumns, func(t *testing.T, r row, request string, in scene, by caller) answer {
		return w.overWebSocket(t, r.name, request, w.token(t, by, in))
	})
}

// overWebSocket sends a frame over a connection of its own. The answer is its reply; of a watch, with all that follows up
// to the event that a user in a scene waits for.
func (w *world) overWebSocket(t *testing.T, verb, request, token string) answer {
	t.Helper()
	socket, refused := w.dial(t, token)
	if socket == nil {
		return refused
	}
	defer func() { _ = socket.CloseNow() }()
	c := conversation{t, socket}
	fields, _, _ := fields(request, false)
	c.send(fmt.Sprintf(`{"type":%q,"ref":"asked"%s}`, verb, strings.Replace(strings.TrimSuffix(fields, "}"), "{", ",", 1)))
	said := c.next()
	var reply struct{ Ref, Type string }
	if err := json.Unmarshal([]byte(said), &reply); err != nil || reply.Ref != "asked" {
		t.Errorf("the first frame after %s is %s, want its reply", verb, said)
	}
	switch reply.Type {
	case "error":
		c.send(`{"type":"ping"}`)
		if after := c.next(); !strings.Contains(after, "pong") {
			t.Errorf("after %s was refused there comes %s, want nothing", verb, after)
		}
		return answer{refusal([]byte(said)), said}
	case "watching":
		for !awaited(said) {
			said += c.next()
		}
	}
	return answer{"ok", said}
}

// conversation is one client's connection.
type conversation struct {
	t      *testing.T
	socket *websocket.Conn
}

func (c conversation) send(frame string) {
	c.t.Helper()
	if err := c.socket.Write(c.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		c.t.Fatal(err)
	}
}

func (c conversation) next() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	_, frame, err := c.socket.Read(ctx)
	if err != nil {
		c.t.Fatalf("no frame comes: %v", err)
	}
	return string(frame)
}
