package rpcclient

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// clientOf is a Client of a server that answers at once.
func clientOf(b *testing.B, live chat.Live) *Client {
	b.Helper()
	server, err := service.ListenOver(handler.Services{Messages: chattest.OneByOne{Service: answering{}}, Live: live}, io.NopCloser(nil), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	chattest.Run(b, server)
	client, err := New(Config{RPCServers: []string{server.Addr().String()}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

// BenchmarkAlone is one call at a time: gathering must not make a lone request slower than a call of its own.
func BenchmarkAlone(b *testing.B) {
	client := clientOf(b, chattest.Silent{})
	b.Run("gathered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Send(context.Background(), aMessage); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by itself", func(b *testing.B) {
		for b.Loop() {
			if _, err := (*client.servers.current.Load())[0].kitex.Send(context.Background(), wire.SendRequest(aMessage, chat.Caller{}, "")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTogether measures the cost of concurrent sends for client and server, without the service behind the server.
func BenchmarkTogether(b *testing.B) {
	client := clientOf(b, chattest.Silent{})
	ctx := logging.WithRequestID(context.Background(), logging.NewRequestID())
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Send(ctx, aMessage); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// answering is a Service that has nothing to do.
type answering struct{}

func (answering) Send(context.Context, chat.Message) (chat.Receipt, error) {
	return chat.Receipt{SendTime: 7}, nil
}

func (answering) Pull(context.Context, chat.PullRequest) (chat.Page, error) { return chat.Page{}, nil }

func (answering) Ready(context.Context) error { return nil }

// BenchmarkWatch is events through one stream, from a server's queue to a gateway's: an operation is one event, of its
// own chat. A server that is busy gathers events into a response; the first waits for each.
func BenchmarkWatch(b *testing.B) {
	h := newHub()
	client := clientOf(b, h)
	w := client.Watch()
	ids := rooms(b, 1000)
	w.Add(ids...)
	for heard := 0; heard < len(ids); {
		events, err := w.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		heard += len(events)
	}
	position := int64(1)
	for _, gathered := range []int{1, 10, 1000} {
		b.Run(fmt.Sprintf("%d at once", gathered), func(b *testing.B) {
			for i := 0; i < b.N; i += gathered {
				position++
				for _, id := range ids[:gathered] {
					h.tell(chat.Event{Chat: id, Position: position})
				}
				for heard := 0; heard < gathered; {
					events, err := w.Next(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					heard += len(events)
				}
			}
		})
	}
}
