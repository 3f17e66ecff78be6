// Package test holds the suites that cross programs.
package test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/openapitest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestMain silences the frameworks, whose loggers are one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

func TestConformanceOfRPCClient(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	conformance.Run(t, func(t *testing.T, o conformance.Options) chat.Service {
		return rpcService(t, redis.URL(), o)
	})
}

// TestConformanceOfHTTPClient also checks every request and answer against the served OpenAPI document.
func TestConformanceOfHTTPClient(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	document, err := os.ReadFile("../http-server/gateway/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	validator, err := openapitest.New(document)
	if err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, func(t *testing.T, o conformance.Options) chat.Service {
		base := httpServer(t, rpcService(t, redis.URL(), o))
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		t.Cleanup(transport.CloseIdleConnections)
		c, err := client.New(base, &http.Client{Transport: validator.Transport(t, transport)}, onceAsIs()...)
		if err != nil {
			t.Fatal(err)
		}
		return chattest.OverHTTP{Client: c}
	})
}

// onceAsIs makes a client that asks once, and sends messages without an id as they are, so that the server is tested
// and not the client.
func onceAsIs() []client.Option {
	return []client.Option{client.WithPolicy(client.Policy{Attempts: 1}), client.WithIDs(nil)}
}

// rpcService is an rpc-server over its own keys in Redis, and a client of it.
func rpcService(t testing.TB, redisURL string, o conformance.Options) chat.Service {
	t.Helper()
	options := storage.Options{
		Retention: o.Retention, MaxChatMessages: o.MaxChatMessages, IdempotencyWindow: o.IdempotencyWindow,
		Prefix: "test:" + t.Name(),
	}
	if o.Clock != nil {
		options.Clock = o.Clock.Now
	}
	store, err := storage.Open(redisURL, options)
	if err != nil {
		t.Fatal(err)
	}
	server, err := service.ListenOver(handler.Services{Messages: chat.NewMessageService(store, chat.Access{}, conformance.Limits), Live: chat.NewLiveService(store, chat.Access{})}, store, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	c, err := rpcclient.New(rpcclient.Config{RPCServers: []string{server.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// httpServer is an http-server over a Service; it returns its URL.
func httpServer(t testing.TB, s chat.Service) string {
	t.Helper()
	server, err := gateway.Listen(gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 64 << 10}, chat.Services{Messages: s, Live: chattest.Silent{}}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return "http://" + server.Addr().String()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
