package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestWithoutRedis: both servers start without Redis, refuse in time, and serve when it comes.
func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	redis.Kill()
	s := startStack(t, redis.URL())
	send := func(ctx context.Context) error { return s.send(ctx, "early") }
	s.fails(t, "send", send, 503)
	s.fails(t, "pull", s.pull, 503)
	s.fails(t, "readyz", s.client.Ready, 503)
	redis.Restart()
	s.recovers(t, "late")
	if got := s.texts(t); !slices.Equal(got, []string{"late"}) {
		t.Errorf("the room holds %v, want only what was acknowledged", got)
	}
	s.rpc.Alive()
	s.http.Alive()
}

// TestRedisHangs: a Redis that keeps its connections and answers nothing.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	eachMode(t, redisHangs)
}

func redisHangs(t *testing.T, auth *programtest.Auth) {
	redis := redistest.Start(t)
	s := startAs(t, auth, redis.URL())
	s.closeRoom(t)
	s.recovers(t, "before")
	redis.Stop()
	// More at once than there are connections to Redis; each is answered in time.
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			if i%2 == 0 {
				s.fails(t, "pull", s.pull, 503)
			} else {
				s.fails(t, "send", func(ctx context.Context) error { return s.send(ctx, fmt.Sprint("maybe", i)) }, 503, 504)
			}
		})
	}
	group.Go(func() { s.fails(t, "readyz", s.client.Ready, 503) })
	group.Wait()
	redis.Continue()
	s.recovers(t, "after")
	texts := s.texts(t)
	if texts[0] != "before" || !slices.Contains(texts, "after") {
		t.Errorf("the room holds %v, want what was acknowledged before and after", texts)
	}
	slices.Sort(texts)
	if once := slices.Compact(slices.Clone(texts)); len(once) != len(texts) {
		t.Errorf("the room holds %v, want each at most once", texts)
	}
	s.rpc.Alive()
	s.http.Alive()
}

// TestRedisIsKilled: writers go on while Redis is killed and restarted; each acknowledged message is stored once, in
// the order of its writer.
func TestRedisIsKilled(t *testing.T) {
	t.Parallel()
	eachMode(t, redisIsKilled)
}

func redisIsKilled(t *testing.T, auth *programtest.Auth) {
	redis := redistest.Start(t, "--appendfsync", "always") // everysec puts off writing while the disk is busy
	s := startAs(t, auth, redis.URL())
	s.closeRoom(t)
	s.recovers(t, "before")
	stop := make(chan struct{})
	acknowledged := make([][]string, 8)
	var group sync.WaitGroup
	for writer := range acknowledged {
		group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				text := fmt.Sprintf("%d/%d", writer, i)
				if err := s.send(context.Background(), text); err == nil {
					acknowledged[writer] = append(acknowledged[writer], text)
				} else if denied(err) {
					t.Errorf("send of who may = %v", err)
				}
			}
		})
	}
	for range 5 {
		redis.Kill()
		s.fails(t, "send", func(ctx context.Context) error { return s.send(ctx, "refused") }, 503)
		redis.Restart()
		s.recovers(t, "between")
	}
	close(stop)
	group.Wait()
	texts := s.texts(t)
	for writer, sent := range acknowledged {
		var stored []string
		for _, text := range texts {
			if strings.HasPrefix(text, fmt.Sprint(writer, "/")) && slices.Contains(sent, text) {
				stored = append(stored, text)
			}
		}
		if !slices.Equal(stored, sent) {
			t.Errorf("writer %d: %d messages are acknowledged, %d of them are stored in order", writer, len(sent), len(stored))
		}
		if len(sent) == 0 {
			t.Errorf("writer %d has nothing acknowledged: the test showed nothing", writer)
		}
	}
	s.rpc.Alive()
	s.http.Alive()
}

