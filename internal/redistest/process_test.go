package redistest

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestPortThatIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	Need(t)
	for _, test := range []struct {
		name   string
		offset int
		args   []string
	}{
		{name: "its own"},
		{name: "of the bus", offset: busOffset, args: []string{"--cluster-enabled", "yes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var chosen []int
			s := &Server{t: t, dir: t.TempDir()}
			s.begin(func() []string {
				if chosen = append(chosen, s.port); len(chosen) == 1 {
					taken, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port+test.offset)))
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = taken.Close() })
				}
				return test.args
			})
			if len(chosen) != 2 || s.port != chosen[1] {
				t.Errorf("ports chosen = %v, and %d is used; want the second of two", chosen, s.port)
			}
		})
	}
}

// TestServersEndWithTheProcess runs itself in a process that ends without its cleanups, as after a panic.
func TestServersEndWithTheProcess(t *testing.T) {
	if os.Getenv("REDISTEST_DIES") != "" {
		s := Start(t)
		_, _ = os.Stdout.WriteString("pid " + strconv.Itoa(s.PID()) + "\n")
		os.Exit(0)
	}
	t.Parallel()
	Need(t)
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends them")
	}
	self := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	self.Env = append(os.Environ(), "REDISTEST_DIES=1", "TMPDIR="+t.TempDir())
	out, err := self.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "pid ")
	line, _, _ := strings.Cut(rest, "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("no pid in %q", out)
	}
	await(t, func() error {
		if ended(pid) {
			return nil
		}
		return &os.SyscallError{Syscall: "process " + line, Err: syscall.EBUSY}
	})
}

// ended reports whether a process is gone, or is a zombie.
func ended(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
