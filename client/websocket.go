package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// watchesAhead bounds the pending watch frames: enough to hide the latency of a far server, and few enough that neither
// side blocks on a full buffer.
const watchesAhead = 16

// socket follows over a WebSocket.
func (f *following) socket(parent context.Context, s *server, held Session) *failure {
	ctx, guard, release := f.guard(parent)
	defer release()
	header := http.Header{}
	authorize(header, held.AccessToken)
	conn, response, err := websocket.Dial(ctx, s.base+"/api/ws", &websocket.DialOptions{ //nolint:bodyclose // it is closed by the library
		HTTPClient:     f.client.lasting,
		HTTPHeader:     header,
		OnPingReceived: func(context.Context, []byte) bool { guard.waits(); return true },
	})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			body, _ := io.ReadAll(response.Body)
			return answered(s, &answer{response.StatusCode, response.Status, response.Header, body})
		}
		return guard.broken(ctx, err)
	}
	guard.answered()
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxEvent)

	defer f.keepAuthorized(ctx, s, conn, held)()
	chats := slices.Sorted(maps.Keys(f.cursors))
	if f.request.Inbox {
		chats = []string{""}
	}
	for range watchesAhead {
		if chats, err = f.watch(ctx, conn, chats); err != nil {
			return closed(s, guard.broken(ctx, err))
		}
	}
	for {
		t, failed := nextFrame(ctx, s, conn, guard)
		if failed != nil {
			return failed
		}
		if t.Type == "watching" {
			f.accepted(s)
			if chats, err = f.watch(ctx, conn, chats); err != nil {
				return closed(s, guard.broken(ctx, err))
			}
		}
		if t.Ref == authRef { // if refused, as by an earlier server, the connection ends with its token
			continue
		}
		if failed := f.take(s, t); failed != nil {
			return failed
		}
	}
}

// authRef is the ref of frames with a new token.
const authRef = "auth"

// keepAuthorized sends each new token of a session to the server, before the old one expires. The returned function stops
// it.
func (f *following) keepAuthorized(ctx context.Context, s *server, conn *websocket.Conn, held Session) (end func()) {
	if held.User == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() {
		pause := f.client.identity.pause
		for wait := held.untilDue(time.Now()); sleep(ctx, wait) == nil; {
			next, failed := f.client.heldFor(ctx, s)
			if failed != nil || next.AccessToken == held.AccessToken { // retried until the connection ends
				wait, pause = pause, min(2*pause, longestPause)
				continue
			}
			frame, err := json.Marshal(map[string]string{"type": "auth", "ref": authRef, "token": next.AccessToken})
			if err != nil || conn.Write(ctx, websocket.MessageText, frame) != nil {
				return
			}
			held, wait, pause = next, next.untilDue(time.Now()), f.client.identity.pause
		}
	})
	return func() {
		cancel()
		telling.Wait()
	}
}

// watch asks for the first of chats and returns the others. "" is an inbox.
func (f *following) watch(ctx context.Context, conn *websocket.Conn, chats []string) ([]string, error) {
	if len(chats) == 0 {
		return nil, nil
	}
	var batch string
	if f.request.Batch > 0 {
		batch = f.request.Batch.String()
	}
	frame, err := json.Marshal(struct {
		Type     string `json:"type"`
		Chat     string `json:"chat,omitempty"`
		Inbox    bool   `json:"inbox,omitempty"`
		Cursor   int64  `json:"cursor,omitempty"`
		Reader   string `json:"reader,omitempty"`
		Presence bool   `json:"presence,omitempty"`
		Batch    string `json:"batch,omitempty"`
	}{"watch", chats[0], f.request.Inbox, f.cursors[chats[0]], f.request.Reader, f.request.Presence, batch})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.client.policy.Attempt)
	defer cancel()
	return chats[1:], conn.Write(ctx, websocket.MessageText, frame)
}

func nextFrame(ctx context.Context, s *server, conn *websocket.Conn, guard *silenceGuard) (told, *failure) {
	guard.waits()
	defer guard.waited()
	_, reader, err := conn.Reader(ctx)
	var frame []byte
	if err == nil {
		frame, err = io.ReadAll(heard{reader, guard})
	}
	if err != nil {
		return told{}, closed(s, guard.broken(ctx, err))
	}
	var t told
	if err := json.Unmarshal(frame, &t); err != nil {
		if cutShort(ctx, conn) {
			return told{}, &failure{err: errEnded, passes: true}
		}
		return told{}, strange(s, err)
	}
	return t, nil
}

// cutShort reports whether the connection ended within the last frame. The library takes the end of a connection for the
// end of the frame, and only the next read fails, at once.
func cutShort(ctx context.Context, conn *websocket.Conn) bool {
	atOnce, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, _, err := conn.Reader(atOnce)
	return err != nil && atOnce.Err() == nil
}

// closed decides from the close code whether to reconnect.
func closed(s *server, failed *failure) *failure {
	if errors.Is(failed.err, websocket.ErrMessageTooBig) {
		return strange(s, fmt.Errorf("a frame is longer than %d bytes", maxEvent))
	}
	end, ok := errors.AsType[websocket.CloseError](failed.err)
	if !ok {
		return failed
	}
	text := fmt.Sprintf("the server has closed the WebSocket: %d %s", end.Code, end.Reason)
	failed.err = errors.New(text)
	switch end.Code {
	case websocket.StatusTryAgainLater:
		failed.after = time.Second
	case websocket.StatusProtocolError, websocket.StatusUnsupportedData, websocket.StatusInvalidFramePayloadData,
		websocket.StatusPolicyViolation, websocket.StatusMessageTooBig, websocket.StatusMandatoryExtension:
		failed.err, failed.passes = &Error{Code: "unknown", Message: text}, false
	}
	return failed
}
