package livetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/porttest"
)

// Server is one server of a log. Set its fields before a client connects.
type Server struct {
	Log *Log
	URL string
	// Before may answer a request itself; then it returns true.
	Before func(http.ResponseWriter, *http.Request) bool
	// Cut returns the number of bytes after which a connection breaks. A nil Cut or a negative number means never.
	Cut func() int
	// Back is how many messages before the cursor a stream begins.
	Back int64
	// Format changes the written form of an event.
	Format func(event string) string

	address  string
	requests atomic.Int64
	mutex    sync.Mutex
	http     *http.Server
	ended    chan struct{} // when http no longer serves
	stop     context.CancelFunc
}

// limit is the number of messages in a page.
const limit = 10

// Serve starts a server, which stops with the test.
func Serve(t testing.TB, s *Server) *Server {
	t.Helper()
	s.address = porttest.Hold(t)
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server, again at the same address.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	s.URL = "http://" + s.address
	ctx, stop := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan struct{})
	s.mutex.Lock()
	s.http, s.stop, s.ended = server, stop, ended
	s.mutex.Unlock()
	go func() {
		defer close(ended)
		_ = server.Serve(cutting{listener, s.Cut})
	}()
}

// Stop breaks all connections and stops the server.
func (s *Server) Stop() {
	s.mutex.Lock()
	server, stop, ended := s.http, s.stop, s.ended
	s.mutex.Unlock()
	stop()
	_ = server.Close()
	<-ended
}

// Requests returns the number of requests.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if s.Before != nil && s.Before(w, r) {
		return
	}
	switch r.URL.Path {
	case "/api/pull":
		s.pull(w, r)
	case "/api/send":
		var m client.Message
		_ = json.NewDecoder(r.Body).Decode(&m)
		answer(w, s.Log.Append(m))
	case "/api/signal":
		var signal client.Signal
		_ = json.NewDecoder(r.Body).Decode(&signal)
		s.Log.Tell(Event{Kind: "signal", Signal: signal})
		answer(w, map[string]string{"status": "success"})
	case "/api/read":
		var reading client.Reading
		_ = json.NewDecoder(r.Body).Decode(&reading)
		s.Log.Tell(Event{Kind: "read", Reading: reading})
		answer(w, map[string]any{"status": "success", "cursor": reading.Cursor})
	case "/api/presence":
		answer(w, s.Log.Present(r.URL.Query().Get("chat")))
	case "/api/stream":
		s.stream(w, r)
	case "/api/ws":
		s.socket(w, r)
	default:
		Refuse(w, http.StatusNotFound, "not_found", "no route "+r.URL.Path)
	}
}

// Refuse answers with an error.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	answer(w, map[string]string{"code": code, "message": message})
}

func answer(w http.ResponseWriter, value any) { _ = json.NewEncoder(w).Encode(value) }

func (s *Server) pull(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	cursor, _ := strconv.ParseInt(query.Get("cursor"), 10, 64)
	most, _ := strconv.Atoi(query.Get("limit"))
	if most == 0 {
		most = limit
	}
	ctx := r.Context()
	if wait := query.Get("wait"); wait != "" {
		d, err := time.ParseDuration(wait)
		if err != nil {
			Refuse(w, http.StatusBadRequest, "invalid_argument", err.Error())
			return
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		cancel()
	}
	for {
		_, changed := s.Log.since(0)
		page := s.Log.pull(query.Get("chat"), cursor, most, query.Get("reverse") == "true")
		if len(page.Messages) == 0 && ctx.Err() == nil {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		answer(w, page)
		return
	}
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	positions := query.Get("last_event_id")
	if header := r.Header.Get("Last-Event-ID"); header != "" {
		positions = header
	}
	viewer := &viewer{server: s, cursors: map[string]int64{}, reader: query.Get("reader"), presence: query.Get("presence") == "true"}
	for _, chat := range query["chat"] {
		viewer.cursors[chat], _ = strconv.ParseInt(query.Get("cursor"), 10, 64)
	}
	for position := range strings.SplitSeq(positions, ";") {
		if chat, cursor, ok := strings.Cut(position, "="); ok {
			chat, _ = url.PathUnescape(chat)
			viewer.cursors[chat], _ = strconv.ParseInt(cursor, 10, 64)
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	write := func(event string) error {
		if s.Format != nil {
			event = s.Format(event)
		}
		if _, err := fmt.Fprint(w, event); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	if write("retry: 1000\n\n") != nil {
		return
	}
	viewer.write = func(kind string, data map[string]any) error {
		if kind == "signal" {
			data["type"] = data["signal"]
		}
		encoded, _ := json.Marshal(data)
		if kind != "messages" {
			return write(fmt.Sprintf("event: %s\ndata: %s\n\n", kind, encoded))
		}
		return write(fmt.Sprintf("id: %s\nevent: messages\ndata: %s\n\n", viewer.id(), encoded))
	}
	viewer.run(r.Context())
}

// cutting makes connections that break.
type cutting struct {
	net.Listener
	cut func() int
}

func (c cutting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil || c.cut == nil {
		return conn, err
	}
	return &cutConn{Conn: conn, left: c.cut()}, nil
}

// cutConn is written by one goroutine at a time.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.left < 0 || c.left > len(p) {
		if c.left > 0 {
			c.left -= len(p)
		}
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:c.left])
	c.left = 0
	_ = c.Close()
	return n, net.ErrClosed
}
