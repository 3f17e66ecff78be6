package localredis

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/redistest"
)

// run starts a Server of a folder and runs it until stop.
func run(t *testing.T, dir string) (s *Server, stop func()) {
	t.Helper()
	redistest.Need(t)
	s, err := Start(t.Context(), Config{Dir: dir, Fsync: "always", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// dial returns a client of a Server's URL.
func dial(t *testing.T, s *Server) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// pid is the process id of the child.
func pid(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.InfoMap(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(info["Server"]["process_id"])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestDataSurvivesKills: the child is killed under load again and again. Every acknowledged write is there afterwards, and
// nothing is left running.
func TestDataSurvivesKills(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	s, stop := run(t, dir)
	client := dial(t, s)
	const writers = 4
	var acknowledged [writers]atomic.Int64
	ctx, enough := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				if client.RPush(ctx, fmt.Sprint("list", w), n).Err() == nil {
					acknowledged[w].Store(n)
				}
			}
		})
	}
	for range 3 {
		child := pid(t, client)
		before := acknowledged[0].Load()
		until(t, func() bool { return acknowledged[0].Load() > before+20 })
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool {
			info, err := client.InfoMap(t.Context(), "server").Result()
			return err == nil && info["Server"]["process_id"] != strconv.Itoa(child)
		})
	}
	enough()
	writing.Wait()
	_ = client.Close()
	stop()

	s, stop = run(t, dir)
	client = dial(t, s)
	for w := range writers {
		stored, err := client.LRange(t.Context(), fmt.Sprint("list", w), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		for _, value := range stored {
			has[value] = true
		}
		if last := strconv.FormatInt(acknowledged[w].Load(), 10); !has[last] {
			t.Errorf("writer %d: the acknowledged %s is lost", w, last)
		}
	}
	child := pid(t, client)
	_ = client.Close()
	stop()
	if err := syscall.Kill(child, 0); err == nil {
		t.Error("the child runs after Run has returned")
	}
}

// until waits for a condition that is soon true.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-deadline:
			t.Fatal("the condition did not become true")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestOneServerOfAFolder(t *testing.T) {
	dir := t.TempDir()
	_, stop := run(t, dir)
	if _, err := Start(t.Context(), Config{Dir: dir, Fsync: "always"}); err == nil || !strings.Contains(err.Error(), "another pullchat serve runs on") {
		t.Errorf("Start of a folder in use = %v", err)
	}
	stop()
	run(t, dir)
}

// TestOrphan: a process that was killed leaves its child behind. The next Start ends it and finds its data.
func TestOrphan(t *testing.T) {
	redistest.Need(t)
	dir := t.TempDir()
	killed, err := Start(t.Context(), Config{Dir: dir, Fsync: "everysec", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, killed)
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := killed.lock.Unlock(); err != nil { // as the kernel does for a killed process
		t.Fatal(err)
	}
	s, _ := run(t, dir)
	<-killed.child.ended
	if got := dial(t, s).Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("after the orphan k = %q, want v", got)
	}
}

// TestLongPath: the path of a Unix socket is short, that of a folder need not be. It may also have characters that mean
// something in a URL.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30), "50% #1 ?@")
	s, stop := run(t, dir)
	if err := dial(t, s).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := os.Stat(s.socket); err == nil {
		t.Errorf("the socket %s is left behind", s.socket)
	}
	// A note of another run, or of another machine, may name anything: nothing of it is removed.
	other := t.TempDir()
	if err := os.Chmod(other, 0o700); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(other, "kept")
	for name, content := range map[string]string{kept: "", filepath.Join(dir, "socket"): filepath.Join(other, socketName)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Start(t.Context(), Config{Dir: dir, Fsync: "always", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if got := dial(t, s).Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("k = %q, want v", got)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_ = s.Run(ended) // it says that the folder is not empty
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("what was in the folder is gone: %v", err)
	}
	s, _ = run(t, filepath.Join(t.TempDir(), "50% #1 ?@"))
	if err := dial(t, s).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestStartSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Dir: file, Fsync: "always"}); err == nil || !strings.HasPrefix(err.Error(), "data: ") {
		t.Errorf("Start on a file = %v", err)
	}
	redistest.Need(t)
	broken := t.TempDir()
	if err := os.MkdirAll(filepath.Join(broken, "appendonlydir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "appendonlydir", "appendonly.aof.manifest"), []byte("what is this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Dir: broken, Fsync: "always", Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "ended at its start: ") {
		t.Errorf("Start on a broken file = %v", err)
	}
	t.Setenv("PATH", "")
	if _, err := Start(t.Context(), Config{Dir: t.TempDir(), Fsync: "always"}); err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("Start without a program = %v", err)
	}
}
