package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/pullchat/localredis"
	"github.com/pullchat/pullchat/rpc-server/service"
	tcp "github.com/pullchat/pullchat/tcp-server/gateway"
	worker "github.com/pullchat/pullchat/worker/service"
)

type contextType = context.Context

// serve runs both servers in one process. They talk over Kitex on loopback, as in production.
type serve struct {
	Data  string `name:"data" env:"DATA_DIR" type:"path" placeholder:"DIR" help:"Folder that keeps all messages. A redis-server or valkey-server of this machine is started on it. Empty: messages are in memory and lost at the end."`
	Fsync string `name:"fsync" env:"FSYNC" enum:"always,everysec" default:"everysec" help:"With --data: an acknowledged message is on the disk at once (always), or within a second (everysec), which is faster. Both survive a killed process; always survives a power failure."`

	FilesAddr string `name:"files-addr" env:"FILES_ADDR" default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address where the files of messages are uploaded and read, without S3_URL; port 0 takes a free port."`
	FilesURL  string `name:"files-url" env:"FILES_URL" placeholder:"ORIGIN" help:"The origin by which clients reach files-addr, if it differs."`

	HTTP gateway.Config `embed:""`
	TCP  tcp.Endpoints  `embed:""`
	RPC  service.Config `embed:""`

	Worker worker.Config `embed:""`

	Log     logging.Config        `embed:""`
	Observe program.ObserveConfig `embed:""`
}

// Run listens, prints examples to try, and serves until a signal.
func (s *serve) Run(ctx contextType, loaded *program.Loaded) error {
	log, level := program.Begin(s.Log)
	loaded.Logs(log, level)
	redis, store, err := s.openRedis(ctx, log)
	if err != nil {
		return err
	}
	stores, err := s.openFiles(redis)
	if err != nil {
		return errors.Join(err, end(redis))
	}
	return s.serve(ctx, log, stores, store, loaded)
}

// openRedis returns the Redis that this process runs, and says where the messages are.
func (s *serve) openRedis(ctx context.Context, log *slog.Logger) (redis program.Part, store string, err error) {
	switch {
	case s.Data != "" && s.RPC.RedisURL != "":
		return nil, "", errors.New("data and redis-url are both set; set one of them")
	case s.Data != "":
		local, err := localredis.Start(ctx, localredis.Config{Dir: s.Data, Fsync: s.Fsync, Log: log})
		if err != nil {
			return nil, "", err
		}
		s.RPC.RedisURL = local.URL()
		return local, "the data in " + s.Data, nil
	case s.RPC.RedisURL != "":
		return idle{}, "Redis at REDIS_URL", nil
	}
	var password string
	if s.HTTP.Auth == "on" {
		password = rand.Text() // otherwise every user of this machine could read it
	}
	embedded, err := startEmbedded(password)
	if err != nil {
		return nil, "", err
	}
	s.RPC.RedisURL = embedded.url()
	return embedded, "an embedded Redis, in memory: messages are gone when it stops (--data DIR keeps them)", nil
}

