package rpcclient

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/wire"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// BenchmarkAlone is one call at a time: gathering must not make a lone request slower than a call of its own.
func BenchmarkAlone(b *testing.B) {
	server, err := service.ListenOver(chattest.OneByOne{Service: answering{}}, chattest.Silent{}, io.NopCloser(nil), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	client, err := New(Config{RPCServers: []string{server.Addr().String()}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	b.Run("gathered", func(b *testing.B) {
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
	server, err := service.ListenOver(chattest.OneByOne{Service: answering{}}, h, io.NopCloser(nil), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	client, err := New(Config{RPCServers: []string{server.Addr().String()}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	w := client.Watch()
	ids := rooms(b, 1000)
	w.Add(ids...)
	for heard := 0; heard < len(ids); {
		events, err := w.Next(ctx)
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
					events, err := w.Next(ctx)
					if err != nil {
						b.Fatal(err)
					}
					heard += len(events)
				}
			}
		})
	}
}
