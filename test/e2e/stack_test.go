// Package e2e starts the real programs, on free ports, and does to them what happens to programs.
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
	rpc, http *programtest.Process
	client    *client.Client
	base      string
}

func startStack(t *testing.T, redisURL string) *stack {
	t.Helper()
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redisURL)
	return overRPC(t, rpc)
}

func overRPC(t *testing.T, rpc *programtest.Process, settings ...string) *stack {
	t.Helper()
	server := programtest.Start(t, "http-server", append(settings, "RPC_SERVERS="+rpc.Addr())...)
	base := "http://" + server.Addr()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	// It asks once, and sends no ids: what is looked at is the servers.
	c, err := client.New(base, &http.Client{Transport: transport}, client.WithPolicy(client.Policy{Attempts: 1, Attempt: 20 * time.Second, Total: 20 * time.Second}), client.WithIDs(nil))
	if err != nil {
		t.Fatal(err)
	}
	return &stack{rpc: rpc, http: server, client: c, base: base}
}

// fails wants an answer of one of the statuses within two seconds.
func (s *stack) fails(t *testing.T, what string, call func(context.Context) error, statuses ...int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := call(ctx)
	if answered, ok := errors.AsType[*client.Error](err); ok && slices.Contains(statuses, answered.Status) {
		return
	}
	t.Errorf("%s = %v, want status %v within two seconds", what, err, statuses)
}

func (s *stack) send(ctx context.Context, text string) error {
	_, err := s.client.Send(ctx, client.Message{Chat: "room", Sender: "alice", Text: text})
	return err
}

func (s *stack) pull(ctx context.Context) error {
	_, err := s.client.Pull(ctx, client.PullRequest{Chat: "room"})
	return err
}

// recovers wants a send to succeed within a second.
func (s *stack) recovers(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
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
			t.Errorf("no send succeeded within a second: %v", err)
			return
		case <-tick.C:
		}
	}
}

// texts reads the whole room.
func (s *stack) texts(t *testing.T) []string {
	t.Helper()
	var list []string
	for m, err := range s.client.All(context.Background(), client.PullRequest{Chat: "room", Limit: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Text)
	}
	return list
}
