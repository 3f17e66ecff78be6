package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/livetest"
)

// background is a command that goes on.
type background struct {
	*exec.Cmd
	out *bufio.Scanner
	err collected
}

// collected is written and read by different goroutines.
type collected struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (o *collected) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.Write(p)
}

func (o *collected) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.String()
}

func start(t *testing.T, environment []string, args ...string) *background {
	t.Helper()
	b := &background{Cmd: command(t, environment, args...)}
	b.Stderr = &b.err
	out, err := b.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.out = bufio.NewScanner(out)
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.Process.Kill()
		_ = b.Wait()
	})
	return b
}

// expect reads messages.
func (b *background) expect(t *testing.T, want ...client.Message) {
	t.Helper()
	for _, m := range want {
		if !b.out.Scan() {
			t.Fatalf("the output ends before %+v; on standard error: %s", m, &b.err)
		}
		var got client.Message
		if err := json.Unmarshal(b.out.Bytes(), &got); err != nil || got != m {
			t.Fatalf("it writes %s, want %+v", b.out.Text(), m)
		}
	}
}

// interrupt ends it, and wants that nothing more was written.
func (b *background) interrupt(t *testing.T) {
	t.Helper()
	if err := b.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for b.out.Scan() {
		t.Errorf("it writes %s, want nothing more", b.out.Text())
	}
	if err := b.Wait(); err != nil {
		t.Errorf("after SIGINT: %v, want exit status 0; on standard error: %s", err, &b.err)
	}
}

func fill(log *livetest.Log, chat string, n int) {
	for i := range n {
		log.Append(client.Message{Chat: chat, Sender: "alice", Text: fmt.Sprint(chat, " ", i)})
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	for _, over := range []string{"sse", "ws", "poll"} {
		t.Run(over, func(t *testing.T) {
			t.Parallel()
			log := livetest.NewLog()
			fill(log, "room", 130)
			s := livetest.Serve(t, &livetest.Server{Log: log})
			environment := []string{"PULLCHAT_SERVER=" + s.URL}
			for _, c := range []struct {
				flags []string
				want  int // messages that come first
			}{
				{nil, 10},
				{[]string{"--last=0"}, 0},
				{[]string{"--last=125"}, 125},
				{[]string{"--last=1000"}, 130},
				{[]string{"--cursor=0"}, 130},
				{[]string{fmt.Sprint("--cursor=", log.Messages("room")[128].SendTime)}, 2},
			} {
				asked := s.Requests()
				b := start(t, environment, append([]string{"tail", "room", "--transport", over}, c.flags...)...)
				within(t, func() bool { return s.Requests() > asked }, func() string { return "nothing was asked" })
				all := log.Messages("room")[:130]
				b.expect(t, all[130-c.want:]...)
				b.interrupt(t)
				if said := b.err.String(); said != "" {
					t.Errorf("tail %q says %q, want nothing", c.flags, said)
				}
			}
		})
	}
}

// TestTailGoesOn through a restart of the server, and a stop of its own.
func TestTailGoesOn(t *testing.T) {
	t.Parallel()
	for _, over := range []string{"sse", "ws", "poll"} {
		t.Run(over, func(t *testing.T) {
			t.Parallel()
			log := livetest.NewLog()
			s := livetest.Serve(t, &livetest.Server{Log: log})
			b := start(t, []string{"PULLCHAT_SERVER=" + s.URL}, "tail", "room", "empty", "--cursor=0", "--transport", over)
			fill(log, "room", 3)
			b.expect(t, log.Messages("room")...)
			s.Stop()
			fill(log, "room", 3)
			s.Start(t)
			b.expect(t, log.Messages("room")[3:]...)
			if err := b.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			s.Stop()
			fill(log, "room", 3)
			s.Start(t)
			if err := b.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			b.expect(t, log.Messages("room")[6:]...)
			counts := func() (lost, back int) {
				said := b.err.String()
				return strings.Count(said, "no connection to "+s.URL), strings.Count(said, "connected to "+s.URL)
			}
			// It says that it is connected beside the messages. A poll may not notice a restart.
			within(t, func() bool {
				lost, back := counts()
				return lost == back && (lost == 2 || over == "poll")
			}, func() string { return fmt.Sprintf("it says %q, want two losses and two returns", b.err.String()) })
			b.interrupt(t)
			if lost, back := counts(); lost != back || lost > 2 {
				t.Errorf("it says %q, want two losses and two returns", b.err.String())
			}
		})
	}
}

func TestTailRefuses(t *testing.T) {
	t.Parallel()
	s := livetest.Serve(t, &livetest.Server{Log: livetest.NewLog(), Before: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("chat") == "closed" {
			livetest.Refuse(w, http.StatusForbidden, "permission_denied", "you are not a member")
			return true
		}
		return false
	}})
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"tail", "closed"}, 2, "pullchat: permission_denied: you are not a member"},
		{[]string{"tail", "closed", "--cursor=0"}, 2, "pullchat: permission_denied: you are not a member"},
		{[]string{"tail", "a:b", "b:a"}, 1, "is there a second time"},
		{[]string{"tail", "a", "--server=127.0.0.1:1", "--retries=0"}, 1, "connection refused"},
		{[]string{"tail"}, 80, `expected "<chat> ..."`},
		{[]string{"tail", "a", "--cursor=1", "--last=2"}, 80, "--cursor and --last"},
		{[]string{"tail", "a", "--cursor=-1"}, 80, "not be negative"},
		{[]string{"tail", "a", "--last=-1"}, 80, "not be negative"},
		{[]string{"tail", "a", "--door=back"}, 80, "--transport must be one of"},
		{[]string{"tail", "a", "--transport=poll", "--reader=b"}, 80, "--reader needs --transport sse or ws"},
		{[]string{"chat", "closed", "--sender=a"}, 2, "pullchat: permission_denied: you are not a member"},
		{[]string{"chat", "a"}, 80, "the sender is missing: give --sender=NAME, or log in"},
		{[]string{"chat", "a", "--sender=b", "--json"}, 80, "chat is interactive"},
	} {
		if got := invoke(t, []string{"PULLCHAT_SERVER=" + s.URL}, "", c.args...); got.status != c.status || !strings.Contains(got.err, c.says) || got.out != "" {
			t.Errorf("pullchat %q = %+v, want status %d and %q", c.args, got, c.status, c.says)
		}
	}
}

// TestTailOfServe: tail prints messages stored before and while it follows, in two chats, over each transport.
func TestTailOfServe(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	c, err := client.New(s.base, nil)
	if err != nil {
		t.Fatal(err)
	}
	send := func(chat, text string) client.Message {
		receipt, err := c.Send(t.Context(), client.Message{Chat: chat, Sender: "alice", Text: text, ID: text})
		if err != nil {
			t.Fatal(err)
		}
		return client.Message{Chat: chat, Sender: "alice", Text: text, ID: text, SendTime: receipt.SendTime}
	}
	for _, over := range []string{"sse", "ws", "poll"} {
		t.Run(over, func(t *testing.T) {
			first := send("bob:alice", over+" 1")
			b := start(t, s.environment(), "tail", "bob:alice", "room", "--last=1", "--transport", over)
			b.expect(t, first)
			b.expect(t, send("bob:alice", over+" 2"))
			for i := range 30 {
				b.expect(t, send("bob:alice", fmt.Sprint(over, " a", i)), send("bob:alice", fmt.Sprint(over, " b", i)))
			}
			b.interrupt(t)
		})
	}
}
