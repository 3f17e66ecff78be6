package gateway

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func upgrade(header string) string {
	return get("/api/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+header)
}

// The first byte of a frame (RFC 6455, 5.2).
const (
	last                                                 = 0x80
	goesOn, text, blob, closeFrame, pingFrame, pongFrame = 0, 1, 2, 8, 9, 10
)

// upgraded is a connection on which frames are written out.
func (w wire) upgraded(t *testing.T) wire {
	t.Helper()
	w.ask(t, upgrade(""))
	response, err := http.ReadResponse(w.in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the answer = %+v, %v; want 101", response, err)
	}
	if accept := response.Header.Get("Sec-WebSocket-Accept"); accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || response.Header.Get("X-Request-Id") == "" {
		t.Errorf("the headers are %v, want RFC 6455's and a request id", response.Header)
	}
	return w
}

// frame is a client's: masked, with zeros.
func frame(first byte, payload string) string {
	header := []byte{first, 0x80 | byte(min(len(payload), 126))}
	switch {
	case len(payload) > 1<<16-1:
		header[1] = 0x80 | 127
		header = binary.BigEndian.AppendUint64(header, uint64(len(payload)))
	case len(payload) > 125:
		header = binary.BigEndian.AppendUint16(header, uint16(len(payload)))
	}
	return string(header) + "\x00\x00\x00\x00" + payload
}

// next reads a server's short frame.
func (w wire) next(t *testing.T) (first byte, payload string) {
	t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(patience))
	var header [2]byte
	if _, err := io.ReadFull(w.in, header[:]); err != nil || header[1] > 125 {
		t.Fatalf("the frame begins with %v, %v; want a short one", header, err)
	}
	body := make([]byte, header[1])
	if _, err := io.ReadFull(w.in, body); err != nil {
		t.Fatal(err)
	}
	return header[0], string(body)
}

// goodbye reads to the frame that closes, and returns its code.
func (w wire) goodbye(t *testing.T) (code websocket.StatusCode, reason string) {
	t.Helper()
	for {
		if first, payload := w.next(t); first == last|closeFrame {
			return websocket.StatusCode(binary.BigEndian.Uint16([]byte(payload))), payload[2:]
		}
	}
}

const pingText = `{"type":"ping"}`

// TestFrames: those that may not be end the connection with their code.
func TestFrames(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		for name, c := range map[string]struct {
			frames string
			code   websocket.StatusCode
		}{
			"binary":                      {frame(last|blob, pingText), 1003},
			"not UTF-8":                   {frame(last|text, "{\"type\":\"ping\xff\"}"), 1007},
			"half a character":            {frame(text, "{\"type\":\"ping\xc3") + frame(last|goesOn, "\"}"), 1007},
			"too large":                   {frame(last|text, pingText+strings.Repeat(" ", 64<<10)), 1009},
			"much too large":              {frame(last|text, strings.Repeat(" ", 300<<10)), 1009}, // the rest is not read
			"too large in parts":          {frame(text, pingText+strings.Repeat(" ", 40<<10)) + frame(last|goesOn, strings.Repeat(" ", 40<<10)), 1009},
			"not masked":                  {"\x81\x02{}", 1002},
			"an unknown kind":             {frame(last|3, ""), 1002},
			"a reserved bit":              {frame(last|0x40|text, pingText), 1002},
			"a part without a beginning":  {frame(last|goesOn, pingText), 1002},
			"a long ping":                 {frame(last|pingFrame, strings.Repeat("x", 126)), 1002},
			"a goodbye":                   {frame(last|closeFrame, "\x03\xe8bye"), 1000},
			"a goodbye without a reason":  {frame(last|closeFrame, "\x03\xe9"), 1001},
			"a goodbye with a wrong code": {frame(last|closeFrame, "\x03\xee"), 1002},
		} {
			t.Run(name, func(t *testing.T) {
				client := connect().upgraded(t)
				_, _ = io.WriteString(client, c.frames) // it may end before all is written
				if code, reason := client.goodbye(t); code != c.code {
					t.Errorf("%s: the connection ends with %d %q, want %d", name, code, reason, c.code)
				}
				if rest, err := io.ReadAll(client.in); len(rest) > 0 || err != nil { // a reset may overtake the code
					t.Errorf("%s: after the code comes %q, %v; want the end", name, rest, err)
				}
			})
		}
	})
}

