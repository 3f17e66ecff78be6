package gateway

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/devicelog"
	"github.com/pullchat/pullchat/internal/programtest"
)

// cable passes connections on to an address, until it is cut; then it passes the next ones on.
type cable struct {
	net.Listener
	mutex sync.Mutex
	conns []net.Conn
}

func newCable(t *testing.T, to net.Addr) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: listener}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to.String())
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mutex.Lock()
			c.conns = append(c.conns, near, far)
			c.mutex.Unlock()
			for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
				passing.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		passing.Wait()
	})
	return c
}

func (c *cable) cut() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// TestExamples runs the examples of devices: they send requests, get responses, perform each action once, and
// reconnect.
func TestExamples(t *testing.T) {
	t.Parallel()
	programtest.NeedPrograms(t)
	const folder = "../../examples/device/"
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		program := filepath.Join(t.TempDir(), "device")
		if out, err := exec.Command("go", "build", "-o", program, folder).CombinedOutput(); err != nil {
			t.Fatalf("go build: %v: %s", err, out)
		}
		runExample(t, program, "-every", "1h")
	})
	t.Run("Python", func(t *testing.T) {
		t.Parallel()
		python, err := exec.LookPath("python3")
		if err != nil {
			t.Log("NOT TESTED: there is no python3")
			return
		}
		runExample(t, python, folder+"device.py", "--every", "3600")
	})
}

func runExample(t *testing.T, program string, arguments ...string) {
	t.Helper()
	s := startStack(t, true, nil).run(t)
	s.account(t, "alice")
	wire := newCable(t, s.DeviceAddr())
	prefix := arguments[len(arguments)-2][:len(arguments[len(arguments)-2])-len("every")] // one or two hyphens
	command := exec.CommandContext(t.Context(), program, append(arguments, prefix+"server", wire.Addr().String(), prefix+"uid", "sensor1")...)
	command.Env = append(command.Environ(), "DEVICE_TOKEN="+s.token(t, "alice"))
	var errs strings.Builder
	command.Stderr = &errs
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	printed := make(chan string)
	go func() {
		defer close(printed)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			printed <- lines.Text()
		}
	}()
	defer func() {
		_ = command.Process.Kill()
		for range printed {
		}
		_ = command.Wait()
		if t.Failed() {
			t.Logf("it wrote %s", errs.String())
		}
	}()
	prints := func(want string) {
		t.Helper()
		select {
		case got := <-printed:
			if got != want {
				t.Fatalf("it prints %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("it does not print %q", want)
		}
	}
	acknowledged := func(uid string) {
		t.Helper()
		await(t, func() bool { return s.cursor(t) > s.position(t, uid) })
	}

	prints("connected")
	await(t, func() bool { return len(s.requests(t, "sensor1")) == 1 })
	var asked struct{ Action, UID string }
	if err := json.Unmarshal([]byte(s.requests(t, "sensor1")[0]), &asked); err != nil || asked.Action != "measured" {
		t.Fatalf("it asks %+v, %v", asked, err)
	}
	s.backend(t, "sensor1", `{"kind":"response","uid":"`+asked.UID+`","data":{"next":3600}}`)
	prints(`response: ok  {"next":3600}`)
	s.backend(t, "sensor1", `{"kind":"push","uid":"p1","action":"beep","data":{"times":1}}`)
	prints("beep 1")
	acknowledged("p1")
	wire.cut()
	s.backend(t, "sensor1", `{"kind":"push","uid":"p1","action":"beep","data":{"times":1}}`) // which it has done
	s.backend(t, "sensor1", `{"kind":"push","uid":"p2","action":"beep","data":{"times":2}}`)
	prints("connected")
	prints("beep 2")
	acknowledged("p2")

	other := dial(t, s.DeviceAddr())
	other.asks("connect", "sensor1", "c", `{"token":"`+s.token(t, "alice")+`"}`)
	if _, more := <-printed; more {
		t.Error("a device that was replaced goes on")
	}
}

// position is that of the last entry for sensor1 with a uid.
func (s *stack) position(t *testing.T, uid string) (last int64) {
	t.Helper()
	ctx := chat.WithCaller(t.Context(), chat.Caller{User: "backend", Service: true})
	page, err := s.domain.Messages.Pull(ctx, chat.PullRequest{Chat: "device.sensor1", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Messages {
		if e, ok := devicelog.Read(m.Text); ok && e.UID == uid {
			last = m.SendTime
		}
	}
	return last
}

// cursor is the position before which alice's sensor1 has acknowledged all.
func (s *stack) cursor(t *testing.T) int64 {
	t.Helper()
	ctx := chat.WithCaller(t.Context(), chat.Caller{User: "alice"})
	at, err := s.domain.Live.Read(ctx, chat.ReadRequest{Chat: "device.sensor1", Reading: chat.Reading{Reader: "alice/sensor1"}})
	if err != nil {
		t.Fatal(err)
	}
	return at
}
