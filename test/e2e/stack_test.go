// Package e2e starts the real programs, on free ports, and tests kills, restarts, outages and hostile clients.
package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// stack is http-server over rpc-server over the Redis at a URL.
type stack struct {
	auth      *programtest.Auth
	rpc, http *programtest.Process
	client    *client.Client
	base      string
}

func startStack(t *testing.T, redisURL string) *stack {
	t.Helper()
	return startAs(t, nil, redisURL)
}

// startAs is startStack with or without AUTH=on.
func startAs(t *testing.T, auth *programtest.Auth, redisURL string) *stack {
	t.Helper()
	return overRPCAs(t, auth, programtest.Start(t, "rpc-server", auth.Servers("REDIS_URL="+redisURL)...))
}

func overRPC(t *testing.T, rpc *programtest.Process, settings ...string) *stack {
	t.Helper()
	return overRPCAs(t, nil, rpc, settings...)
}

// overRPCAs is overRPC with or without AUTH=on. The client is alice's.
func overRPCAs(t *testing.T, auth *programtest.Auth, rpc *programtest.Process, settings ...string) *stack {
	t.Helper()
	server := programtest.Start(t, "http-server", auth.Gateways(append(settings, "RPC_SERVERS="+rpc.Addr())...)...)
	base := "http://" + server.Addr()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	// It asks once, and sends no ids, so that the servers are tested and not the client.
	asking := &http.Client{Transport: auth.Transport(transport, "alice")}
	c, err := client.New(base, asking, client.WithPolicy(client.Policy{Attempts: 1, Attempt: 20 * time.Second, Total: 20 * time.Second}), client.WithIDs(nil))
	if err != nil {
		t.Fatal(err)
	}
	return &stack{auth: auth, rpc: rpc, http: server, client: c, base: base}
}

// eachMode runs a test with AUTH=off and AUTH=on, at once.
func eachMode(t *testing.T, test func(*testing.T, *programtest.Auth)) {
	t.Helper()
	for _, auth := range []*programtest.Auth{nil, programtest.NewAuth(t)} {
		t.Run("AUTH="+auth.String(), func(t *testing.T) {
			t.Parallel()
			test(t, auth)
		})
	}
}

// closeRoom makes the room alice's with AUTH=on.
func (s *stack) closeRoom(t *testing.T) {
	t.Helper()
	if !s.auth.On() {
		return
	}
	programtest.Accounts(t, s.base, "bob")
	if _, err := s.client.RoomsAs("alice").Create(t.Context(), client.NewRoom{ID: "room", Users: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
}

// denied says of an error that it is a refusal because of who asks.
func denied(err error) bool {
	answered, ok := errors.AsType[*client.Error](err)
	return ok && (answered.Status == http.StatusUnauthorized || answered.Status == http.StatusForbidden)
}

// soon is the time limit for an event that takes less than a second on an idle machine. No other cause can bring it
// within this time: sweeps and heartbeats come later.
const soon = 5 * time.Second

// fails wants an answer of one of the statuses before clients give up, after three seconds.
func (s *stack) fails(t *testing.T, what string, call func(context.Context) error, statuses ...int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	err := call(ctx)
	if answered, ok := errors.AsType[*client.Error](err); ok && slices.Contains(statuses, answered.Status) {
		return
	}
	t.Errorf("%s = %v, want status %v within three seconds", what, err, statuses)
}

func (s *stack) send(ctx context.Context, text string) error {
	_, err := s.client.Send(ctx, client.Message{Chat: "room", Sender: "alice", Text: text})
	return err
}

func (s *stack) pull(ctx context.Context) error {
	_, err := s.client.Pull(ctx, client.PullRequest{Chat: "room"})
	return err
}

// recovers wants a send to succeed soon.
func (s *stack) recovers(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.send(ctx, text)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Errorf("no send succeeded within %v: %v", soon, err)
			return
		case <-tick.C:
		}
	}
}

// texts reads the whole room, but for the notice that it was made.
func (s *stack) texts(t *testing.T) []string {
	t.Helper()
	var list []string
	for m, err := range s.client.All(context.Background(), client.PullRequest{Chat: "room", Limit: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Notice == nil {
			list = append(list, m.Text)
		}
	}
	return list
}
