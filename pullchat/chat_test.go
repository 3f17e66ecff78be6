package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/livetest"
)

// talking is a talk on a terminal.
type talking struct {
	*exec.Cmd
	terminal *os.File
	shown    collected
	ended    chan struct{} // when nothing is shown any more
}

func startTalk(t *testing.T, s *livetest.Server, args ...string) *talking {
	t.Helper()
	c := &talking{Cmd: command(t, []string{"PULLCHAT_SERVER=" + s.URL, "TZ=UTC"}, append([]string{"chat"}, args...)...), ended: make(chan struct{})}
	var err error
	if c.terminal, err = pty.StartWithSize(c.Cmd, &pty.Winsize{Rows: 24, Cols: 200}); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		_, _ = io.Copy(&c.shown, c.terminal)
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-c.ended
		_ = c.terminal.Close()
	})
	return c
}

// shows waits for a text.
func (c *talking) shows(t *testing.T, text string) {
	t.Helper()
	within(t, func() bool { return strings.Contains(c.shown.String(), text) }, func() string {
		return "the terminal shows " + c.shown.String() + ", want " + text
	})
}

func within(t *testing.T, holds func() bool, otherwise func() string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

func (c *talking) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(c.terminal, keys); err != nil {
		t.Fatal(err)
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	for _, over := range []string{"sse", "ws", "poll"} {
		t.Run(over, func(t *testing.T) {
			t.Parallel()
			log := livetest.NewLog()
			fill(log, "room", 25)
			s := livetest.Serve(t, &livetest.Server{Log: log})
			c := startTalk(t, s, "room", "--sender=bob", "--transport", over)
			c.shows(t, "08:00:43  alice: room 24")
			if shown := c.shown.String(); strings.Contains(shown, "room 4\r") || !strings.Contains(shown, "room 5\r") {
				t.Errorf("it begins with %q, want the last 20", shown)
			}
			c.types(t, "hello\r")
			within(t, func() bool { return len(log.Messages("room")) == 26 }, func() string { return "nothing was sent" })
			if sent := log.Messages("room")[25]; sent.Text != "hello" || sent.Sender != "bob" || sent.ID == "" {
				t.Errorf("it sends %+v, want hello from bob with an id", sent)
			}
			c.types(t, "/help\r")
			c.shows(t, "* /quit or Ctrl-D ends the talk")
			c.types(t, "//tmp\r")
			within(t, func() bool { return len(log.Messages("room")) == 27 }, func() string { return "//tmp was not sent" })
			if sent := log.Messages("room")[26]; sent.Text != "/tmp" {
				t.Errorf("//tmp is sent as %q, and /help before it must not be sent", sent.Text)
			}
			if over != "poll" {
				c.shows(t, "* here: bob")
				log.Tell(livetest.Event{Kind: "signal", Signal: client.Signal{Chat: "room", Sender: "eve\x1b[2J", Type: "typing"}})
				c.shows(t, `* eve\x1b[2J is typing`)
			}
			log.Append(client.Message{Chat: "room", Sender: "eve", Text: "\x1b]0;mine\x07"})
			c.shows(t, `  eve: \x1b]0;mine\a`)
			if shown := c.shown.String(); strings.Contains(shown, "  bob: hello") {
				t.Errorf("it shows %q, and what was typed a second time", shown)
			}
			c.types(t, "\x04") // Ctrl-D
			if err := c.Wait(); err != nil {
				t.Errorf("after Ctrl-D: %v, want exit status 0", err)
			}
		})
	}
}

// TestChatSendsOnce though the answer to a send was lost.
func TestChatSendsOnce(t *testing.T) {
	t.Parallel()
	log := livetest.NewLog()
	var cut atomic.Int64
	s := livetest.Serve(t, &livetest.Server{Log: log, Cut: func() int {
		if cut.Add(1) == 2 {
			return 0 // the answer to nothing comes
		}
		return -1
	}})
	for range 5 {
		got := invoke(t, []string{"PULLCHAT_SERVER=" + s.URL}, "one\n\ntwo\r\nthree", "chat", "room", "--sender=bob", "--transport=ws")
		if got.status != 0 {
			t.Errorf("chat = %+v, want success", got)
		}
		if sent := texts(log.Messages("room")); !slices.Equal(sent[len(sent)-3:], []string{"one", "two", "three"}) {
			t.Errorf("it sends %q, want the three lines", sent)
		}
		cut.Store(0)
	}
	if n := len(log.Messages("room")); n != 15 {
		t.Errorf("%d messages are stored, want 15", n)
	}
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	lines := newPlainLines(strings.NewReader("a\n\nb\r\nc"), &bytes.Buffer{})
	var got []string
	for {
		line, err := lines.ReadLine()
		if err != nil {
			break
		}
		got = append(got, line)
	}
	if want := []string{"a", "", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("ReadLine() = %q, want %q", got, want)
	}
}
