package faults

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// fault is one thing that can happen to one part of a stack. strike and heal are called by the test's own goroutine.
type fault struct {
	part, kind string
	strike     func()
	heal       func()         // returns when the part runs again
	left       []chat.Service // those that do without the part
}

// backing is the Redis below a stack, in one of its forms: a single server, one behind Sentinels, a cluster.
type backing interface {
	// URL is REDIS_URL.
	URL() string
	// Faults are what can happen to it.
	Faults() []fault
}

// process is what programs and Redis servers have in common.
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

// single is one Redis that has written every message to its file before it answers.
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
