package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/rpc-server/service"
)

type contextType = context.Context

// serve runs both servers in one process. They talk over Kitex on loopback, as in production.
type serve struct {
	HTTP gateway.Config `embed:""`
	RPC  service.Config `embed:""`
	Log  logging.Config `embed:""`
}

// Run listens, prints examples to try, and serves until a signal.
func (s *serve) Run(ctx contextType) error {
	log := program.Begin(s.Log)
	store := "Redis at REDIS_URL"
	if s.RPC.RedisURL == "" {
		var password string
		if s.HTTP.Auth == "on" {
			password = rand.Text() // otherwise every user of this machine could read it
		}
		embedded, err := startEmbedded(password)
		if err != nil {
			return err
		}
		defer embedded.stop()
		s.RPC.RedisURL = embedded.url()
		store = "an embedded Redis, in memory: messages are gone when it stops (set REDIS_URL to keep them)"
	}
	if s.RPC.Trust.Auth = s.HTTP.Auth; s.HTTP.Auth == "on" {
		s.RPC.Trust.RPCSecret = rand.Text() // only this gateway may name callers
	}
	rpc, err := service.Listen(ctx, s.RPC, log)
	if err != nil {
		return err
	}
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{dialable(rpc.Addr())}, RPCSecret: s.RPC.Trust.RPCSecret})
	if err != nil {
		return errors.Join(err, rpc.Close())
	}
	defer calls.Close()
	http, err := gateway.Listen(s.HTTP, calls.Services(), log)
	if err != nil {
		return errors.Join(err, rpc.Close())
	}
	http.GuardLoopback()
	address := dialable(http.Addr())
	if s.HTTP.TLSCert != "" {
		address = "https://" + address
	}
	try := tryOpen
	if s.HTTP.Auth == "on" {
		try = tryClosed
	}
	fmt.Printf("Pullchat runs on %s. Try:\n\n"+try+"\n", store, address)
	return program.Run(ctx, rpc, http)
}

// The start message: the storage, then examples to try.
const (
	tryOpen = `  curl %[2]s/api/send --json '{"chat":"alice:bob","sender":"alice","text":"hello"}'
  curl '%[2]s/api/pull?chat=alice:bob'
`
	tryClosed = `  curl %[2]s/api/users --json '{"user":"alice","password":"correct horse"}'
  TOKEN=$(curl -s %[2]s/api/login --json '{"user":"alice","password":"correct horse"}' | cut -d '"' -f 4)
  curl %[2]s/api/send -H "Authorization: Bearer $TOKEN" --json '{"chat":"alice:bob","text":"hello"}'
`
)

// dialable returns an address for clients: a server that listens on all addresses is on loopback too.
func dialable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr.String()
}

// embeddedRedis is miniredis with a clock that moves, so that keys expire.
type embeddedRedis struct {
	redis    *miniredis.Miniredis
	password string // "" is none
	done     chan struct{}
	ended    chan struct{}
}

func startEmbedded(password string) (*embeddedRedis, error) {
	e := &embeddedRedis{redis: miniredis.NewMiniRedis(), password: password, done: make(chan struct{}), ended: make(chan struct{})}
	if password != "" {
		e.redis.RequireAuth(password)
	}
	if err := e.redis.Start(); err != nil {
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	go e.expireKeys()
	return e, nil
}

func (e *embeddedRedis) url() string {
	if e.password == "" {
		return "redis://" + e.redis.Addr()
	}
	return "redis://:" + e.password + "@" + e.redis.Addr()
}

func (e *embeddedRedis) expireKeys() {
	defer close(e.ended)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.redis.FastForward(time.Second)
		case <-e.done:
			return
		}
	}
}

func (e *embeddedRedis) stop() {
	close(e.done)
	<-e.ended
	e.redis.Close()
}
