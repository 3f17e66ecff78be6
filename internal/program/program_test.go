package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudwego/gopkg/protocol/thrift"
	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/buildinfo"
	"github.com/pullchat/pullchat/internal/logging"
)

// childVariable makes the test binary a separate program: signals and exit statuses belong to a process.
const childVariable = "PROGRAM_TEST_CHILD"

func TestMain(m *testing.M) {
	if how := os.Getenv(childVariable); how != "" {
		child(how)
		return
	}
	goleak.VerifyTestMain(m)
}

type childConfig struct {
	Greeting string        `name:"greeting" env:"GREETING" default:"hello" help:"What it says."`
	Wait     time.Duration `name:"wait" env:"WAIT" default:"1s" help:"How long."`
	Common   `embed:""`
}

// child prints its greeting and waits for a signal. It reports the signal, waits for the end of its input, and ends as
// configured.
func child(how string) {
	var c childConfig
	Main("child", "A program for tests.", &c, &c.Common, nil, func(ctx context.Context, log *slog.Logger, _ *Loaded, _ Observed) error {
		_, _ = os.Stdout.WriteString(c.Greeting + "\n")
		log.Info("runs")
		<-ctx.Done()
		_, _ = os.Stdout.WriteString("draining\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		if how == "fails" {
			return errors.New("the disk is full")
		}
		return nil
	})
}

type process struct {
	*exec.Cmd
	input  io.Closer
	output *bufio.Reader
	errors bytes.Buffer
}

func start(t *testing.T, how string, environment ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(append(os.Environ(), childVariable+"="+how), environment...)
	p.Stderr = &p.errors
	output, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.output = bufio.NewReader(output)
	if p.input, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}

func (p *process) expect(t *testing.T, want string) {
	t.Helper()
	if got, err := p.output.ReadString('\n'); err != nil || got != want+"\n" {
		t.Fatalf("the child says %q, %v; want %q; its log: %s", got, err, want, &p.errors)
	}
}

func (p *process) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		t.Fatalf("Signal(%v) = %v", signal, err)
	}
}

func TestTheFirstSignalDrains(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			p := start(t, "stops")
			p.expect(t, "hello")
			p.signal(t, signal)
			p.expect(t, "draining")
			_ = p.input.Close()
			if err := p.Wait(); err != nil {
				t.Errorf("after %v: %v, want exit status 0; its log: %s", signal, err, &p.errors)
			}
		})
	}
}

// TestTheSecondSignalKills sends the signal until the process is gone: no output shows when it stopped catching the
// first.
func TestTheSecondSignalKills(t *testing.T) {
	p := start(t, "stops")
	p.expect(t, "hello")
	p.signal(t, syscall.SIGTERM)
	p.expect(t, "draining") // it would continue for ever: its input stays open
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = p.Wait()
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for waiting := true; waiting; {
		select {
		case <-gone:
			waiting = false
		case <-end:
			t.Fatal("it lives 20 s after its second signal")
		case <-tick.C:
			_ = p.Process.Signal(syscall.SIGTERM)
		}
	}
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("after two signals: %v, want killed by SIGTERM", p.ProcessState)
	}
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		name, how   string
		environment []string
		want        int
		log         string // has this
	}{
		{"an error", "fails", nil, 1, `"level":"ERROR","msg":"child failed","error":"the disk is full"`},
		{"a clean stop", "stops", nil, 0, `"level":"INFO","msg":"runs"`},
		{"a quiet stop", "stops", []string{"LOG_LEVEL=warn"}, 0, ""},
		{"a malformed value", "stops", []string{"WAIT=soon"}, 80, `child: error: --wait: expected duration but got "soon"`},
		{"a malformed level", "stops", []string{"LOG_LEVEL=loud"}, 80, `--log-level: "loud" is not a level: use debug, info, warn or error (from envar LOG_LEVEL="loud")`},
		{"a malformed format", "stops", []string{"LOG_FORMAT=xml"}, 80, `--log-format must be one of "auto","text","json" but got "xml"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.how, c.environment...)
			if c.want != 80 {
				p.expect(t, "hello")
				p.signal(t, syscall.SIGTERM)
			}
			_ = p.input.Close()
			_, _ = io.Copy(io.Discard, p.output)
			_ = p.Wait()
			if got := p.ProcessState.ExitCode(); got != c.want {
				t.Errorf("exit status = %d, want %d", got, c.want)
			}
			if got := p.errors.String(); !strings.Contains(got, c.log) || c.log == "" && got != "" {
				t.Errorf("the log is %q, want %q", got, c.log)
			}
		})
	}
}

func TestHelpHasTheDefaults(t *testing.T) {
	help := exec.Command(os.Args[0], "--help")
	help.Env = append(os.Environ(), childVariable+"=stops")
	output, err := help.Output()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	for _, want := range []string{"Usage: child", "A program for tests.", "--greeting", "Default: hello", "($GREETING)", "Default: 1s", "Default: info"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("--help = %s\nwant %q in it", output, want)
		}
	}
}

func TestVersion(t *testing.T) {
	show := exec.Command(os.Args[0], "--version")
	show.Env = append(os.Environ(), childVariable+"=stops", "WAIT=soon") // a value that would stop a start
	output, err := show.Output()
	if want := "child " + buildinfo.Get().String() + "\n"; err != nil || string(output) != want {
		t.Errorf("--version = %q, %v; want %q", output, err, want)
	}
}

// TestBegin: strings decoded by Thrift share allocations.
func TestBegin(t *testing.T) {
	Begin(logging.Config{})
	encoded := thrift.Binary.AppendString(nil, strings.Repeat("x", 1000))
	allocations := testing.AllocsPerRun(100, func() {
		if _, _, err := thrift.Binary.ReadString(encoded); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("a text of 1,000 bytes costs %v allocations, want them shared", allocations)
	}
}