// TestFragments: a message may come in parts, with a ping between them, and be as large as allowed.
func TestFragments(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		client := connect().upgraded(t)
		const ref = `{"type":"ping","ref":"ä"}` // its last letter is in two parts
		at := strings.Index(ref, "ä") + 1
		client.ask(t, frame(text, ref[:at])+frame(goesOn, "")+frame(last|pingFrame, "x")+frame(last|goesOn, ref[at:]))
		if first, payload := client.next(t); first != last|pongFrame || payload != "x" {
			t.Errorf("the ping is answered with %x %q, want a pong", first, payload)
		}
		want := `{"type":"pong","ref":"ä"}`
		for _, frames := range []string{"", frame(last|text, pingText+strings.Repeat(" ", 64<<10-len(pingText))), frame(last|text, pingText)} {
			client.ask(t, frames)
			if first, payload := client.next(t); first != last|text || payload != want {
				t.Errorf("the frame is %x %q, want %s", first, payload, want)
			}
			want = `{"type":"pong"}`
		}
	})
}

// TestFramesRightAfterTheHandshake are not lost.
func TestFramesRightAfterTheHandshake(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		client := connect()
		client.ask(t, upgrade("")+frame(last|text, pingText))
		if _, err := http.ReadResponse(client.in, nil); err != nil {
			t.Fatal(err)
		}
		if _, payload := client.next(t); payload != `{"type":"pong"}` {
			t.Errorf("the frame is %q, want a pong", payload)
		}
	})
}

// TestSilence: a client that answers pings stays; one that does not goes.
func TestSilence(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, func(l *limits) { l.silence, l.tick = 3*time.Second, time.Millisecond })
	silent, answers := dial(t, d.addr).upgraded(t), dial(t, d.addr).upgraded(t)
	told := make(chan struct{})
	defer func() { <-told }()
	go func() {
		defer close(told)
		_ = silent.SetReadDeadline(time.Now().Add(patience))
		if all, err := io.ReadAll(silent.in); err != nil || !strings.HasSuffix(string(all), "\x03\xe9no answer to pings for 3s") {
			t.Errorf("the silent one is told %.500q, %v; want 1001", all, err)
		}
	}()
	for ended := false; !ended; {
		if first, payload := answers.next(t); first != last|pingFrame || payload != "" {
			t.Fatalf("a frame is %x %q, want a ping", first, payload)
		}
		answers.ask(t, frame(last|pongFrame, ""))
		select {
		case <-told: // after a silence that the other would not have lived through either
			ended = true
		default:
		}
	}
	answers.ask(t, frame(last|text, pingText))
	for first, payload := answers.next(t); first != last|text; first, payload = answers.next(t) {
		if first != last|pingFrame {
			t.Fatalf("the one that answers hears %x %q, want pings and its pong", first, payload)
		}
	}
	d.log.untilLogged(t, 1, `msg="websocket ended"`, "close=1001")
}

// TestLogOfAWebSocket: a line when it begins and one when it has ended, with the same id.
func TestLogOfAWebSocket(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	client := dial(t, d.addr).upgraded(t)
	begin := d.log.untilLogged(t, 1, "route=/api/ws", "status=101")
	client.ask(t, frame(last|closeFrame, "\x03\xe8"))
	end := d.log.untilLogged(t, 1, `msg="websocket ended"`, "close=1000", "duration_ms=")
	_, id, _ := strings.Cut(begin, " id=")
	id, _, _ = strings.Cut(id, " ")
	if id == "" || !strings.Contains(end, " id="+id+" ") {
		t.Errorf("the lines are %q and %q, want one id", begin, end)
	}
	gone := dial(t, d.addr).upgraded(t)
	_ = gone.Close()
	d.log.untilLogged(t, 1, `msg="websocket ended"`, "close=1006")
}
