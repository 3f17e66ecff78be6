// Package integration tests a running Pullchat from outside: HTTP, RPC and Redis, at any addresses. make compose-test
// runs it against the stack in containers.
package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/rpcclient"
)

// setting returns an environment variable with the stack's address; without it the test is skipped.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" && os.Getenv("REQUIRE_STACK") != "" {
		t.Fatalf("%s is not set, and REQUIRE_STACK says that there is a stack to test", name)
	}
	if value == "" {
		t.Skipf("SKIPPED, NOT TESTED: %s is not set; make compose-test sets it", name)
	}
	return value
}

func httpClient(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(setting(t, "PULLCHAT_SERVER"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// room returns a name that no earlier run has used.
func room(t *testing.T) string {
	return fmt.Sprintf("%s.%d", t.Name(), time.Now().UnixNano())
}

func TestReady(t *testing.T) {
	if err := httpClient(t).Ready(t.Context()); err != nil {
		t.Errorf("Ready() = %v, want nil", err)
	}
}

func TestSendAndPull(t *testing.T) {
	c, ctx := httpClient(t), t.Context()
	name := fmt.Sprintf("bob%d:alice", time.Now().UnixNano())
	bob, _, _ := strings.Cut(name, ":")
	first, err := c.Send(ctx, client.Message{Chat: name, Sender: bob, Text: "hello", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if drift := time.Since(time.UnixMicro(first.SendTime)).Abs(); drift > time.Hour {
		t.Errorf("send_time is %v away from now, want microseconds since 1970", drift)
	}
	again, err := c.Send(ctx, client.Message{Chat: "alice:" + bob, Sender: bob, Text: "hello", ID: "1"})
	if err != nil || again.SendTime != first.SendTime || !again.Duplicate {
		t.Errorf("Send() again = %+v, %v; want a duplicate of %d", again, err, first.SendTime)
	}
	_, err = c.Send(ctx, client.Message{Chat: name, Sender: bob, Text: "other", ID: "1"})
	if answered, ok := errors.AsType[*client.Error](err); !ok || answered.Status != 409 || answered.RequestID == "" {
		t.Errorf("Send(other text, same id) = %v, want 409 with a request id", err)
	}
	page, err := c.Pull(ctx, client.PullRequest{Chat: name, Reverse: true})
	want := client.Message{Chat: name, Sender: bob, Text: "hello", ID: "1", SendTime: first.SendTime}
	if err != nil || len(page.Messages) != 1 || page.Messages[0] != want || page.HasMore || page.NextCursor != 0 {
		t.Errorf("Pull() = %+v, %v; want %+v", page, err, want)
	}
}

// TestManyWriters: messages acknowledged to sixteen writers are read once, in order.
func TestManyWriters(t *testing.T) {
	c, name := httpClient(t), room(t)
	acknowledged := make(chan int64, 1600)
	var group sync.WaitGroup
	for writer := range 16 {
		group.Go(func() {
			for i := range 100 {
				receipt, err := c.Send(t.Context(), client.Message{Chat: name, Sender: fmt.Sprint("w", writer), Text: fmt.Sprint(i)})
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged <- receipt.SendTime
			}
		})
	}
	group.Wait()
	close(acknowledged)
	var want, got []int64
	for position := range acknowledged {
		want = append(want, position)
	}
	slices.Sort(want)
	for m, err := range c.All(t.Context(), client.PullRequest{Chat: name, Limit: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.SendTime)
	}
	if !slices.Equal(got, want) {
		t.Errorf("read %d positions, want exactly the %d that were acknowledged", len(got), len(want))
	}
}

// TestHTTPAndRPC: a message sent over RPC is pulled over HTTP, and stored in Redis.
func TestHTTPAndRPC(t *testing.T) {
	c, name := httpClient(t), room(t)
	rpc, err := rpcclient.New(rpcclient.Config{RPCServers: strings.Split(setting(t, "RPC_SERVERS"), ",")})
	if err != nil {
		t.Fatal(err)
	}
	defer rpc.Close()
	receipt, err := rpc.Send(t.Context(), chat.Message{Chat: name, Sender: "alice", Text: "over RPC"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Pull(t.Context(), client.PullRequest{Chat: name})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].SendTime != receipt.SendTime {
		t.Errorf("Pull() = %+v, %v; want the message at %d", page, err, receipt.SendTime)
	}
	options, err := redis.ParseURL(setting(t, "REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	store := redis.NewClient(options)
	defer func() { _ = store.Close() }()
	keys, err := store.Keys(context.Background(), "im:*:log:"+name).Result()
	if err != nil || len(keys) != 1 {
		t.Errorf("Redis holds %v, %v; want one log of the room", keys, err)
	}
}
