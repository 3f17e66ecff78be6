package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/redistest"
)

// BenchmarkSend is a whole send: HTTP, RPC and Redis, with the client in the same process. parallel=1 is one request
// after the other, parallel=64 as many at once.
func BenchmarkSend(b *testing.B) {
	message := client.Message{Sender: "alice", Text: strings.Repeat("x", 40)}
	bench(b, func(ctx context.Context, c *client.Client, n int64) error {
		m := message
		m.Chat = fmt.Sprint("room", n%1000)
		_, err := c.Send(ctx, m)
		return err
	})
}

// BenchmarkPull is a whole pull of 20 messages, the same way.
func BenchmarkPull(b *testing.B) {
	bench(b, func(ctx context.Context, c *client.Client, n int64) error {
		page, err := c.Pull(ctx, client.PullRequest{Chat: "full", Limit: 20})
		if err == nil && len(page.Messages) != 20 {
			err = fmt.Errorf("a page of %d messages", len(page.Messages))
		}
		return err
	})
}

func bench(b *testing.B, call func(context.Context, *client.Client, int64) error) {
	redis := redistest.Start(b, "--appendonly", "no")
	service := rpcService(b, redis.URL(), conformance.Options{})
	for range 100 {
		if _, err := service.Send(context.Background(), chat.Message{Chat: "full", Sender: "alice", Text: strings.Repeat("x", 40)}); err != nil {
			b.Fatal(err)
		}
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	b.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(httpServer(b, service), &http.Client{Transport: transport}, onceAsIs()...)
	if err != nil {
		b.Fatal(err)
	}
	for _, parallel := range []int{1, 64} {
		b.Run(fmt.Sprint("parallel=", parallel), func(b *testing.B) {
			var number atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(max(1, parallel/2)) // times GOMAXPROCS, which is 2 on the machine of our figures
			if parallel == 1 {
				for b.Loop() {
					if err := call(context.Background(), c, number.Add(1)); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(context.Background(), c, number.Add(1)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
