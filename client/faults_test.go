package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/porttest"
)

// fault is one way in which a server does not answer well.
type fault func(w http.ResponseWriter, r *http.Request)

// answers is the fault that is an answer.
func answers(status int, retryAfter string) fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"code":"a_code","message":"a message"}`)
	}
}

// breaks writes the beginning of an answer, and then ends the connection: with a reset, or as a server does that stops.
func breaks(beginning string, reset bool) fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, beginning)
		if reset {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
	}
}

// hangs until the client goes away.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

const partOfAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"send_time\":17"

// faulty is a server that has its fault for some requests, and then answers well. It remembers the ids that were sent.
type faulty struct {
	*httptest.Server
	fault  fault
	mutex  sync.Mutex
	faults int // still to come; negative: without end
	ids    []string
}

func serveFault(t *testing.T, f fault, times int) *faulty {
	t.Helper()
	s := &faulty{fault: f, faults: times}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent struct{ ID string }
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &sent)
	s.mutex.Lock()
	s.ids = append(s.ids, sent.ID)
	fails := s.faults != 0
	if s.faults > 0 {
		s.faults--
	}
	s.mutex.Unlock()
	if fails {
		s.fault(w, r)
		return
	}
	_, _ = io.WriteString(w, `{"status":"success","send_time":17,"duplicate":true,"messages":[],"has_more":false,"next_cursor":17}`)
}

func (s *faulty) seen() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.ids)
}

// brisk is a policy for servers that are real: short waits, and patience for a slow machine.
func brisk(attempts int) client.Option {
	return client.WithPolicy(client.Policy{
		Attempts: attempts, Total: time.Minute, Attempt: 30 * time.Second, Wait: time.Millisecond, MaxWait: time.Millisecond,
	})
}

// impatient gives up an attempt soon, though not one that a busy machine delays.
func impatient(attempts int) client.Option {
	return client.WithPolicy(client.Policy{
		Attempts: attempts, Total: time.Minute, Attempt: time.Second, Wait: time.Millisecond, MaxWait: time.Millisecond,
	})
}

func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   fault
		policy  func(attempts int) client.Option
		status  int  // of the *client.Error that is left in the end; 0: there is none
		unknown bool // the outcome of a send is unknown
	}{
		{"reset before the answer", breaks("", true), brisk, 0, true},
		{"closed before the answer", breaks("", false), brisk, 0, true},
		{"reset in the middle of the header", breaks("HTTP/1.1 200 OK\r\nContent-Le", true), brisk, 0, true},
		{"reset in the middle of the body", breaks(partOfAnswer, true), brisk, 0, true},
		{"closed in the middle of the body", breaks(partOfAnswer, false), brisk, 0, true},
		{"hung", hangs, impatient, 0, true},
		{"429", answers(429, ""), brisk, 429, false},
		{"502", answers(502, ""), brisk, 502, true},
		{"503", answers(503, ""), brisk, 503, true},
		{"503 with Retry-After", answers(503, "0"), brisk, 503, true},
		{"503 with a Retry-After that is none", answers(503, "soon"), brisk, 503, true},
		{"504", answers(504, ""), brisk, 504, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serveFault(t, c.fault, 2)
			api := with(t, s.URL, nil, c.policy(3))
			if got, err := api.Send(t.Context(), client.Message{}); err != nil || got != (client.Receipt{SendTime: 17, Duplicate: true}) {
				t.Errorf("Send() = %+v, %v; want the receipt of the third attempt", got, err)
			}
			if ids := s.seen(); len(ids) != 3 || ids[0] == "" || ids[1] != ids[0] || ids[2] != ids[0] {
				t.Errorf("Send() sends ids %q, want one three times", ids)
			}
			s = serveFault(t, c.fault, 2)
			api = with(t, s.URL, nil, c.policy(3))
			if got, err := api.Pull(t.Context(), client.PullRequest{}); err != nil || got.NextCursor != 17 || len(s.seen()) != 3 {
				t.Errorf("Pull() = %+v, %v after %d requests; want the page of the third", got, err, len(s.seen()))
			}

			lasting := serveFault(t, c.fault, -1)
			_, err := with(t, lasting.URL, nil, c.policy(2)).Send(t.Context(), client.Message{ID: "my own"})
			wantRetryError(t, err, client.RetryError{Attempts: 2, ID: "my own", Unknown: c.unknown}, c.status)
			if ids := lasting.seen(); !slices.Equal(ids, []string{"my own", "my own"}) {
				t.Errorf("Send(with an id) sends ids %q, want that one twice", ids)
			}
			err = with(t, lasting.URL, nil, c.policy(2)).Ready(t.Context())
			wantRetryError(t, err, client.RetryError{Attempts: 2}, c.status)
		})
	}
}

// wantRetryError compares all but Err, in which it wants an answer of that status, or none.
func wantRetryError(t *testing.T, err error, want client.RetryError, status int) {
	t.Helper()
	got, ok := errors.AsType[*client.RetryError](err)
	if !ok || got.Attempts != want.Attempts || got.ID != want.ID || got.Unknown != want.Unknown {
		t.Errorf("error = %#v, want %#v", err, want)
	}
	if answered, ok := errors.AsType[*client.Error](err); ok != (status != 0) || ok && answered.Status != status {
		t.Errorf("error = %v, want status %d in it", err, status)
	}
}

func TestFaultsThatStay(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   fault
		unknown bool
	}{
		{"400", answers(400, ""), false},
		{"404", answers(404, ""), false},
		{"409", answers(409, ""), false},
		{"413", answers(413, ""), false},
		{"500", answers(500, ""), true},
		{"another success", answers(202, ""), true},
		{"no Pullchat server", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serveFault(t, c.fault, -1)
			api := with(t, s.URL, nil, brisk(3))
			_, err := api.Send(t.Context(), client.Message{ID: "1"})
			if retried, ok := errors.AsType[*client.RetryError](err); ok != c.unknown {
				t.Errorf("Send() = %#v, want a *RetryError: %t", err, c.unknown)
			} else if ok {
				wantRetryError(t, err, client.RetryError{Attempts: 1, ID: "1", Unknown: true, Err: retried.Err}, statusOf(retried.Err))
			}
			if _, err := api.Pull(t.Context(), client.PullRequest{}); err == nil || errors.As(err, new(*client.RetryError)) {
				t.Errorf("Pull() = %#v, want the error itself", err)
			}
			if got := len(s.seen()); got != 2 {
				t.Errorf("a send and a pull make %d requests, want 2", got)
			}
		})
	}
}

// TestNotTheServerThatWasMeant: no repeat makes another server of it.
func TestNotTheServerThatWasMeant(t *testing.T) {
	plain, secret := serveFault(t, nil, 0), httptest.NewTLSServer(http.NotFoundHandler())
	secret.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about the client
	t.Cleanup(secret.Close)
	for name, base := range map[string]string{
		"an unknown certificate": secret.URL,
		"no TLS":                 strings.Replace(plain.URL, "http:", "https:", 1),
	} {
		repeats := 0
		api := with(t, base, nil, brisk(3), client.WithNotify(func(client.Repeat) { repeats++ }))
		if _, err := api.Send(t.Context(), client.Message{}); err == nil || errors.As(err, new(*client.RetryError)) || repeats > 0 {
			t.Errorf("Send() to a server with %s = %#v after %d repeats, want the error itself at once", name, err, repeats)
		}
	}
}

func statusOf(err error) int {
	if answered, ok := errors.AsType[*client.Error](err); ok {
		return answered.Status
	}
	return 0
}

// TestRefused: the server starts between the first and the second attempt.
func TestRefused(t *testing.T) {
	address := porttest.Hold(t)
	_, err := with(t, "http://"+address, nil, brisk(2)).Send(t.Context(), client.Message{ID: "1"})
	wantRetryError(t, err, client.RetryError{Attempts: 2, ID: "1", Unknown: false}, 0)

	s := &faulty{}
	start := func(client.Repeat) {
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		s.Server = &httptest.Server{Listener: again, Config: &http.Server{Handler: s}}
		s.Start()
		t.Cleanup(s.Close)
	}
	if got, err := with(t, "http://"+address, nil, brisk(2), client.WithNotify(start)).Send(t.Context(), client.Message{}); err != nil || got.SendTime != 17 {
		t.Errorf("Send() to a server that starts late = %+v, %v; want a receipt", got, err)
	}
}

// requestsKey finds the number of requests that a connection has had.
type requestsKey struct{}

// TestIdleConnectionIsClosed: a server that restarts closes the connections on which nothing happens, just when a
// request is on its way.
func TestIdleConnectionIsClosed(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests := r.Context().Value(requestsKey{}).(*int)
		if *requests++; *requests > 1 {
			breaks("", true)(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"send_time":17}`)
	}))
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, requestsKey{}, new(int))
	}
	s.Start()
	t.Cleanup(s.Close)
	repeats := 0
	api := with(t, s.URL, s.Client(), brisk(2), client.WithNotify(func(client.Repeat) { repeats++ }))
	for i := range 5 {
		if _, err := api.Send(t.Context(), client.Message{}); err != nil {
			t.Fatalf("Send() %d = %v, want nil", i, err)
		}
	}
	if repeats != 4 {
		t.Errorf("five sends over connections that serve one each are repeated %d times, want 4", repeats)
	}
	s.CloseClientConnections()
	if _, err := api.Send(t.Context(), client.Message{}); err != nil {
		t.Errorf("Send() after the idle connection was closed = %v, want nil", err)
	}
}
