// Package e2e starts the real programs, on free ports, and does to them what happens to programs.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
)

// binaries is the folder with the programs, built once.
var binaries string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "pullchat-e2e-")
	if err != nil {
		panic(err)
	}
	build := exec.Command("go", "build", "-o", folder+"/", "./rpc-server", "./http-server", "./pullchat")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		os.Exit(1)
	}
	binaries = folder
	status := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(status)
}

// process is a running program.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	addr   string // where it listens
	exited chan struct{}

	mutex sync.Mutex
	log   strings.Builder
}

// start runs a program with settings like "REDIS_URL=…" and waits until it says where it listens.
func start(t *testing.T, name string, settings ...string) *process {
	t.Helper()
	return startAs(t, name, exec.Command(filepath.Join(binaries, name)), settings...)
}

// startServe runs pullchat serve; its address is that of its http-server.
func startServe(t *testing.T, settings ...string) *process {
	t.Helper()
	return startAs(t, "http-server", exec.Command(filepath.Join(binaries, "pullchat"), "serve"), settings...)
}

func startAs(t *testing.T, name string, cmd *exec.Cmd, settings ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), append([]string{"LOG_FORMAT=json", "HTTP_ADDR=127.0.0.1:0", "RPC_ADDR=127.0.0.1:0"}, settings...)...)
	output, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listens := make(chan string, 1)
	go p.read(output, listens)
	t.Cleanup(p.kill)
	select {
	case p.addr = <-listens:
	case <-p.exited:
		t.Fatalf("%s ended: %s", name, p.output())
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not listen: %s", name, p.output())
	}
	return p
}

// read keeps the log, looks for the address in it, and reaps the process when the log ends.
func (p *process) read(output io.Reader, listens chan<- string) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		p.mutex.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mutex.Unlock()
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == p.name+" listens" {
			listens <- line.Addr
		}
	}
	_ = p.cmd.Wait()
	close(p.exited)
}

func (p *process) output() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

// kill ends the process as kill -9 does; it also is the clean-up of every test.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	if p.t.Failed() {
		p.t.Logf("%s wrote:\n%s", p.name, tail(p.output(), 4000))
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// exit waits for the end of the process and returns its state.
func (p *process) exit() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		p.t.Fatalf("%s does not end", p.name)
	}
	return p.cmd.ProcessState
}

// alive fails the test when the process has ended by itself.
func (p *process) alive() {
	p.t.Helper()
	select {
	case <-p.exited:
		p.t.Errorf("%s has ended", p.name)
	default:
	}
}

// stack is http-server over rpc-server over the Redis at a URL.
type stack struct {
	rpc, http *process
	client    *client.Client
	base      string
}

func startStack(t *testing.T, redisURL string) *stack {
	t.Helper()
	rpc := start(t, "rpc-server", "REDIS_URL="+redisURL)
	return overRPC(t, rpc)
}

func overRPC(t *testing.T, rpc *process, settings ...string) *stack {
	t.Helper()
	server := start(t, "http-server", append(settings, "RPC_SERVERS="+rpc.addr)...)
	base := "http://" + server.addr
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(base, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return &stack{rpc: rpc, http: server, client: c, base: base}
}

// fails wants an answer of one of the statuses within two seconds.
func (s *stack) fails(t *testing.T, what string, call func(context.Context) error, statuses ...int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := call(ctx)
	if answered, ok := errors.AsType[*client.Error](err); ok && slices.Contains(statuses, answered.Status) {
		return
	}
	t.Errorf("%s = %v, want status %v within two seconds", what, err, statuses)
}

func (s *stack) send(ctx context.Context, text string) error {
	_, err := s.client.Send(ctx, client.Message{Chat: "room", Sender: "alice", Text: text})
	return err
}

func (s *stack) pull(ctx context.Context) error {
	_, err := s.client.Pull(ctx, client.PullRequest{Chat: "room"})
	return err
}

// recovers wants a send to succeed within a second.
func (s *stack) recovers(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.send(ctx, text)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Errorf("no send succeeded within a second: %v", err)
			return
		case <-tick.C:
		}
	}
}

// texts reads the whole room.
func (s *stack) texts(t *testing.T) []string {
	t.Helper()
	var list []string
	for m, err := range s.client.All(context.Background(), client.PullRequest{Chat: "room", Limit: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Text)
	}
	return list
}
