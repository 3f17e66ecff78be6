package redistest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait. What is waited for takes a few seconds at most; the rest is for busy machines.
const patience = 30 * time.Second

// begin starts the server for the first time, with the arguments that it has on the port chosen, and lets it end with
// the test. Between choosing a port and binding it another process may have taken it; then another one is chosen.
//
// The arguments become a configuration file, which the server, a Sentinel or a test may have rewritten: a restart
// reads what it has become.
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
			s.t.Cleanup(func() { s.Kill() })
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

// configuration makes a configuration file of command-line arguments: each that starts with two dashes begins a line.
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

// run starts the process. It ends with the test's process, however that ends: the kernel kills it with the thread
// that started it, which is why one thread does nothing but wait for it.
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

// waitUntilItAnswers reports whether the process came to answer; if not, it has ended. Another server that has the
// port does not count.
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

// await polls until ready has no complaint. When patience is over it fails the test with the last complaint and the
// logs' tails.
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

// logTail is the end of what the server has logged, and of what it said before it had a log.
func (s *Server) logTail() string {
	log, err := os.ReadFile(s.file("redis.log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(log), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "")
}

// busOffset is how far the port of a cluster node's bus is from its own.
const busOffset = 10000

// freePort chooses a port so that it and the one for a cluster's bus are free. Both are below those that Linux gives
// to outgoing connections, so that none of these takes the port of a server that was killed to be restarted.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(12000)
		if free(port) && free(port+busOffset) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func free(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
