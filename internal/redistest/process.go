package redistest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/porttest"
)

// patience limits every wait. Waits take a few seconds at most; the rest is for busy machines.
const patience = 30 * time.Second

// begin starts the server for the first time, on a free port with the given arguments, and stops it with the test. If
// another process takes the port first, it chooses another one.
//
// The arguments become a configuration file. The server, a Sentinel or a test may rewrite it; a restart reads the
// result.
func (s *Server) begin(args func() []string) {
	s.t.Helper()
	for range 10 {
		s.port = freePort(s.t)
		conf := configuration(slices.Concat([]string{
			"--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--loglevel", "notice", "--zset-max-listpack-value", "512",
		}, s.listening(s.port), args()))
		if err := os.WriteFile(s.file("redis.conf"), []byte(conf), 0o600); err != nil {
			s.t.Fatal(err)
		}
		s.run()
		if s.waitUntilItAnswers() {
			s.t.Cleanup(s.end)
			return
		}
		if log := s.logTail(); !strings.Contains(log, "Failed listening") {
			s.t.Fatalf("redis-server ended at its start:\n%s", log)
		}
		if err := os.Remove(s.file("redis.log")); err != nil {
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("redis-server: no free port in ten attempts")
}

// configuration converts command-line arguments to a configuration file: each that starts with two dashes begins a
// line.
func configuration(args []string) string {
	var b strings.Builder
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "--"); ok {
			b.WriteString("\n" + name)
		} else {
			b.WriteString(" " + strconv.Quote(arg))
		}
	}
	return b.String()[1:] + "\n"
}

// run starts the process. It ends with the test's process, even after a crash: the kernel kills it with the thread that
// started it. So one thread only waits for it.
func (s *Server) run() {
	s.t.Helper()
	log, err := os.OpenFile(s.file("redis.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	process := exec.Command("redis-server", append([]string{s.file("redis.conf")}, s.flags...)...)
	process.Dir, process.Stdout, process.Stderr, process.SysProcAttr = s.dir, log, log, endWithParent()
	started, exited := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := process.Start()
		started <- err
		if err == nil {
			_ = process.Wait()
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	s.process, s.exited, s.frozen = process, exited, false
}

// waitUntilItAnswers reports whether the process answers; if not, it has ended. Another server on the port does not
// count.
func (s *Server) waitUntilItAnswers() bool {
	s.t.Helper()
	ended := false
	await(s.t, func() error {
		select {
		case <-s.exited:
			ended = true
			return nil
		default:
		}
		pid, err := s.info("server", "process_id")
		if err != nil {
			return fmt.Errorf("redis-server on port %d: %w", s.port, err)
		}
		if pid != strconv.Itoa(s.PID()) {
			return fmt.Errorf("process %s answers on port %d", pid, s.port)
		}
		if _, err := s.ask("PING"); err != nil { // LOADING
			return fmt.Errorf("redis-server on port %d: %w", s.port, err)
		}
		if len(s.afterStart) > 0 {
			if _, err := s.ask(s.afterStart...); err != nil {
				return fmt.Errorf("redis-server on port %d: %s: %w", s.port, s.afterStart, err)
			}
		}
		return nil
	}, s)
	return !ended
}

// await polls until ready returns nil. After patience it fails the test with the last error and the ends of the logs.
func await(t testing.TB, ready func() error, servers ...*Server) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			var logs strings.Builder
			for _, s := range servers {
				fmt.Fprintf(&logs, "\n%s, process %d:\n%s", s.Addr(), s.PID(), s.logTail())
			}
			t.Fatalf("after %v: %v%s", patience, err, &logs)
		}
	}
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }

// logTail is the end of the server's log, and of its output from before the log.
func (s *Server) logTail() string {
	log, err := os.ReadFile(s.file("redis.log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(log), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "")
}

// busOffset is the distance from a cluster node's port to its bus port.
const busOffset = 10000

// freePort chooses a port that is free together with its bus port, and keeps both until the test ends, so that no other test's
// server takes them before a restart. Both are below those that Linux gives to outgoing connections.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(12000)
		if porttest.Take(t, port) && porttest.Take(t, port+busOffset) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
