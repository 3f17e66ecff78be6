package access

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
	rpcserver "github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

const (
	authSecret = "a secret of 32 bytes and some more"
	// userStreams is how many streams a user has open.
	userStreams = 20
	rpcSecret   = "what gateways know"
)

// stack is both servers, with AUTH=on, over a Redis of their own.
type stack struct {
	base   string // of the gateway
	rpc    string // the rpc-server's address
	routes []string
	redis  *redis.Client
	store  *storage.Store
	keys   *token.Keys
	client *http.Client

	webhooks chat.Webhooks
}

func startStack(t *testing.T) *stack {
	t.Helper()
	return startStackWith(t, func(*gateway.Config) {})
}

// startStackWith changes the gateway's configuration.
func startStackWith(t *testing.T, change func(*gateway.Config)) *stack {
	t.Helper()
	database := redistest.Start(t)
	rpc, err := rpcserver.Listen(t.Context(), rpcserver.Config{
		RPCAddr: "127.0.0.1:0", RedisURL: database.URL(), DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096,
		IdempotencyWindow: time.Hour, RefreshTokenTTL: time.Hour, MaxRoomMembers: 100, HintSweep: time.Second,
		Trust: rpcserver.Trust{Auth: "on", RPCSecret: rpcSecret}, EditWindow: time.Hour, EditHistory: "on", Webhooks: rpcserver.Webhooks{RoomWebhooks: 1000},
		Files: rpcserver.Files{Store: chattest.NewFiles(), AttachmentMaxBytes: 1 << 20, AttachmentTypes: []string{"*/*"}},
	}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, rpc)
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{rpc.Addr().String()}, RPCSecret: rpcSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	config := gateway.Config{
		HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 64 << 10, Auth: "on", Token: token.Config{AuthSecret: authSecret},
		AccessTokenTTL: time.Hour, UserStreams: userStreams,
	}
	change(&config)
	server, err := gateway.Listen(config, calls.Services(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	keys, err := token.FromSecret(authSecret)
	if err != nil {
		t.Fatal(err)
	}
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	data := redis.NewClient(&redis.Options{Addr: database.Addr()})
	t.Cleanup(func() { _ = data.Close() })
	store, err := storage.Open(database.URL(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &stack{
		base: "http://" + server.Addr().String(), rpc: rpc.Addr().String(), routes: server.Routes(),
		redis: data, store: store, keys: keys, client: &http.Client{Transport: connections}, webhooks: calls,
	}
}

// request makes a request over HTTP. token is "" for none.
func (s *stack) request(ctx context.Context, t *testing.T, method, target, body, token string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, s.base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.HasPrefix(target, "/api/ws") && method == http.MethodGet {
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", "websocket")
		request.Header.Set("Sec-WebSocket-Version", "13")
		request.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	}
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return response
}

// asService makes a request with a service's token that must be answered well, and returns the answer.
func (s *stack) asService(t *testing.T, method, target, body string) string {
	t.Helper()
	response := s.request(t.Context(), t, method, target, body, s.token(t, service, scene{}))
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s %s as a service = %d %s, %v", method, target, body, response.StatusCode, answer, err)
	}
	return string(answer)
}
