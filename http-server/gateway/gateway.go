// Package gateway assembles an http-server: Hertz, the middleware, the routes, and a stop that loses no request.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/config"
	"github.com/cloudwego/hertz/pkg/network/standard"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// drainTimeout bounds how long a stop waits for requests under way.
	drainTimeout = 5 * time.Second
	// readTimeout bounds how long a request may take to arrive, idleTimeout how long a connection may wait for one.
	readTimeout  = 10 * time.Second
	idleTimeout  = 75 * time.Second
	writeTimeout = 10 * time.Second

	maxHeaderBytes = 16 << 10
)

// Server is an http-server that listens.
type Server struct {
	config   Config
	log      *slog.Logger
	listener *listener
	service  chat.Service
}

// Listen opens the listener. Requests are answered from service once Run is called.
func Listen(config Config, service chat.Service, log *slog.Logger) (*Server, error) {
	inner, err := net.Listen("tcp", config.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("http-addr: %w", err)
	}
	return &Server{config: config, log: log, listener: newListener(inner), service: service}, nil
}

// Addr is where the server listens, with its real port.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends. Then /readyz says no, for DrainDelay; the server stops accepting, lets the requests
// under way finish, and closes. It is called once.
func (s *Server) Run(ctx context.Context) error {
	draining := make(chan struct{})
	engine := s.engine(draining)
	ended := make(chan error, 1)
	go func() { ended <- engine.Run() }()
	select {
	case <-s.listener.serving: // before that, Hertz cannot be shut down
	case err := <-ended:
		return err
	}
	s.log.Info("http-server listens", "addr", s.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	close(draining)
	<-time.After(s.config.DrainDelay)
	s.listener.drain()
	err := errors.Join(engine.Shutdown(context.WithoutCancel(ctx)), <-ended)
	s.log.Info("http-server stopped")
	return err
}

func (s *Server) engine(draining <-chan struct{}) *server.Hertz {
	engine := server.New(
		server.WithListener(s.listener),
		server.WithTransport(standard.NewTransporter), // Go's own network: see docs/adr/0005-go-network.md
		server.WithDisablePrintRoute(true),
		server.WithHandleMethodNotAllowed(true),
		server.WithRedirectTrailingSlash(false),
		server.WithStreamBody(true), // so that handler.readBody refuses what is too large
		server.WithDisablePreParseMultipartForm(true),
		server.WithMaxHeaderBytes(maxHeaderBytes),
		server.WithReadTimeout(readTimeout),
		server.WithWriteTimeout(writeTimeout),
		server.WithIdleTimeout(idleTimeout),
		server.WithExitWaitTime(drainTimeout),
		config.Option{F: func(o *config.Options) { o.NoDefaultServerHeader = true }},
	)
	engine.Use(movingOn(draining), middleware.RequestID, middleware.AccessLog(s.log), middleware.Recovery(s.log))
	register(engine, routes(handler.New(s.service, s.config.MaxBodyBytes), draining))
	return engine
}

// movingOn tells clients to close their connection with the next answer once the server is about to stop.
func movingOn(draining <-chan struct{}) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		select {
		case <-draining:
			c.SetConnectionClose()
		default:
		}
	}
}
