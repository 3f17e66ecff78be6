package delivery

import (
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestDelivery makes each part of a stack fail in each way, one after the other.
func TestDelivery(t *testing.T) { everything(t, direct) }

func everything(t *testing.T, behind front) {
	eachMode(t, modes, func(t *testing.T, auth *programtest.Auth) {
		redis := redistest.Start(t, "--appendfsync", "always")
		s := startStack(t, auth, redis, behind, neverSwept)
		for number, f := range append([]fault{undisturbed}, s.faults(t, redis)...) {
			if s.inShort(number) {
				t.Run(f.name, func(t *testing.T) { report(t, endure(t, s, f)) })
			}
		}
	})
}

// TestLostHints makes Redis reject publishing and subscribing. Then only the sweep finds new messages.
func TestLostHints(t *testing.T) {
	eachMode(t, []string{"on"}, func(t *testing.T, auth *programtest.Auth) {
		redis := redistest.Start(t, "--appendfsync", "always")
		s := startStack(t, auth, redis, direct, sweeping)
		f := lostHints(t, redis)
		t.Run(f.name, func(t *testing.T) { report(t, endure(t, s, f)) })
	})
}

// sweeping are settings of rpc-servers that find lost hints soon.
const sweeping = "HINT_SWEEP=300ms"

func lostHints(t *testing.T, redis *redistest.Server) fault {
	do := func(command string) func(int) { return func(int) { mustDo(t, redis, command) } }
	return fault{
		name: "all hints lost", times: 1, hold: 500 * time.Millisecond, bears: true,
		strike: do("ACL SETUSER default resetchannels"), heal: do("ACL SETUSER default allchannels"),
	}
}

var undisturbed = fault{name: "nothing", times: 1, strike: func(int) {}, heal: func(int) {}}

// faults are those of every part. With two servers, they strike one and then the other.
func (s *stack) faults(t *testing.T, redis *redistest.Server) []fault {
	rpc := func(number int) *programtest.Process { return s.rpc[number%2] }
	gateway := func(number int) *programtest.Process { return s.http[number%2] }
	return []fault{
		{
			name: "Redis, kill -9", times: 1, hold: 300 * time.Millisecond,
			strike: func(int) { redis.Kill() }, heal: func(int) { redis.Restart() },
		},
		{
			name: "CLIENT KILL TYPE pubsub", times: 5,
			strike: func(int) { mustDo(t, redis, "CLIENT KILL TYPE pubsub") }, heal: func(int) {},
		},
		{
			name: "rpc-server, kill -9", times: 2, hold: 100 * time.Millisecond,
			strike: func(n int) { rpc(n).Kill() }, heal: func(n int) { rpc(n).Restart() },
		},
		{
			name: "rpc-server, SIGSTOP for 3 s", times: 1, hold: 3 * time.Second, bears: true, hangs: true,
			strike: func(n int) { rpc(n).Stop() }, heal: func(n int) { rpc(n).Continue() },
		},
		{
			name: "http-server, kill -9", times: 2, hold: 100 * time.Millisecond,
			strike: func(n int) { gateway(n).Kill() }, heal: func(n int) { gateway(n).Restart() },
		},
		{
			name: "tcp-server, kill -9", times: 2, hold: 100 * time.Millisecond,
			strike: func(n int) { s.tcp[n%2].Kill() }, heal: func(n int) { s.tcp[n%2].Restart() },
		},
		{
			name: "tcp-server, SIGTERM", times: 2,
			strike: func(n int) { s.tcp[n%2].Terminate() }, heal: func(n int) { s.tcp[n%2].Exit(); s.tcp[n%2].Restart() },
		},
		{
			name: "http-server, SIGTERM", times: 2,
			strike: func(n int) { gateway(n).Terminate() }, heal: func(n int) { gateway(n).Exit(); gateway(n).Restart() },
		},
	}
}
