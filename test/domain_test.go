package test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

func TestDomainOfRPCClient(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	conformance.RunDomain(t, func(t *testing.T, o conformance.Options) conformance.Domain {
		return conformance.DomainOf(rpcDomain(t, redis.URL(), o).Services())
	})
}

func TestDomainOfHTTPClient(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	conformance.RunDomain(t, func(t *testing.T, o conformance.Options) conformance.Domain {
		over := httpDomain(t, rpcDomain(t, redis.URL(), o).Services())
		return conformance.Domain{Messages: over, Accounts: over, Rooms: over, Inboxes: over, Live: over, Changes: over, Moderation: over, Attachments: over, Deliveries: over}
	})
}

func TestProjectionsOfRPCClient(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	conformance.RunProjections(t, func(t *testing.T) chat.Projections {
		return rpcDomain(t, redis.URL(), conformance.Options{Clock: conformance.NewClock()})
	})
}

// rpcDomain is an rpc-server with every part of the domain over its own keys in Redis, and a client of it.
func rpcDomain(t *testing.T, redisURL string, o conformance.Options) *rpcclient.Client {
	t.Helper()
	store, err := storage.Open(redisURL, storage.Options{
		IdempotencyWindow: o.IdempotencyWindow, MaxDevices: o.MaxDevices, Prefix: "test:" + t.Name(), Clock: o.Clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	d := chattest.NewDomain(store, conformance.DomainOptions(o))
	server, err := service.ListenOver(handler.Services{
		Messages: d.Messages, Live: d.Live, Accounts: d.Accounts, Inboxes: d.Inboxes, Rooms: d.Rooms, Changes: d.Changes,
		Projections: chat.NewProjectionService(store, chat.Access{}), Moderation: d.Moderation, Attachments: d.Attachments, Deliveries: d.Deliveries,
	}, store, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	t.Cleanup(func() { _ = d.Deleter.Close() })
	c, err := rpcclient.New(rpcclient.Config{RPCServers: []string{server.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// httpDomain is an http-server over services, and clients of it with the tokens of callers.
func httpDomain(t *testing.T, services chat.Services) chattest.OverHTTP {
	t.Helper()
	const secret = "a secret of 32 bytes and some more"
	server, err := gateway.Listen(gateway.Config{
		HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 64 << 10, Auth: "on", Token: token.Config{AuthSecret: secret}, AccessTokenTTL: time.Hour,
	}, services, quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	keys, err := token.FromSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	connect := func(options ...client.Option) *client.Client {
		c, err := client.New("http://"+server.Addr().String(), &http.Client{Transport: transport}, append(onceAsIs(), options...)...)
		if err != nil {
			t.Error(err)
		}
		return c
	}
	var mutex sync.Mutex
	clients := map[chat.Caller]*client.Client{}
	return chattest.OverHTTP{Client: connect(), As: func(by chat.Caller) *client.Client {
		mutex.Lock()
		defer mutex.Unlock()
		if clients[by] == nil {
			var signed string
			var err error
			if signed, err = keys.ForUser(by.User, strings.Repeat("A", 22), time.Hour); by.Service {
				signed, err = keys.ForService(by.User, time.Hour)
			}
			if err != nil {
				t.Error(err)
			}
			clients[by] = connect(client.WithToken(signed))
		}
		return clients[by]
	}}
}
