package e2e

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestServeData: pullchat serve --data is killed under load, with its Redis at the same moment. It serves again from the
// folder. Every acknowledged message is there, once and in order, and the data is sound.
func TestServeData(t *testing.T) {
	t.Parallel()
	redistest.Need(t)
	dir := t.TempDir()
	serve := programtest.StartServe(t, "DATA_DIR="+dir, "FSYNC=always", "RPC_ADDR=127.0.0.1:0")
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	// The client repeats a send with the same id until it is answered: so nothing may be stored twice.
	c, err := client.New("http://"+serve.Addr(), &http.Client{Transport: transport},
		client.WithPolicy(client.Policy{Attempts: 1000, Attempt: 5 * time.Second, Total: time.Minute, Wait: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	const senders, messages = 4, 150
	var sending sync.WaitGroup
	acknowledged := make(chan struct{}, senders*messages)
	for sender := range senders {
		sending.Go(func() {
			for n := range messages {
				m := client.Message{Chat: "room", Sender: fmt.Sprint("s", sender), Text: strconv.Itoa(n)}
				if _, err := c.Send(t.Context(), m); err != nil {
					t.Errorf("send: %v", err)
					return
				}
				acknowledged <- struct{}{}
			}
		})
	}
	for range 3 {
		for range 50 {
			<-acknowledged
		}
		child := redisOf(t, dir)
		serve.Kill()
		_ = syscall.Kill(child, syscall.SIGKILL) // it may have ended with its parent
		serve.Restart()
	}
	sending.Wait()
	next := map[string]int{}
	for m, err := range c.All(t.Context(), client.PullRequest{Chat: "room", Limit: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := strconv.Itoa(next[m.Sender]); m.Text != want {
			t.Fatalf("%s: the next message is %s, want %s", m.Sender, m.Text, want)
		}
		next[m.Sender]++
	}
	for sender := range senders {
		if got := next[fmt.Sprint("s", sender)]; got != messages {
			t.Errorf("sender %d: %d messages are stored, want %d", sender, got, messages)
		}
	}
	if output, err := programtest.Command(t, "pullchat", "check", "--redis-url", "unix://"+filepath.Join(dir, "redis.sock")).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, output)
	}

	second := programtest.Command(t, "pullchat", "serve", "--data", dir, "--http-addr", "127.0.0.1:0")
	if output, err := second.CombinedOutput(); err == nil || !strings.Contains(string(output), "another pullchat serve runs on") {
		t.Errorf("a second serve on the folder: %v\n%s", err, output)
	}
	child := redisOf(t, dir)
	serve.Terminate()
	if state := serve.Exit(); state.ExitCode() != 0 {
		t.Errorf("serve ended with %v, want status 0", state)
	}
	if err := syscall.Kill(child, 0); err == nil {
		t.Error("redis-server runs after serve has ended")
	}
}

// redisOf returns the process id of the redis-server of a folder.
func redisOf(t *testing.T, dir string) int {
	t.Helper()
	store := redis.NewClient(&redis.Options{Network: "unix", Addr: filepath.Join(dir, "redis.sock")})
	defer func() { _ = store.Close() }()
	info, err := store.InfoMap(context.Background(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(info["Server"]["process_id"])
	if err != nil {
		t.Fatal(err)
	}
	return id
}
