// Package faults is the proof that nothing acknowledged is lost, doubled or reordered, whatever fails: clients record
// what they did while parts of a real stack are killed, stopped and cut off, and package checker judges it.
//
// It runs in a short form with all other tests. make faults is the long one; docs/reliability.md says what it shows.
package faults

import (
	"net/http"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/programtest"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // what toxiproxy says
	os.Exit(programtest.Main(m))
}

// stack is two http-servers over two rpc-servers over a Redis, and links between them where it is made with links.
type stack struct {
	rpc, http []*programtest.Process
	above     []*link        // from the http-servers to each rpc-server
	below     []*link        // from each rpc-server to Redis
	services  []chat.Service // by each http-server
}

// startStack is a stack whose parts talk to each other directly, with further settings of the rpc-servers.
func startStack(t *testing.T, redis backing, settings ...string) *stack {
	t.Helper()
	s := &stack{rpc: programtest.StartServers(t, redis.URL(), settings...)}
	s.startGateways(t, programtest.Addresses(s.rpc))
	return s
}

// startLinkedStack is a stack whose parts talk to each other over links.
func startLinkedStack(t *testing.T, redis single) *stack {
	t.Helper()
	s := &stack{}
	var addresses []string
	for _, number := range []string{"1", "2"} {
		below := startLink(t, "rpc-server "+number+" → Redis", redis.Addr())
		rpc := programtest.Start(t, "rpc-server", "REDIS_URL=redis://"+below.Addr())
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
	s.http = programtest.StartGateways(t, rpcServers)
	for _, server := range s.http {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		t.Cleanup(transport.CloseIdleConnections)
		c, err := client.New("http://"+server.Addr(), &http.Client{Transport: transport}, client.WithPolicy(client.Policy{Attempts: 1}), client.WithIDs(nil))
		if err != nil {
			t.Fatal(err)
		}
		s.services = append(s.services, chattest.OverHTTP{Client: c})
	}
}
