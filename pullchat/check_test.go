package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/check"
)

// checkedRedis is a Redis with three messages in one chat, sent through pullchat serve.
func checkedRedis(t *testing.T) *redistest.Server {
	t.Helper()
	redis := redistest.Start(t)
	s := serveProcess(t, "REDIS_URL="+redis.URL())
	for _, id := range []string{"1", "2", "3"} {
		if got := invoke(t, s.environment(), "", "send", "alice:bob", "hello", "--sender", "alice", "--id", id); got.status != 0 {
			t.Fatalf("send = %+v, want success", got)
		}
	}
	return redis
}

func do(t *testing.T, redis *redistest.Server, command string) {
	t.Helper()
	if answer, err := redis.Do(command); err != nil || strings.HasPrefix(answer, "-") {
		t.Fatalf("%s = %q, %v", command, answer, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	redis := checkedRedis(t)
	environment := []string{"REDIS_URL=" + redis.URL()}
	sound := invoke(t, environment, "", "check")
	if want := "chats     1\nmessages  3\nbytes     159\nids       3\nfaults    0\n"; sound.status != 0 || sound.out != want || sound.err != "" {
		t.Errorf("check = %+v, want status 0 and %q", sound, want)
	}
	do(t, redis, "ZREM im:{45}:activity alice:bob")
	do(t, redis, "SET im:{45}:log:bob:alice 1")
	broken := invoke(t, environment, "", "check", "--json")
	var report check.Report
	if err := json.Unmarshal([]byte(broken.out), &report); err != nil || broken.status != 3 || report.Found() != 2 || !report.Complete {
		t.Errorf("check --json = %+v, %v; want status 3 and a complete report of two faults", broken, err)
	}
	if want := "pullchat: faults were found: 2\n"; broken.err != want {
		t.Errorf("check says %q, want %q", broken.err, want)
	}
	repaired := invoke(t, environment, "", "check", "--repair")
	for _, want := range []string{
		"faults    2, of which 1 repaired\n",
		"\nactivity-missing  1\n", "im:{45}:activity does not have the chat (repaired)\n",
		"\nchat-id  1\n", `im:{45}:log:bob:alice: its canonical form is "alice:bob"`, "  to do: servers never read it",
	} {
		if repaired.status != 3 || !strings.Contains(repaired.out, want) {
			t.Errorf("check --repair = %+v, want status 3 and %q", repaired, want)
		}
	}
	do(t, redis, "DEL im:{45}:log:bob:alice")
	if again := invoke(t, environment, "", "check"); again != sound {
		t.Errorf("check after the repair = %+v, want %+v", again, sound)
	}
}

func TestCheckCannotRead(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	lost := invoke(t, nil, "", "check", "--redis-url", "redis://user:hunter2@127.0.0.1:1", "--state", state)
	if lost.status != 1 || !strings.Contains(lost.err, "connection refused; the same command goes on from here") || !strings.HasPrefix(lost.out, "INCOMPLETE") {
		t.Errorf("check of nothing = %+v, want status 1 and an incomplete report", lost)
	}
	if kept, err := os.ReadFile(state); err != nil || !json.Valid(kept) || strings.Contains(string(kept), "hunter2") {
		t.Errorf("the state is %q, %v; want JSON without the password", kept, err)
	}
	other := invoke(t, nil, "", "check", "--redis-url", "redis://127.0.0.1:2", "--state", state)
	if want := "the state is of redis://127.0.0.1:1, this is redis://127.0.0.1:2"; other.status != 1 || !strings.Contains(other.err, want) {
		t.Errorf("check with the state of another Redis = %+v, want status 1 and %q", other, want)
	}
	if got := invoke(t, nil, "", "check", "--redis-url", "redis://127.0.0.1:1"); !strings.Contains(got.err, "with --state FILE it could go on") {
		t.Errorf("check of nothing = %+v, want a word about --state", got)
	}
	if got := invoke(t, nil, "", "check", "--idempotency-window", "-1s"); got.status != 80 {
		t.Errorf("check --idempotency-window -1s = %+v, want status 80", got)
	}
}

// TestCheckInterrupted interrupts a check that waits for an answer; that it goes on from there is tested in storage.
func TestCheckInterrupted(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	state := filepath.Join(t.TempDir(), "state")
	environment := []string{"REDIS_URL=redis://" + silent.Addr().String()}
	c := command(t, environment, "check", "--state", state)
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	asked, err := silent.Accept() // it runs, and listens to signals
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = asked.Close() }()
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != 1 || !strings.Contains(errs.String(), "interrupted; the same command goes on from here") {
		t.Errorf("check after SIGINT ended with %d and %q, want 1 and how it goes on", got, &errs)
	}
	if _, err := os.Stat(state); err != nil {
		t.Errorf("the state after an interruption: %v, want a file", err)
	}
	resumed := invoke(t, []string{"REDIS_URL=redis://127.0.0.1:1"}, "", "check", "--state", state)
	if resumed.status != 1 || !strings.Contains(resumed.err, "the state is of redis://"+silent.Addr().String()) {
		t.Errorf("check with the state of another Redis = %+v, want status 1", resumed)
	}
}

// TestCheckForgetsItsState: the file is for the check that was interrupted only.
func TestCheckForgetsItsState(t *testing.T) {
	t.Parallel()
	redis := checkedRedis(t)
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"check", "--redis-url", redis.URL(), "--state", state}
	redis.Kill()
	if got := invoke(t, nil, "", args...); got.status != 1 {
		t.Errorf("check of a Redis that is down = %+v, want status 1", got)
	}
	redis.Restart()
	got := invoke(t, nil, "", args...)
	if got.status != 0 || got.err != "going on after 0 chats and 0 messages\n" || !strings.HasPrefix(got.out, "chats     1\nmessages  3\n") {
		t.Errorf("check that goes on = %+v, want status 0 and three messages", got)
	}
	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state after a complete check: %v, want that it is gone", err)
	}
}
