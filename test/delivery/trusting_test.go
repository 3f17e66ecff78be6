package delivery

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/client"
)

// trusting is a minimal client for one connection after the other. It trusts the server: it continues from the last
// next_cursor or event id, and takes every message. The Go client would hide a server's repetitions.
type trusting struct {
	over  client.Transport
	http  *http.Client
	chats []string
	limit int // of a long-poll
	took  func(client.Message)

	token  string // of devices, as the two that follow
	device string
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // or nil

	mutex   sync.Mutex
	cursors map[string]int64
	lastID  string // of the last event
}

// page is a page in the form of all transports.
type page struct {
	Type string `json:"type"`
	Chat string `json:"chat"`
	client.Page
}

// read reads from a server until that fails or ctx ends.
func (r *trusting) read(ctx context.Context, base string) error {
	switch r.over {
	case overDevice:
		return r.connects(ctx, base)
	case client.WebSocket:
		return r.socket(ctx, base)
	case client.LongPoll:
		return r.polls(ctx, base)
	default:
		return r.stream(ctx, base)
	}
}

func (r *trusting) cursor(name string) int64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.cursors[name]
}

func (r *trusting) take(p page) {
	for _, m := range p.Messages {
		r.took(m)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.cursors[p.Chat] = p.NextCursor
}

// polls has a long-poll for each chat.
func (r *trusting) polls(ctx context.Context, base string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(r.chats))
	for _, name := range r.chats {
		go func() {
			defer cancel()
			for {
				if err := r.poll(ctx, base, name); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	var err error
	for range r.chats {
		if failed := <-errs; err == nil {
			err = failed
		}
	}
	return err
}

func (r *trusting) poll(ctx context.Context, base, name string) error {
	query := url.Values{
		"chat": {name}, "cursor": {strconv.FormatInt(r.cursor(name), 10)}, "wait": {"60s"}, "limit": {strconv.Itoa(r.limit)},
	}
	response, err := r.get(ctx, base+"/api/pull?"+query.Encode(), "")
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	p := page{Chat: name}
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		return err
	}
	r.take(p)
	return nil
}

func (r *trusting) get(ctx context.Context, url, lastID string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := r.http.Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		defer func() { _ = response.Body.Close() }()
		return nil, refusalIn(response.Body)
	}
	return response, err
}

// stream reads events as a browser's EventSource does.
func (r *trusting) stream(ctx context.Context, base string) error {
	query := url.Values{"chat": r.chats}
	response, err := r.get(ctx, base+"/api/stream?"+query.Encode(), r.lastID)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReader(response.Body)
	event := map[string]string{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			field, value, _ := strings.Cut(line, ":")
			event[field] = strings.TrimPrefix(value, " ")
			continue
		}
		switch event["event"] {
		case "messages":
			var p page
			if err := json.Unmarshal([]byte(event["data"]), &p); err != nil {
				return err
			}
			r.take(p)
			r.lastID = event["id"]
		case "error":
			return refusalIn(strings.NewReader(event["data"]))
		}
		clear(event)
	}
}

func (r *trusting) socket(ctx context.Context, base string) error {
	options := &websocket.DialOptions{HTTPClient: r.http}
	conn, response, err := websocket.Dial(ctx, base+"/api/ws", options)
	if err != nil {
		if response != nil && response.StatusCode >= http.StatusBadRequest {
			return refusalIn(response.Body)
		}
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(64 << 20)
	for _, name := range r.chats {
		frame := fmt.Sprintf(`{"type":"watch","chat":%q,"cursor":%d}`, name, r.cursor(name))
		if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			return err
		}
	}
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var p page
		if err := json.Unmarshal(frame, &p); err != nil {
			return err
		}
		switch p.Type {
		case "messages":
			r.take(p)
		case "error":
			return refusalIn(bytes.NewReader(frame))
		}
	}
}

// slow is a transport whose connections read in small pieces, with a pause after each.
func slow(pause time.Duration) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		return slowConn{conn, pause}, nil
	}}
}

type slowConn struct {
	net.Conn
	pause time.Duration
}

func (c slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), 2048)])
	<-time.After(c.pause)
	return n, err
}
