package localredis

import (
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a running redis-server.
type child struct {
	command *exec.Cmd
	ended   chan struct{} // closed when the process is gone

	mutex sync.Mutex
	said  []string // its last lines
}

// linesKept is how many of a child's last lines an error shows.
const linesKept = 5

// begin starts a child. Its goroutine keeps its thread, because the child ends with the thread that started it.
func begin(program, dir string, arguments ...string) (*child, error) {
	c := &child{command: exec.Command(program, arguments...), ended: make(chan struct{})} //nolint:noctx // it is stopped last, after all contexts have ended
	c.command.Dir = dir
	c.command.SysProcAttr = attributes()
	c.command.Stdout, c.command.Stderr = c, c
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.command.Start()
		started <- err
		if err == nil {
			_ = c.command.Wait()
			close(c.ended)
		}
	}()
	return c, <-started
}

// Write keeps the last lines of the child's output.
func (c *child) Write(output []byte) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for line := range strings.Lines(string(output)) {
		if line = strings.TrimSpace(line); line != "" {
			c.said = append(c.said, line)
		}
	}
	c.said = c.said[max(0, len(c.said)-linesKept):]
	return len(output), nil
}

func (c *child) lastWords() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return strings.Join(c.said, " | ")
}

// stop ends the child and waits until it is gone.
func (c *child) stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-c.ended:
	case <-timer.C:
		_ = c.command.Process.Kill()
		<-c.ended
	}
}
