package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Transport is a transport for watchers.
type Transport string

// The transports.
const (
	SSE       Transport = "sse"
	WebSocket Transport = "ws"
	LongPoll  Transport = "poll"
)

// watcher follows one chat from its beginning and records its messages.
type watcher struct {
	chat     int
	received *atomic.Int64 // by all, in order
	// authorization is like connection.authorization.
	authorization string
	pages         int
	got           []received
	last          int64                       // position; received does not count messages at or before it
	read          func(context.Context) error // until the context ends
}

type received struct {
	sendTime int64
	at       time.Time
}

// pollWait is how long a long-poll waits.
const pollWait = "25s"

// connect makes the connection, or for long-polls its own client.
func (w *watcher) connect(ctx context.Context, host string, over Transport, chat string) error {
	switch over {
	case SSE:
		return w.connectEvents(ctx, host, chat)
	case WebSocket:
		return w.connectSocket(ctx, host, chat)
	default:
		w.read = func(ctx context.Context) error { return w.poll(ctx, host, chat) }
		return nil
	}
}

// header is sent with every request of a watcher.
func (w *watcher) header() http.Header {
	header := http.Header{}
	if w.authorization != "" {
		header.Set("Authorization", "Bearer "+w.authorization)
	}
	return header
}

// note reads the positions in a page. Texts of the load have no quotes, so texts cannot match.
func (w *watcher) note(page []byte) {
	const name = `"send_time":`
	at, n := time.Now(), 0
	for {
		i := bytes.Index(page, []byte(name))
		if i < 0 {
			break
		}
		page = page[i+len(name):]
		digits := page[:len(page)-len(bytes.TrimLeft(page, "0123456789"))]
		sendTime, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			continue
		}
		w.got = append(w.got, received{sendTime, at})
		n++
		if sendTime > w.last {
			w.last = sendTime
			w.received.Add(1)
		}
	}
	if n > 0 {
		w.pages++
	}
}

// connectEvents implements HTTP itself, like connection: each event is one line of data.
func (w *watcher) connectEvents(ctx context.Context, host, chat string) error {
	dialer := net.Dialer{Timeout: answerTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	lines := bufio.NewReaderSize(conn, 4<<10)
	line := ""
	request := fmt.Appendf(nil, "GET /api/stream?chat=%s HTTP/1.1\r\nHost: %s\r\n", chat, host)
	if w.authorization != "" {
		request = fmt.Appendf(request, "Authorization: Bearer %s\r\n", w.authorization)
	}
	if _, err = conn.Write(append(request, "\r\n"...)); err == nil {
		line, err = lines.ReadString('\n')
	}
	if err == nil && !bytes.HasPrefix([]byte(line), []byte("HTTP/1.1 200")) {
		err = errors.New(line)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	w.read = func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		for {
			line, err := readLine(lines)
			if err != nil {
				return err
			}
			if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				w.note(data)
			}
		}
	}
	return nil
}

// readLine returns a line. A short line is valid until the next one is read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	line = bytes.Clone(line)
	rest, err := r.ReadBytes('\n')
	return append(line, rest...), err
}

func (w *watcher) connectSocket(ctx context.Context, host, chat string) error {
	dialing, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, _, err := websocket.Dial(dialing, "ws://"+host+"/api/ws", &websocket.DialOptions{HTTPHeader: w.header()}) //nolint:bodyclose // the connection takes it
	if err != nil {
		return err
	}
	conn.SetReadLimit(-1)
	if err := conn.Write(dialing, websocket.MessageText, fmt.Appendf(nil, `{"type":"watch","chat":"%s"}`, chat)); err != nil {
		return errors.Join(err, conn.CloseNow())
	}
	if _, _, err := conn.Read(dialing); err != nil { // that it watches
		return errors.Join(err, conn.CloseNow())
	}
	w.read = func(ctx context.Context) error {
		defer func() { _ = conn.CloseNow() }()
		for {
			_, page, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			w.note(page)
		}
	}
	return nil
}

func (w *watcher) poll(ctx context.Context, host, chat string) error {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for cursor := int64(0); ; {
		target := fmt.Sprintf("http://%s/api/pull?chat=%s&cursor=%d&limit=100&wait=%s", host, chat, cursor, pollWait)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return err
		}
		request.Header = w.header()
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		var page struct {
			NextCursor int64 `json:"next_cursor"`
		}
		if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &page) != nil {
			return fmt.Errorf("%s: %s", answer.Status, body)
		}
		w.note(body)
		cursor = page.NextCursor
	}
}
