// Package benchmarks measures Pullchat, its components and comparable programs in one run, and writes docs/benchmarks.
// make bench runs it.
package benchmarks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/porttest"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// roleVariable makes the test binary a server without its backend.
const roleVariable = "BENCHMARK_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// play runs an rpc-server without storage ("rpc"), an http-server without RPC ("http"), or a receiver of webhooks
// ("receiver"), until SIGTERM.
func play(role string) error {
	if role == "receiver" {
		return http.ListenAndServe(os.Getenv("HTTP_ADDR"), newReceiver()) //nolint:gosec // only a worker of the test calls it
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := logging.New(os.Stderr, logging.Config{LogLevel: logging.Level{Level: slog.LevelWarn}})
	core := chat.NewMessageService(nothing{}, chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096})
	if role == "rpc" {
		server, err := service.ListenOver(handler.Services{Messages: core, Live: chattest.Silent{}}, io.NopCloser(nil), os.Getenv("RPC_ADDR"), log)
		if err != nil {
			return err
		}
		return server.Run(ctx)
	}
	server, err := gateway.Listen(gateway.Config{HTTPAddr: os.Getenv("HTTP_ADDR"), MaxBodyBytes: 64 << 10}, chat.Services{Messages: core, Live: chattest.Silent{}}, log)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

// nothing is a Store that answers at once: an append with the next position, a range with the requested number of
// messages of 40 bytes.
type nothing struct{}

func (nothing) Append(_ context.Context, appends []chat.Append) []chat.Appended {
	results := make([]chat.Appended, len(appends))
	for i := range results {
		results[i].SendTime = 1_780_000_000_000_000
	}
	return results
}

func (nothing) Range(_ context.Context, ranges []chat.Range) []chat.Ranged {
	results := make([]chat.Ranged, len(ranges))
	for i, r := range ranges {
		results[i].Messages = make([]chat.Message, r.Limit)
		for j := range results[i].Messages {
			results[i].Messages[j] = chat.Message{Text: strings.Repeat("x", 40), Sender: "alice", SendTime: 1_780_000_000_000_000 + int64(j)}
		}
		if r.Raw {
			results[i] = chattest.Stored(results[i])
		}
	}
	return results
}

func (nothing) Ready(context.Context) error { return nil }

// programs is the folder with the built programs.
func build(t *testing.T) (programs string) {
	t.Helper()
	programtest.NeedPrograms(t)
	programs, remove, err := programtest.Programs()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return programs
}

// server is a process under load.
type server struct {
	name, addr string
	pid        int
}

// start runs a server on a free port, with settings in its environment, until the test ends. It waits until the server
// listens. The server logs only warnings.
func start(t *testing.T, name, path string, settings ...string) server {
	t.Helper()
	addr := porttest.Hold(t)
	command := exec.Command(path)
	command.Env = append(os.Environ(), append([]string{"LOG_LEVEL=warn", "HTTP_ADDR=" + addr, "RPC_ADDR=" + addr}, settings...)...)
	run(t, command, addr)
	return server{name: name, addr: addr, pid: command.Process.Pid}
}

// run starts a process, which ends with the test. It waits until the process listens at addr.
func run(t *testing.T, command *exec.Cmd, addr string) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("%s does not listen", command.Path)
}

// stack is a gateway and its backend.
type stack struct {
	url       string
	servers   []server
	processes []string // NAME=PID
	secret    string   // AUTH_SECRET, where AUTH is on
}

func newStack(servers ...server) stack {
	s := stack{url: "http://" + servers[0].addr, servers: servers}
	for _, each := range servers {
		s.processes = append(s.processes, fmt.Sprintf("%s=%d", each.name, each.pid))
	}
	return s
}

// startWebdis runs webdis over the Redis at an address.
func startWebdis(t *testing.T, redis string) server {
	t.Helper()
	addr := porttest.Hold(t)
	host, port, _ := net.SplitHostPort(redis)
	_, own, _ := net.SplitHostPort(addr)
	config := filepath.Join(t.TempDir(), "webdis.json")
	content := fmt.Sprintf(`{"redis_host":%q,"redis_port":%s,"http_host":"127.0.0.1","http_port":%s,"threads":2,"pool_size":20,`+
		`"daemonize":false,"websockets":false,"database":0,"verbosity":1,"logfile":"/dev/null"}`, host, port, own)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("webdis", config)
	run(t, command, addr)
	return server{name: "webdis", addr: addr, pid: command.Process.Pid}
}
