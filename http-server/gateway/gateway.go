// Package gateway assembles an http-server: Hertz, the middleware, the routes, and a stop that loses no request.
package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/config"
	"github.com/cloudwego/hertz/pkg/network/standard"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/buildinfo"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/identity"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/reload"
	"github.com/pullchat/pullchat/internal/token"
)

const (
	maxHeaderBytes = 16 << 10
	// lingerBytes is how much of a refused body is read, so that its client reads the answer.
	lingerBytes = 512 << 10
)

// limitsOf is what a client may take. docs/limits.md tells users.
func limitsOf(config Config, log *slog.Logger) limits {
	return limits{
		request: 10 * time.Second, idle: 75 * time.Second, write: 10 * time.Second, handshake: 10 * time.Second,
		silence: time.Minute, part: time.Minute, tick: time.Second,
		drain: 5 * time.Second, last: time.Second, turnAway: time.Second,
		connections: maxConnections(config.MaxConnections, log),
		bytes:       2 * (maxHeaderBytes + config.MaxBodyBytes), // twice, for the lengths of chunks, and a buffer of the next request
	}
}

// Server is an http-server that listens.
type Server struct {
	config   Config
	log      *slog.Logger
	listener *listener
	services chat.Services
	keys     *token.Keys // or nil
	live     reloadable
}

// Listen opens the listener, and reads the certificate and the keys of tokens if there are any. Requests are answered from
// services once Run is called.
func Listen(config Config, services chat.Services, log *slog.Logger) (*Server, error) {
	var encrypt *tls.Config
	var certificate *reload.Certificate
	var err error
	if config.TLSCert != "" { // Hertz speaks HTTP/1.1 only
		if encrypt, certificate, err = reload.TLS(log, config.TLSCert, config.TLSKey, "http/1.1"); err != nil {
			return nil, err
		}
	}
	keys, err := authKeys(config, log)
	if err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", config.addr())
	if err != nil {
		return nil, fmt.Errorf("http-addr: %w", err)
	}
	warnOpen(config, inner.Addr(), log)
	if encrypt != nil {
		inner = tls.NewListener(inner, encrypt) // shakes hands when a conn is first read, not in Accept
	}
	listening := newListener(inner, encrypt != nil, limitsOf(config, log), log)
	listening.origins, listening.metrics = request.NewList(config.AllowedOrigins), config.Metrics
	listening.access.Set(config.AccessLog)
	s := &Server{
		config: config, log: log, listener: listening, services: services, keys: keys,
		live: newReloadable(config, certificate),
	}
	s.live.ownHosts = config.ownHosts(inner.Addr())
	s.setHosts(config.AllowedHosts)
	return s, nil
}

// Addr is where the server listens, with its real port.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// ownHosts returns the only names that a server answers to with GuardLoopback; none means that it answers to every name.
func (c Config) ownHosts(addr net.Addr) []string {
	tcp, ok := addr.(*net.TCPAddr)
	if !c.GuardLoopback || !ok || !tcp.IP.IsLoopback() {
		return nil
	}
	hosts := []string{"localhost", "127.0.0.1", "[::1]", tcp.String()}
	if host, _, err := net.SplitHostPort(c.HTTPAddr); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	return hosts
}

// Run serves until ctx ends. Then /readyz says no, for DrainDelay; the server stops accepting, lets the requests
// under way finish, and closes. It is called once.
func (s *Server) Run(ctx context.Context) error {
	service, calls := s.limited()
	hub := live.New(service, calls, live.Config{
		Log: s.log, Tick: s.listener.limits.tick, MaxChats: s.listener.limits.chats, Inboxes: s.services.Inboxes, Admission: s.admission(),
	})
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	var hubRuns sync.WaitGroup
	hubRuns.Go(func() { hub.Run(hubCtx) })
	defer hubRuns.Wait()
	defer stopHub()
	draining := make(chan struct{})
	handlers := s.config.handlers(s)
	if s.config.Auth == authOn {
		var end func()
		handlers.Verify, end = s.verify()
		defer end()
	}
	engine := s.engine(handler.New(service, calls, hub, handlers), draining, handlers.Verify)
	ended := make(chan error, 1)
	go func() { ended <- engine.Run() }()
	select {
	case <-s.listener.serving: // before that, Hertz cannot be shut down
	case err := <-ended:
		return err
	}
	s.log.Info("http-server listens", "addr", s.Addr().String(), "version", buildinfo.Get().Version)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	close(draining)
	<-time.After(s.config.DrainDelay)
	s.listener.drain()
	hub.Drain()
	err := errors.Join(engine.Shutdown(context.WithoutCancel(ctx)), <-ended)
	s.listener.streams.Wait()
	s.listener.turnedAway.Wait()
	s.log.Info("http-server stopped")
	return err
}

// limited returns what requests are answered from, within the rates that are set for what senders say.
func (s *Server) limited() (service chat.Service, calls chat.Live) {
	service, calls = s.services.Messages, s.services.Live
	if s.config.RateLimitBy == "user" {
		service = ratelimit.Senders{Service: service, Limiter: s.live.sends}
	}
	return service, ratelimit.Signals{Live: calls, Limiter: s.live.signals}
}

func (s *Server) engine(h *handler.Handler, draining <-chan struct{}, verify identity.Verify) *server.Hertz {
	engine := server.New(
		server.WithListener(s.listener),
		server.WithTransport(standard.NewTransporter), // Go's own network: see docs/adr/0005-go-network.md
		server.WithDisablePrintRoute(true),
		server.WithHandleMethodNotAllowed(true),
		server.WithRedirectTrailingSlash(false),
		server.WithStreamBody(true), // so that handler.readBody refuses what is too large
		server.WithDisablePreParseMultipartForm(true),
		server.WithMaxHeaderBytes(maxHeaderBytes),
		server.WithIdleTimeout(s.listener.limits.idle), // without one Hertz closes after each request; conn has the times
		server.WithOnAccept(withConn),
		server.WithExitWaitTime(s.listener.limits.drain),
		config.Option{F: func(o *config.Options) { o.NoDefaultServerHeader = true }},
	)
	sessions := s.sessions()
	all := s.routes(h, sessions, draining)
	engine.Use(reached)
	s.measure(engine, all)
	s.trace(engine, all)
	engine.Use(movingOn(draining), middleware.Secure(s.listener.encrypted), middleware.RequestID,
		middleware.AccessLog(s.log, &s.listener.access, s.config.TrustedProxies), middleware.Recovery(s.log),
		middleware.CORS(s.listener.origins, methodsOf(all))) // before the limit: pages are told of it too
	engine.Use(middleware.Hosts(s.live.hosts, pathsOf(all, func(r route) bool { return r.health })...))
	engine.Use(middleware.Pages(s.listener.origins))
	byUser := s.config.RateLimitBy == "user"
	free := pathsOf(all, func(r route) bool { return r.health || byUser && r.counts == sends })
	socketRoutes := pathsOf(all, func(r route) bool { return r.counts == sockets })
	engine.Use(middleware.Limit(s.live.requests, s.config.TrustedProxies, socketRoutes, free))
	s.authenticate(engine, all, sessions, verify)
	register(engine, all)
	return engine
}

// movingOn tells clients to close their connection with the next answer once the server is about to stop: also with one
// that has waited for that.
func movingOn(draining <-chan struct{}) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		c.Next(ctx)
		select {
		case <-draining:
			if !c.Hijacked() {
				c.SetConnectionClose()
			}
		default:
		}
	}
}
