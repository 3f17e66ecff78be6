// Package redistest runs real Redis for tests in each form of deployment: one server (Start, StartTLS), a master with
// replicas and Sentinels (StartSentinel), a cluster (StartCluster); the last two also with TLS. Each server has its own
// port and folder, ends with the test, and can be made to fail.
//
// Every wait is limited. On a timeout the test fails with the awaited condition and the ends of the servers' logs.
// Methods must be called from the goroutine of the test.
package redistest

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Server is one redis-server process. Its methods fail the test on errors.
type Server struct {
	Certificates

	t           testing.TB
	dir         string
	port        int
	flags       []string      // on the command line, after the configuration file
	afterStart  []string      // sent after each start
	credentials *url.Userinfo // nil when the server needs none
	alert       func()        // before the server fails; nil where no other takes over from it
	process     *exec.Cmd
	exited      chan struct{}
	frozen      bool
}

// Start starts a redis-server with an append-only file and further command-line arguments, and waits until it answers.
// It ends with the test. Without an installed redis-server the test is skipped; in CI it fails. Under -short
// it is always skipped.
//
// With `--requirepass PASSWORD` or `--user NAME … >PASSWORD …` among the arguments, URL has these credentials. The
// package also uses them, so the user must be allowed all commands.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	Need(t)
	return start(t, Certificates{}, args)
}

// start starts one server, with TLS if there are certificates.
func start(t testing.TB, certificates Certificates, args []string) *Server {
	t.Helper()
	s := &Server{Certificates: certificates, t: t, dir: t.TempDir(), credentials: credentialsIn(args)}
	s.begin(func() []string { return append([]string{"--appendonly", "yes"}, args...) })
	return s
}

// URL is a value for REDIS_URL: rediss:// with TLS, with credentials if any.
func (s *Server) URL() string {
	return (&url.URL{Scheme: s.scheme(), User: s.credentials, Host: s.Addr()}).String()
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// PID is the process's id.
func (s *Server) PID() int { return s.process.Process.Pid }

// Restart starts the process again after Kill, with the same port and data, and waits until it answers. It reads the
// configuration with the changes of Sentinel or CONFIG REWRITE. A master that was replaced meanwhile may act as master
// for a moment.
func (s *Server) Restart() {
	s.t.Helper()
	s.run()
	if !s.waitUntilItAnswers() {
		s.t.Fatalf("redis-server on port %d ended at its start:\n%s", s.port, s.logTail())
	}
}

// Kill ends the process as kill -9 does, and waits until it is gone.
func (s *Server) Kill() {
	if s.alert != nil {
		s.alert()
	}
	s.end()
}

func (s *Server) end() {
	_ = s.process.Process.Kill()
	<-s.exited
	s.frozen = false
}

// Stop freezes the process: it keeps its connections and answers nothing.
func (s *Server) Stop() {
	s.t.Helper()
	if s.alert != nil {
		s.alert()
	}
	s.signal(syscall.SIGSTOP)
	s.frozen = true
}

// Continue lets a stopped process go on.
func (s *Server) Continue() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
	s.frozen = false
}

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatalf("signal redis-server: %v", err)
	}
}

// running reports whether the server can answer: neither killed nor stopped.
func (s *Server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return !s.frozen
	}
}

// Info returns one field of INFO, such as total_commands_processed.
func (s *Server) Info(field string) string {
	s.t.Helper()
	value, err := s.info("everything", field)
	if err != nil {
		s.t.Fatalf("INFO of %s: %v", s.Addr(), err)
	}
	return value
}

// Need skips a test where no redis-server can run, as Start does.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short starts no redis-server; `make test` does")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed: `make test` installs it")
		}
		t.Skip("SKIPPED, NOT TESTED: redis-server is not installed; `make test` installs it")
	}
}

// credentialsIn returns the name and password in a server's arguments: those of the first user with a password, else
// those of requirepass.
func credentialsIn(args []string) *url.Userinfo {
	var found *url.Userinfo
	for i, arg := range args {
		if i+1 == len(args) {
			break
		}
		switch arg {
		case "--requirepass":
			found = url.UserPassword("", args[i+1])
		case "--user":
			for _, rule := range args[i+2:] {
				if strings.HasPrefix(rule, "--") {
					break
				}
				if password, ok := strings.CutPrefix(rule, ">"); ok {
					return url.UserPassword(args[i+1], password)
				}
			}
		}
	}
	return found
}
