// Package metrics checks the metrics of both servers over a real Redis.
package metrics

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	dto "github.com/prometheus/client_model/go"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// TestMain silences the frameworks, whose loggers are process-wide.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

const (
	authSecret     = "the secret of the metrics: 32 bytes or more"
	maxConnections = 12
)

// stack is both servers with AUTH=on and small limits, over a Redis of their own.
type stack struct {
	t        *testing.T
	redis    *redistest.Server
	metrics  *metrics.Metrics
	scraped  *httptest.Server // the metrics listener's handler
	addr     string
	client   *http.Client
	accessOf map[string]string // token by user
}

func start(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, redis: redistest.Start(t), metrics: metrics.New(), client: &http.Client{Transport: &http.Transport{}}, accessOf: map[string]string{}}
	s.scraped = httptest.NewServer(s.metrics.Handler())
	t.Cleanup(s.scraped.Close)
	t.Cleanup(s.client.CloseIdleConnections)
	log := slog.New(slog.DiscardHandler)
	rpc, err := service.Listen(t.Context(), service.Config{
		RPCAddr: "127.0.0.1:0", RedisURL: s.redis.URL(), DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096,
		IdempotencyWindow: time.Hour, RefreshTokenTTL: time.Hour, MaxRoomMembers: 100, HintSweep: 100 * time.Millisecond,
		NewChatsPerHour: 2, AddedPerHour: 1, Metrics: s.metrics.Service(),
		Trust: service.Trust{Auth: "on", RPCSecret: "between us"},
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, rpc)
	calls, err := rpcclient.New(rpcclient.Config{
		RPCServers: []string{rpc.Addr().String()}, RPCSecret: "between us", Metrics: s.metrics.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	s.consume(calls, log)
	server, err := gateway.Listen(gateway.Config{
		HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 64 << 10, MaxConnections: new(maxConnections),
		Auth: "on", Token: token.Config{AuthSecret: authSecret}, AccessTokenTTL: time.Hour, Registration: "open",
		RateLimit: rate(200), RateLimitBy: "user", SignalRate: rate(1), LoginRate: rate(1), RegistrationRate: rate(3),
		UserStreams: 3, FollowedChats: 2, Metrics: s.metrics.Gateway(),
	}, calls.Services(), log)
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	s.addr = server.Addr().String()
	return s
}

// consume runs a projection. It refuses one message, and fails once at another.
func (s *stack) consume(calls *rpcclient.Client, log *slog.Logger) {
	s.t.Helper()
	measured := s.metrics.Worker()
	worker, err := projection.New(projection.Config{Source: calls, Log: log, Handled: measured.Handled})
	if err != nil {
		s.t.Fatal(err)
	}
	measured.Projections(func() (all []metrics.Projection) {
		for _, p := range worker.Stats() {
			all = append(all, metrics.Projection(p))
		}
		return all
	})
	var failed atomic.Bool
	handle := func(_ context.Context, events []projection.Event) error {
		switch {
		case events[0].Last().Text == "the first":
			return projection.Reject(errors.New("unwanted"))
		case !failed.Swap(true):
			return errors.New("not now")
		}
		return nil
	}
	if err := worker.Set([]projection.Projection{{Name: "test", Handler: projection.HandlerFunc(handle)}}); err != nil {
		s.t.Fatal(err)
	}
	chattest.Run(s.t, asWorker{worker})
}

// asWorker runs a worker as the service that it is.
type asWorker struct{ *projection.Worker }

func (w asWorker) Run(ctx context.Context) error {
	return w.Worker.Run(chat.WithCaller(ctx, chat.Caller{User: "worker", Service: true}))
}

func rate(perHour int) ratelimit.Rate { return ratelimit.Rate{Requests: perHour, Per: time.Hour} }

// ask makes a request as a user, or without a token, and returns the status and the body.
func (s *stack) ask(method, path, user string, body any) (int, []byte) {
	s.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	if body == nil {
		sent = nil
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr+path, bytes.NewReader(sent))
	if err != nil {
		s.t.Fatal(err)
	}
	if user != "" {
		request.Header.Set("Authorization", "Bearer "+s.accessOf[user])
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, answer
}

// want makes a request that must have a status.
func (s *stack) want(status int, method, path, user string, body any) []byte {
	s.t.Helper()
	got, answer := s.ask(method, path, user, body)
	if got != status {
		s.t.Errorf("%s %s = %d %s, want %d", method, path, got, answer, status)
	}
	return answer
}

type fields map[string]any

func (s *stack) login(user string) {
	s.t.Helper()
	var session struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(s.want(200, "POST", "/api/login", "", fields{"user": user, "password": "correct horse"}), &session); err != nil {
		s.t.Fatal(err)
	}
	s.accessOf[user] = session.AccessToken
}

func (s *stack) send(text string) {
	s.t.Helper()
	s.want(200, "POST", "/api/send", "alice", fields{"chat": "alice:bob", "text": text})
}

// stream opens an event stream and returns a function that ends it.
func (s *stack) stream(user, chat string) (status int, events *bufio.Reader, end func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/api/stream?chat="+chat, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.accessOf[user])
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = response.Body.Close() })
	return response.StatusCode, bufio.NewReader(response.Body), cancel
}

// socket opens a WebSocket that watches a chat.
func (s *stack) socket(user string) *websocket.Conn {
	s.t.Helper()
	conn, response, err := websocket.Dial(s.t.Context(), "ws://"+s.addr+"/api/ws", &websocket.DialOptions{
		HTTPClient: s.client, HTTPHeader: http.Header{"Authorization": {"Bearer " + s.accessOf[user]}},
	})
	if err != nil {
		s.t.Fatal(err, response)
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func (s *stack) frame(conn *websocket.Conn, sent, wanted string) {
	s.t.Helper()
	if sent != "" {
		if err := conn.Write(s.t.Context(), websocket.MessageText, []byte(sent)); err != nil {
			s.t.Fatal(err)
		}
	}
	for {
		_, got, err := conn.Read(s.t.Context())
		if err != nil {
			s.t.Fatalf("no frame with %q came: %v", wanted, err)
		}
		if strings.Contains(string(got), wanted) {
			return
		}
	}
}

// value sums the samples of a metric that have all of the labels, given as name=value: values, or the counts of histograms.
func (s *stack) value(name string, labels ...string) (sum float64) {
	s.t.Helper()
	families, err := s.metrics.Gatherer().Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, sample := range family.GetMetric() {
			if hasLabels(sample, labels) {
				sum += sample.GetCounter().GetValue() + sample.GetGauge().GetValue() + float64(sample.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func hasLabels(sample *dto.Metric, labels []string) bool {
	for _, wanted := range labels {
		found := false
		for _, label := range sample.GetLabel() {
			found = found || label.GetName()+"="+label.GetValue() == wanted
		}
		if !found {
			return false
		}
	}
	return true
}

// until waits until a metric has at least a value.
func (s *stack) until(least float64, name string, labels ...string) {
	s.t.Helper()
	for over := time.Now().Add(30 * time.Second); s.value(name, labels...) < least; {
		if time.Now().After(over) {
			s.t.Errorf("%s%v = %v, want at least %v", name, labels, s.value(name, labels...), least)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// exhaust makes a request until it is refused.
func (s *stack) exhaust(method, path, user string, body any) {
	s.t.Helper()
	for range 300 {
		if status, _ := s.ask(method, path, user, body); status == http.StatusTooManyRequests {
			return
		}
	}
	s.t.Errorf("%s %s is never refused", method, path)
}

// crowd opens connections until one is turned away.
func (s *stack) crowd() {
	s.t.Helper()
	for range maxConnections + 1 {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = conn.Close() })
	}
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer, _ := io.ReadAll(conn); !bytes.Contains(answer, []byte("503")) {
		s.t.Errorf("a connection beyond the limit is answered %q, want 503", answer)
	}
}
