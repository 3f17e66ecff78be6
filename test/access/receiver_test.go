package access

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// receiver is a service that listens to the shared scene: signals are stored nowhere.
type receiver struct {
	socket *websocket.Conn
	frames chan heardFrame
	chats  []string
}

type heardFrame struct{ Type, Chat, Sender, Signal, Data string }

// sentinel is the signal that comes after those of a cell.
const sentinel = "sentinel"

func (w *world) listen(t *testing.T, in scene) *receiver {
	t.Helper()
	socket, refused := w.dial(t, w.token(t, service, in))
	if socket == nil {
		t.Fatalf("a service's WebSocket is refused: %s", refused.body)
	}
	e := &receiver{socket: socket, frames: make(chan heardFrame, 100), chats: []string{in.room(), in.pair()}}
	ended := make(chan struct{})
	w.test.Cleanup(func() {
		e.close()
		<-ended
	})
	go func() {
		defer close(ended)
		for {
			_, text, err := socket.Read(context.Background())
			if err != nil {
				return
			}
			var f heardFrame
			if _ = json.Unmarshal(text, &f); f.Type == "signal" {
				e.frames <- f
			}
		}
	}()
	for _, chat := range e.chats {
		frame := fmt.Sprintf(`{"type":"watch","chat":%q,"cursor":9007199254740990}`, chat)
		if err := socket.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		w.untilHeard(t, e, chat)
	}
	return e
}

func (e *receiver) close() { _ = e.socket.CloseNow() }

// untilHeard tells a chat's sentinels until one is heard: those of before the server listens are lost.
func (w *world) untilHeard(t *testing.T, e *receiver, chat string) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	over := time.After(30 * time.Second)
	for {
		w.tell(t, chat, "begin")
		select {
		case <-e.frames:
			return
		case <-again.C:
		case <-over:
			t.Fatalf("no signal in %s is heard in 10 s", chat)
		}
	}
}

func (w *world) tell(t *testing.T, chat, data string) {
	t.Helper()
	signal := fmt.Sprintf(`{"chat":%q,"sender":%q,"type":%q,"data":%q}`, chat, w.shared.name(member), sentinel, data)
	w.asService(t, "POST", "/api/signal", signal)
}

// signals says whether a row is about signals.
func (w *world) signals(r row) bool { return strings.Contains(strings.ToLower(r.name), "signal") }

// heard returns the senders whose signals were received, for a row about signals.
func (w *world) heard(t *testing.T, r row, in scene) (senders []string) {
	t.Helper()
	if !w.signals(r) || in != w.shared {
		return nil
	}
	w.made++
	last := fmt.Sprint(w.made)
	for _, chat := range w.receiver.chats {
		w.tell(t, chat, last)
	}
	over := time.After(30 * time.Second)
	for missing := len(w.receiver.chats); missing > 0; {
		select {
		case f := <-w.receiver.frames:
			switch {
			case f.Signal != sentinel:
				senders = append(senders, f.Sender)
			case f.Data == last:
				missing--
			}
		case <-over:
			t.Fatal("a service's own signal is not heard in 10 s")
		}
	}
	return senders
}

// dial opens a WebSocket. It is nil where the handshake was refused, with the answer.
func (w *world) dial(t *testing.T, token string) (*websocket.Conn, answer) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	options := &websocket.DialOptions{HTTPClient: w.client, HTTPHeader: header}
	socket, response, err := websocket.Dial(context.WithoutCancel(t.Context()), w.base+"/api/ws", options)
	switch {
	case err == nil:
		return socket, answer{}
	case response == nil:
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	said := read(response)
	return nil, answer{refusal(said), string(said)}
}
