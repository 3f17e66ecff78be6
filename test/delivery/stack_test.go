// Package delivery tests live delivery. A watcher of a chat gets every message of it exactly once and in order, over
// each of the transports, under every failure and with every behaviour of watchers. The judge compares the
// received messages with the log.
//
// A short form runs with all other tests. make delivery runs the long one, and writes docs/reliability/delivery.md.
package delivery

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/porttest"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// long reports whether this is make delivery.
func long() bool { return os.Getenv("DELIVERY") == "long" }

// stack is two http-servers and two tcp-servers over two rpc-servers over a Redis.
type stack struct {
	auth      *programtest.Auth
	master    func(key string) *redistest.Server // that has a key
	rpc, http []*programtest.Process
	tcp       []*programtest.Process // their addresses are those of devices
	terminals []string               // their addresses of telnet
	bases     []string               // the URLs of watchers and writers
	devices   atomic.Int64
	places    places
	watch     func(a *audience, chats []string)

	registered bool // the watcher has an account

	chats  []string         // the last result of rooms
	begins map[string]int64 // the first position of each chat after the notice of its creation
}

// front is a proxy between the clients and the http-servers at some URLs. It returns its own URLs.
type front func(t *testing.T, gateways []string) []string

// direct uses no proxy.
func direct(_ *testing.T, gateways []string) []string { return gateways }

// neverSwept are settings of rpc-servers that find no lost hints on a timer, so that only live delivery brings
// messages.
const neverSwept = "HINT_SWEEP=1h"

// startStack starts all programs over one Redis, with further settings of the rpc-servers.
func startStack(t *testing.T, auth *programtest.Auth, redis *redistest.Server, behind front, settings ...string) *stack {
	t.Helper()
	s := startPrograms(t, auth, redis.URL(), behind, settings...)
	s.master = func(string) *redistest.Server { return redis }
	return s
}

func startPrograms(t *testing.T, auth *programtest.Auth, redisURL string, behind front, settings ...string) *stack {
	t.Helper()
	s := &stack{auth: auth, rpc: programtest.StartServers(t, redisURL, auth.Servers(settings...)...), begins: map[string]int64{}, watch: (*audience).watch}
	s.http = programtest.StartGateways(t, programtest.Addresses(s.rpc), auth.Gateways(shortTokens)...)
	for range 2 {
		s.terminals = append(s.terminals, porttest.Hold(t))
		s.tcp = append(s.tcp, programtest.StartTCP(t, "device", auth.Gateways(
			"RPC_SERVERS="+strings.Join(programtest.Addresses(s.rpc), ","), "DEVICE_ADDR="+porttest.Hold(t), "TCP_ADDRESS_CONNECTIONS=0", "LOGIN_RATE=",
			"TELNET_ADDR="+s.terminals[len(s.terminals)-1], "TELNET_ROOM=")...))
	}
	var gateways []string
	for _, address := range programtest.Addresses(s.http) {
		gateways = append(gateways, "http://"+address)
	}
	s.bases = behind(t, gateways)
	return s
}

// base returns one of the bases, in turn.
func (s *stack) base(number int) string { return s.bases[number%len(s.bases)] }

// baseOf returns where a transport's clients connect, in turn.
func (s *stack) baseOf(over client.Transport, number int) string {
	switch over {
	case overDevice:
		return s.tcp[number%len(s.tcp)].Addr()
	case overTelnet:
		return s.terminals[number%len(s.terminals)]
	}
	return s.base(number)
}

// newDevice returns a device that was never connected.
func (s *stack) newDevice() string { return fmt.Sprint("device", s.devices.Add(1)) }

// adjacent makes the next positions of a chat without messages adjacent, as after the clock went back. A bug that skips
// one position then skips a message.
func (s *stack) adjacent(t *testing.T, name string) {
	t.Helper()
	key := partition(t, name) + ":activity"
	tomorrow := time.Now().Add(24 * time.Hour).UnixMicro()
	mustDo(t, s.master(key), fmt.Sprintf("ZADD %s %d %s", key, tomorrow, canonical(t, name)))
}

// partition is the prefix of the keys of a chat's partition.
func partition(t *testing.T, name string) string {
	t.Helper()
	return fmt.Sprintf("im:{%d}", xxhash.Sum64String(canonical(t, name))%256)
}

func canonical(t *testing.T, name string) string {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func mustDo(t *testing.T, redis *redistest.Server, command string) {
	t.Helper()
	if answer, err := redis.Do(command); err != nil || answer == "" || answer[0] == '-' {
		t.Fatalf("%s: %q, %v", command, answer, err)
	}
}

// alive fails the test if a program has ended by itself.
func (s *stack) alive() {
	for _, p := range slices.Concat(s.rpc, s.http, s.tcp) {
		p.Alive()
	}
}
