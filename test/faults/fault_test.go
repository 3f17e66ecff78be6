package faults

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// fault is one failure of one part of a stack. The test's goroutine calls strike and heal.
type fault struct {
	part, kind string
	strike     func()
	heal       func()         // returns when the part runs again
	left       []chat.Service // those that work without the part
}

// backing is the Redis below a stack, in one of its forms: a single server, behind Sentinels, or a cluster.
type backing interface {
	// URL is REDIS_URL.
	URL() string
	// Faults are the failures of its parts.
	Faults() []fault
}

// process is the common interface of programs and Redis servers.
type process interface {
	Kill()
	Restart()
	Stop()
	Continue()
}

var (
	_ process = (*programtest.Process)(nil)
	_ process = (*redistest.Server)(nil)
)

// killing and stopping are the faults of a process.
func killing(part string, p process, left []chat.Service) fault {
	return fault{part: part, kind: "kill -9", strike: p.Kill, heal: p.Restart, left: left}
}

func stopping(part string, p process, left []chat.Service) fault {
	return fault{part: part, kind: "SIGSTOP", strike: p.Stop, heal: p.Continue, left: left}
}

// both are two faults at once.
func both(a, b fault) fault {
	return fault{
		part: a.part + ", " + b.part, kind: a.kind + ", " + b.kind,
		strike: func() { a.strike(); b.strike() },
		heal:   func() { b.heal(); a.heal() },
	}
}

// single is one Redis that syncs every message to its file before it answers.
type single struct{ *redistest.Server }

var _ backing = single{}

func startSingle(t *testing.T) single {
	t.Helper()
	return single{redistest.Start(t, "--appendfsync", "always")}
}

// Faults implements backing.
func (s single) Faults() []fault {
	return []fault{killing("Redis", s.Server, nil), stopping("Redis", s.Server, nil)}
}
