// Package faults tests that no failure loses, doubles or reorders an acknowledged message. Clients record their calls
// while parts of a real stack are killed, stopped and cut off, and package checker judges the record.
//
// A short form runs with all other tests. make faults runs the long one; docs/reliability.md has the results.
package faults

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/test/faults/history"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // messages of toxiproxy
	os.Exit(programtest.Main(m))
}

// stack is two http-servers over two rpc-servers over a Redis, optionally with links between them.
type stack struct {
	auth      *programtest.Auth
	rpc, http []*programtest.Process
	above     []*link          // from the http-servers to each rpc-server
	below     []*link          // from each rpc-server to Redis
	clients   []*client.Client // of each http-server; programtest.As sets the user
	services  []chat.Service   // by each http-server
}

// startStack starts a stack without links, with further settings of the rpc-servers.
func startStack(t *testing.T, auth *programtest.Auth, redis backing, settings ...string) *stack {
	t.Helper()
	s := &stack{auth: auth, rpc: programtest.StartServers(t, redis.URL(), auth.Servers(settings...)...)}
	s.startGateways(t, programtest.Addresses(s.rpc))
	return s
}

// startLinkedStack starts a stack whose parts communicate over links.
func startLinkedStack(t *testing.T, auth *programtest.Auth, redis single) *stack {
	t.Helper()
	s := &stack{auth: auth}
	var addresses []string
	for _, number := range []string{"1", "2"} {
		below := startLink(t, "rpc-server "+number+" → Redis", redis.Addr())
		rpc := programtest.Start(t, "rpc-server", auth.Servers("REDIS_URL=redis://"+below.Addr())...)
		above := startLink(t, "http-servers → rpc-server "+number, rpc.Addr())
		s.rpc = append(s.rpc, rpc)
		s.above, s.below = append(s.above, above), append(s.below, below)
		addresses = append(addresses, above.Addr())
	}
	s.startGateways(t, addresses)
	return s
}

func (s *stack) startGateways(t *testing.T, rpcServers []string) {
	t.Helper()
	s.http = programtest.StartGateways(t, rpcServers, s.auth.Gateways()...)
	for _, server := range s.http {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		t.Cleanup(transport.CloseIdleConnections)
		asking := &http.Client{Transport: s.auth.Transport(transport, "")}
		c, err := client.New("http://"+server.Addr(), asking, client.WithPolicy(client.Policy{Attempts: 1}), client.WithIDs(nil))
		if err != nil {
			t.Fatal(err)
		}
		s.clients = append(s.clients, c)
		s.services = append(s.services, chattest.OverHTTP{Client: c})
	}
}

// closeRoom creates a private room with some members. Its notice is part of the history, as a message of the first
// member.
func (s *stack) closeRoom(t *testing.T, recorder *history.Recorder, room string, members []string) {
	t.Helper()
	programtest.Accounts(t, "http://"+s.http[0].Addr(), members[1:]...)
	ctx, began := programtest.As(t.Context(), members[0]), time.Now()
	if _, err := s.clients[0].RoomsAs(members[0]).Create(ctx, client.NewRoom{ID: room, Users: members[1:]}); err != nil {
		t.Fatalf("create %s: %v", room, err)
	}
	page, err := s.services[0].Pull(ctx, chat.PullRequest{Chat: room, Limit: 1})
	if err != nil || len(page.Messages) != 1 {
		t.Fatalf("the notice of %s: %+v, %v", room, page, err)
	}
	recorder.Stored(0, began, page.Messages[0])
}