// TestWithoutRPCServer: the gateway lives, its errors name the missing server, and it goes on when the rpc-server is
// back.
func TestWithoutRPCServer(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	s := startStack(t, redis.URL())
	s.recovers(t, "before")
	s.rpc.Kill()
	s.fails(t, "send", func(ctx context.Context) error { return s.send(ctx, "refused") }, 503)
	s.fails(t, "pull", s.pull, 503)
	s.fails(t, "readyz", func(ctx context.Context) error {
		err := s.client.Ready(ctx)
		if err == nil || !strings.Contains(err.Error(), "rpc-server") {
			t.Errorf("readyz = %v, want it to name the rpc-server", err)
		}
		return err
	}, 503)
	programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL(), "RPC_ADDR="+s.rpc.Addr())
	s.recovers(t, "after")
	s.http.Alive()
	if got := s.texts(t); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("the room holds %v, want what was acknowledged", got)
	}
}

// TestTerm: a server that is told to stop finishes its requests, and ends with status 0.
func TestTerm(t *testing.T) {
	t.Parallel()
	eachMode(t, terminate)
}

func terminate(t *testing.T, auth *programtest.Auth) {
	for _, name := range []string{"http-server", "rpc-server"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			s := startAs(t, auth, redis.URL())
			s.closeRoom(t)
			stopped := s.http
			if name == "rpc-server" {
				stopped = s.rpc
			}
			var mutex sync.Mutex
			var acknowledged []string
			var group sync.WaitGroup
			begun := make(chan struct{}, 1000)
			for writer := range 8 {
				group.Go(func() {
					for i := 0; ; i++ {
						text := fmt.Sprintf("%d/%d", writer, i)
						if err := s.send(context.Background(), text); err != nil {
							// The server is gone. An http-server that still answers answers well.
							if answered, ok := errors.AsType[*client.Error](err); ok && name == "http-server" {
								t.Errorf("send while http-server stops = %v, want success or no answer", answered)
							}
							return
						}
						mutex.Lock()
						acknowledged = append(acknowledged, text)
						mutex.Unlock()
						begun <- struct{}{}
					}
				})
			}
			for range 200 {
				<-begun
			}
			go func() {
				for range begun { // let the writers go on
				}
			}()
			stopped.Terminate()
			if state := stopped.Exit(); state.ExitCode() != 0 {
				t.Errorf("%s ended with %v, want status 0", name, state)
			}
			group.Wait()
			close(begun)
			if again := startAs(t, auth, redis.URL()); len(acknowledged) > 0 {
				texts := again.texts(t)
				for _, text := range acknowledged {
					if !slices.Contains(texts, text) {
						t.Errorf("%s is acknowledged but not stored", text)
					}
				}
			}
		})
	}
}

// TestSecondSignal: the first signal drains, the second ends at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL())
	s := overRPC(t, rpc, "DRAIN_DELAY=1h")
	s.recovers(t, "before")
	s.http.Terminate()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for s.client.Ready(ctx) == nil { // until the signal has arrived
	}
	s.fails(t, "readyz", s.client.Ready, 503)
	if err := s.send(ctx, "while draining"); err != nil {
		t.Errorf("send while readiness is off = %v, want it stored", err)
	}
	s.http.Terminate()
	if state := s.http.Exit(); state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("http-server ended with %v, want it ended by the signal", state)
	}
}

// TestServe: everything in one process.
func TestServe(t *testing.T) {
	t.Parallel()
	process := programtest.StartServe(t)
	c, err := client.New("http://"+process.Addr(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := c.Send(ctx, client.Message{Chat: "a:b", Sender: "a", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if page, err := c.Pull(ctx, client.PullRequest{Chat: "b:a"}); err != nil || len(page.Messages) != 1 {
		t.Errorf("Pull() = %+v, %v; want the message", page, err)
	}
	process.Terminate()
	if state := process.Exit(); state.ExitCode() != 0 {
		t.Errorf("serve ended with %v, want status 0", state)
	}
}