// serve runs both servers over redis, which it stops last.
func (s *serve) serve(ctx context.Context, log *slog.Logger, redis program.Part, store string, loaded *program.Loaded) error {
	observed, stopObserved, err := s.Observe.Start("pullchat", log)
	if err != nil {
		return errors.Join(err, end(redis))
	}
	defer stopObserved()
	s.HTTP.Metrics, s.RPC.Metrics, s.Worker.Metrics = observed.Metrics.Gateway(), observed.Metrics.Service(), observed.Metrics.Worker()
	s.HTTP.Traces, s.RPC.Traces, s.Worker.Traces = observed.Traces, observed.Traces, observed.Traces
	if s.RPC.Trust.Auth = s.HTTP.Auth; s.HTTP.Auth == "on" {
		s.RPC.Trust.RPCSecret = rand.Text() // only this gateway may name callers
	}
	rpc, err := service.Listen(ctx, s.RPC, log)
	if err != nil {
		return errors.Join(err, end(redis))
	}
	calls, err := rpcclient.New(rpcclient.Config{
		RPCServers: []string{dialable(rpc.Addr())}, RPCSecret: s.RPC.Trust.RPCSecret, Metrics: observed.Metrics.Client(), Traces: observed.Traces,
	})
	if err != nil {
		return errors.Join(err, rpc.Close(), end(redis))
	}
	defer calls.Close()
	s.HTTP.GuardLoopback = true
	http, err := gateway.Listen(s.HTTP, calls.Services(), log)
	if err != nil {
		return errors.Join(err, rpc.Close(), end(redis))
	}
	parts := []program.Part{redis, rpc, http}
	var texts *tcp.Server
	if s.TCP.Enabled() {
		texts, err = tcp.Listen(s.tcpConfig(), calls.Services(), log)
		if err != nil {
			return errors.Join(err, end(http), rpc.Close(), end(redis))
		}
		parts = append(parts, texts)
	}
	projections, err := worker.New(s.Worker, calls, log)
	if err != nil {
		return errors.Join(err, end(http), rpc.Close(), end(redis))
	}
	parts = append(parts, projections)
	address := dialable(http.Addr())
	if s.HTTP.TLSCert != "" {
		address = "https://" + address
	}
	try := tryOpen
	if s.HTTP.Auth == "on" {
		try = tryClosed
	}
	fmt.Printf("Pullchat runs on %s. Try:\n\n"+try+"\n", store, address)
	defer loaded.Watch(ctx, func(next any) {
		to := next.(*commands).Serve //nolint:errcheck // Watch passes a *commands
		http.Reload(to.HTTP)
		if texts != nil {
			texts.Reload(to.tcpConfig())
		}
	})()
	return program.Run(ctx, parts...)
}

// tcpConfig is the configuration of a tcp-server with the same trust as the http-server.
func (s *serve) tcpConfig() tcp.Config {
	config := tcp.Config{Endpoints: s.TCP, Metrics: s.HTTP.Metrics, Traces: s.HTTP.Traces, Trust: tcp.Trust{
		Auth: s.HTTP.Auth, Token: s.HTTP.Token, Identity: s.HTTP.Identity, AccessTokenTTL: s.HTTP.AccessTokenTTL, LoginRate: s.HTTP.LoginRate,
		Registration: s.HTTP.Registration, RegistrationRate: s.HTTP.RegistrationRate, SignalRate: s.HTTP.SignalRate,
		FollowedChats: s.HTTP.FollowedChats, AddressFollowedChats: s.HTTP.AddressFollowedChats, TLSCert: s.HTTP.TLSCert, TLSKey: s.HTTP.TLSKey,
	}}
	if s.HTTP.RateLimitBy == "user" {
		config.RateLimit = s.HTTP.RateLimit
	}
	return config
}

// end stops a part that was started and never ran.
func end(part program.Part) error {
	ended, stop := context.WithCancel(context.Background())
	stop()
	return part.Run(ended)
}

// idle is the part of a Redis that another process runs.
type idle struct{}

// Run implements program.Part.
func (idle) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
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
}

func startEmbedded(password string) (*embeddedRedis, error) {
	e := &embeddedRedis{redis: miniredis.NewMiniRedis(), password: password}
	if password != "" {
		e.redis.RequireAuth(password)
	}
	if err := e.redis.Start(); err != nil {
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	return e, nil
}

func (e *embeddedRedis) url() string {
	if e.password == "" {
		return "redis://" + e.redis.Addr()
	}
	return "redis://:" + e.password + "@" + e.redis.Addr()
}

// Run implements program.Part: it moves the clock until ctx ends, and stops the Redis.
func (e *embeddedRedis) Run(ctx context.Context) error {
	defer e.redis.Close()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.redis.FastForward(time.Second)
		case <-ctx.Done():
			return nil
		}
	}
}
