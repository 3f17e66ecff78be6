// Package redistest runs real Redis servers for tests: each on a port of its own, in a folder of its own, with the
// faults that servers have.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one redis-server process. Its methods fail the test when they do not work.
type Server struct {
	t       testing.TB
	dir     string
	port    int
	args    []string
	process *exec.Cmd
	exited  chan struct{}
}

// Start starts a redis-server that keeps an append-only file, with further arguments as on its command line, and
// waits until it answers. It ends with the test. Where no redis-server is installed the test is skipped; in CI it
// fails.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed: `make test` installs it")
		}
		t.Skip("SKIPPED, NOT TESTED: redis-server is not installed; `make test` installs it")
	}
	s := &Server{t: t, dir: t.TempDir(), port: freePort(t), args: args}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// URL is what REDIS_URL is set to.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Restart starts the process again after Kill, on the same port and data, and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.process = exec.Command("redis-server", append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes",
		"--loglevel", "warning", "--logfile", "redis.log",
	}, s.args...)...)
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	s.exited = make(chan struct{})
	go func(process *exec.Cmd, exited chan struct{}) {
		_ = process.Wait()
		close(exited)
	}(s.process, s.exited)
	s.waitUntilItAnswers()
}

// Kill ends the process as kill -9 does, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	<-s.exited
}

// Stop freezes the process: it keeps its connections and answers nothing.
func (s *Server) Stop() { s.signal(syscall.SIGSTOP) }

// Continue lets a stopped process go on.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatalf("signal redis-server: %v", err)
	}
}

func (s *Server) waitUntilItAnswers() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := s.Do("PING"); err == nil && answer == "+PONG" {
			return
		}
		select {
		case <-tick.C:
		case <-s.exited:
			log, _ := os.ReadFile(s.dir + "/redis.log")
			s.t.Fatalf("redis-server ended: %s", log)
		case <-ctx.Done():
			s.t.Fatal("redis-server did not answer within 20 s")
		}
	}
}

// Do sends one inline command and returns the first line of the answer, or all of a bulk answer.
func (s *Server) Do(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "$") {
		return strings.TrimSpace(line), err
	}
	size, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil || size < 0 {
		return "", err
	}
	bulk := make([]byte, size)
	for read := 0; read < size; {
		n, err := reader.Read(bulk[read:])
		if err != nil {
			return "", err
		}
		read += n
	}
	return string(bulk), nil
}

// Info returns one field of INFO, such as total_commands_processed.
func (s *Server) Info(field string) string {
	s.t.Helper()
	answer, err := s.Do("INFO everything")
	if err != nil {
		s.t.Fatalf("INFO: %v", err)
	}
	for line := range strings.Lines(answer) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value
		}
	}
	s.t.Fatalf("INFO has no field %s", field)
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// PID is the process's id.
func (s *Server) PID() int { return s.process.Process.Pid }
