// Command projection is a projection in few lines: it prints each message of all chats once, whatever chats there are.
//
//	go run ./pullchat serve &
//	go run ./examples/projection
//
// It continues where it has ended, and shares the work with others that run it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/rpcclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	servers := os.Getenv("RPC_SERVERS")
	if servers == "" {
		servers = "127.0.0.1:8888"
	}
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: strings.Split(servers, ","), RPCSecret: os.Getenv("RPC_SECRET")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer calls.Close()
	ctx = chat.WithCaller(ctx, chat.Caller{User: "printer", Service: true})
	err = projection.Run(ctx, calls, slog.Default(), projection.Projection{
		Name:    "printer",
		Handler: projection.HandlerFunc(show),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// show prints the events of one chat. After an error they would come again.
func show(_ context.Context, events []projection.Event) error {
	for _, e := range events {
		for _, m := range e.Messages {
			fmt.Printf("%s  %s: %q\n", e.ID, m.Sender, m.Text)
		}
	}
	return nil
}
