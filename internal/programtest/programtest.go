// Package programtest runs Pullchat's real programs for tests on free ports, and can kill, stop, restart and signal
// them. A package that uses it needs
//
//	func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }
package programtest

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/porttest"
)

// binaries is the folder of the programs while Main runs.
var binaries string

// Main builds the programs, runs the tests and returns their exit status.
func Main(m *testing.M) int {
	folder, remove, err := Programs()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	binaries = folder
	return m.Run()
}

// Programs returns a folder with rpc-server, http-server, tcp-server, worker and pullchat. It builds them, unless TEST_PROGRAMS is a folder
// where `make test` has built them once for all packages. Under -short no test runs them, and it builds none.
func Programs() (folder string, remove func(), err error) {
	flag.Parse()
	if given := os.Getenv("TEST_PROGRAMS"); given != "" || testing.Short() {
		return given, func() {}, nil
	}
	if folder, err = os.MkdirTemp("", "pullchat-programs-"); err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	const module = "github.com/pullchat/pullchat/"
	build := exec.Command("go", "build", "-o", folder+"/", module+"rpc-server", module+"http-server", module+"tcp-server", module+"worker", module+"pullchat")
	if output, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("go build: %w\n%s", err, output)
	}
	return folder, remove, nil
}

// NeedPrograms skips a test that runs a program under -short.
func NeedPrograms(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short runs no programs; `make test` does")
	}
}

// Process is a program that runs until its test ends. Its methods fail the test on errors.
type Process struct {
	t         testing.TB
	name      string // also its name in the log line with its address
	arguments []string
	settings  []string

	cmd    *exec.Cmd
	exited chan struct{}

	mutex sync.Mutex
	addr  string
	log   strings.Builder
	wrote chan struct{} // closed with the next line; nil while no one waits
	debug string
	pid   int
}

// Start runs a program with settings like "REDIS_URL=…" and waits until it logs its address.
func Start(t testing.TB, name string, settings ...string) *Process {
	t.Helper()
	return start(t, &Process{t: t, name: name, arguments: []string{name}, settings: settings})
}

// StartServe runs pullchat serve. Its address is that of its http-server.
func StartServe(t testing.TB, settings ...string) *Process {
	t.Helper()
	return start(t, &Process{t: t, name: "http-server", arguments: []string{"pullchat", "serve"}, settings: settings})
}

// StartTCP runs a tcp-server for an endpoint, "telnet" or "device", whose address is in the settings. Its address is that of the endpoint.
func StartTCP(t testing.TB, endpoint string, settings ...string) *Process {
	t.Helper()
	return start(t, &Process{t: t, name: endpoint, arguments: []string{"tcp-server"}, settings: settings})
}

// StartWorker runs a worker over the rpc-servers at these addresses. It has no address.
func StartWorker(t testing.TB, rpcServers []string, settings ...string) *Process {
	t.Helper()
	return Start(t, "worker", append(settings, "RPC_SERVERS="+strings.Join(rpcServers, ","))...)
}

func start(t testing.TB, p *Process) *Process {
	t.Helper()
	needMain(t)
	t.Cleanup(func() {
		if p.exited != nil { // it was started, even if it never listened
			p.Kill()
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", p.name, tail(p.Output(), 4000))
		}
	})
	addr := "127.0.0.1:0"
	if p.arguments[0] == "http-server" || p.arguments[0] == "rpc-server" { // the others listen at several
		addr = porttest.Hold(t)
	}
	p.run(addr)
	return p
}

// run starts the process. It listens at addr unless the settings say otherwise.
func (p *Process) run(addr string) {
	p.t.Helper()
	p.cmd = exec.Command(filepath.Join(binaries, p.arguments[0]), p.arguments[1:]...)
	p.cmd.Env = append(os.Environ(), append([]string{"LOG_FORMAT=json", "HTTP_ADDR=" + addr, "RPC_ADDR=" + addr, "DEBUG_ADDR=127.0.0.1:0"}, p.settings...)...)
	output, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.mutex.Lock()
	p.pid = p.cmd.Process.Pid
	p.mutex.Unlock()
	p.exited = make(chan struct{})
	listens := make(chan string, 1)
	go p.read(p.cmd, output, listens, p.exited)
	select {
	case listening := <-listens:
		p.mutex.Lock()
		p.addr = listening
		p.mutex.Unlock()
	case <-p.exited:
		p.t.Fatalf("%s ended: %s", p.name, p.Output())
	case <-time.After(20 * time.Second):
		p.t.Fatalf("%s did not listen: %s", p.name, p.Output())
	}
}

// read stores the log, finds the address in it, and reaps the process when the log ends.
func (p *Process) read(cmd *exec.Cmd, output io.Reader, listens chan<- string, exited chan<- struct{}) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		p.mutex.Lock()
		p.log.WriteString(lines.Text() + "\n")
		if p.wrote != nil {
			close(p.wrote)
			p.wrote = nil
		}
		p.mutex.Unlock()
		var line struct{ Msg, Addr string }
		switch err := json.Unmarshal(lines.Bytes(), &line); {
		case err != nil:
		case line.Msg == p.name+" listens", line.Msg == p.name+" runs":
			listens <- line.Addr
		case line.Msg == "metrics server listens":
			p.mutex.Lock()
			p.debug = line.Addr
			p.mutex.Unlock()
		}
	}
	_ = cmd.Wait()
	close(exited)
}

// Addr is its address, host and port.
func (p *Process) Addr() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.addr
}

// Debug is the address of its metrics and net/http/pprof.
func (p *Process) Debug() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.debug
}

// PID is the process's id. Restart changes it.
func (p *Process) PID() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.pid
}

// Output is its log over all restarts.
func (p *Process) Output() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

// AwaitLog waits until the log has a text so many times.
func (p *Process) AwaitLog(text string, times int) {
	p.t.Helper()
	for late := time.After(20 * time.Second); ; {
		p.mutex.Lock()
		if strings.Count(p.log.String(), text) >= times {
			p.mutex.Unlock()
			return
		}
		if p.wrote == nil {
			p.wrote = make(chan struct{})
		}
		wrote := p.wrote
		p.mutex.Unlock()
		select {
		case <-wrote:
		case <-p.exited:
			p.t.Fatalf("%s ended before its log had %q", p.name, text)
		case <-late:
			p.t.Fatalf("the log of %s has not %q %d times", p.name, text, times)
		}
	}
}

// Hangup sends SIGHUP: the process reads its configuration again.
func (p *Process) Hangup() {
	p.t.Helper()
	p.signal(syscall.SIGHUP)
}

// Kill ends the process as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Restart starts the process again after Kill or Exit, at the same address, and waits until it listens.
func (p *Process) Restart() {
	p.t.Helper()
	p.run(p.Addr())
}

// Stop freezes the process: it keeps its connections and answers nothing.
func (p *Process) Stop() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
}

// Continue lets a stopped process go on.
func (p *Process) Continue() {
	p.t.Helper()
	p.signal(syscall.SIGCONT)
}

// Terminate tells the process to stop, with SIGTERM.
func (p *Process) Terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
}

func (p *Process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

// Exit waits for the end of the process and returns its state.
func (p *Process) Exit() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		p.t.Fatalf("%s does not end", p.name)
	}
	return p.cmd.ProcessState
}

// Alive fails the test when the process has ended by itself.
func (p *Process) Alive() {
	p.t.Helper()
	select {
	case <-p.exited:
		p.t.Errorf("%s has ended", p.name)
	default:
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }
