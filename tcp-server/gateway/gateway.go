// Package gateway assembles a tcp-server: its endpoints, the limits of their clients, and a stop that tells them.
package gateway

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/buildinfo"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/identity"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/reload"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/tcp-server/device"
	"github.com/pullchat/pullchat/tcp-server/telnet"
)

const (
	// drainTimeout bounds how long a stop waits for clients to read their last line.
	drainTimeout = 5 * time.Second
	// maxLine is more than any rpc-server takes as a text by default.
	maxLine = 64 << 10
)

// limits bound the time and connections of clients. A test makes them small.
type limits struct {
	login time.Duration // until a client must have logged in
	part  time.Duration // in which a client must read a write
	now   func() time.Time
	newID func() string // of a device's connection

	keepAlive net.KeepAliveConfig
}

// Server is a tcp-server that listens.
type Server struct {
	config   Config
	log      *slog.Logger
	services chat.Services
	limits   limits
	keys     *token.Keys  // or nil
	telnet   net.Listener // or nil
	device   net.Listener // or nil
	encrypt  *tls.Config  // or nil
	live     reloadable
}

// Listen opens the endpoints' listeners, and reads the certificate and the keys of tokens if there are any. Clients are served
// from services once Run is called.
func Listen(config Config, services chat.Services, log *slog.Logger) (*Server, error) {
	s := &Server{config: config, log: log, services: services, limits: limits{login: time.Minute, part: 20 * time.Second, now: time.Now, newID: rand.Text, keepAlive: keepAlive}}
	s.live = newReloadable(config)
	var err error
	if config.TLSCert != "" {
		if s.encrypt, s.live.certificate, err = reload.TLS(log, config.TLSCert, config.TLSKey); err != nil {
			return nil, err
		}
	}
	if s.keys, err = config.Token.Keys(log); err != nil {
		return nil, err
	}
	if config.TelnetAddr != "" {
		if s.telnet, err = net.Listen("tcp", config.TelnetAddr); err != nil {
			return nil, fmt.Errorf("telnet-addr: %w", err)
		}
		s.warnOpen("telnet", s.telnet.Addr())
	}
	if config.DeviceAddr != "" {
		if s.device, err = net.Listen("tcp", config.DeviceAddr); err != nil {
			if s.telnet != nil {
				_ = s.telnet.Close()
			}
			return nil, fmt.Errorf("device-addr: %w", err)
		}
		s.warnOpen("device", s.device.Addr())
	}
	return s, nil
}

// warnOpen warns of data that other machines may read or change.
func (s *Server) warnOpen(endpoint string, addr net.Addr) {
	tcp, ok := addr.(*net.TCPAddr)
	switch {
	case !ok || tcp.IP.IsLoopback():
	case s.config.Auth != authOn:
		s.log.Warn("AUTH is off and an endpoint is open for other machines too: every client that reaches this address may read and write as any user; "+
			"set AUTH=on, or listen on 127.0.0.1", "endpoint", endpoint, "addr", addr.String())
	case s.encrypt == nil:
		s.log.Warn("passwords and tokens are not encrypted in transit: set TLS_CERT and TLS_KEY, or use a proxy that terminates TLS", "endpoint", endpoint, "addr", addr.String())
	}
}

// TelnetAddr is where telnet listens, with its real port; nil if nowhere.
func (s *Server) TelnetAddr() net.Addr {
	if s.telnet == nil {
		return nil
	}
	return s.telnet.Addr()
}

// DeviceAddr is the same for devices.
func (s *Server) DeviceAddr() net.Addr {
	if s.device == nil {
		return nil
	}
	return s.device.Addr()
}

// Run serves until ctx ends. Then it stops accepting, tells all clients, and closes. It is called once.
func (s *Server) Run(ctx context.Context) error {
	services := s.limited()
	var admission chat.Admission
	if s.config.Auth == authOn {
		admission = services.Admission
	}
	hub := live.New(services.Messages, services.Live, live.Config{Log: s.log, Inboxes: services.Inboxes, Admission: admission})
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	var hubRuns sync.WaitGroup
	hubRuns.Go(func() { hub.Run(hubCtx) })
	defer hubRuns.Wait()
	defer stopHub()

	clients, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	all := newCrowd(s.config.TCPMaxConnections, s.config.TCPAddressConnections)
	verify, end := identity.VerifyWith(s.config.Identity, s.keys, s.services.Accounts, s.log)
	defer end()
	endpoints := s.endpoints(services, hub, verify)
	ended := make(chan error, len(endpoints))
	for _, d := range endpoints {
		go func() { ended <- d.run(clients, all, s.log) }()
		s.log.Info(d.name+" listens", "addr", d.listener.Addr().String(), "version", buildinfo.Get().Version)
	}
	var err error
	left := len(endpoints)
	select {
	case err = <-ended:
		left--
	case <-ctx.Done():
	}
	for _, d := range endpoints {
		_ = d.listener.Close()
	}
	for range left {
		err = errors.Join(err, <-ended)
	}
	hub.Drain()
	late := time.AfterFunc(drainTimeout, func() {
		abandon()
		all.disperse()
	})
	all.serving.Wait()
	late.Stop()
	s.log.Info("tcp-server stopped")
	return err
}

func (s *Server) endpoints(services chat.Services, hub *live.Hub, verify identity.Verify) (endpoints []*endpoint) {
	quota := ratelimit.NewQuota(ratelimit.Bounds{Chats: s.config.FollowedChats}, ratelimit.Bounds{Chats: s.config.AddressFollowedChats})
	quota.RefusedChat = s.config.refused("followed_chats")
	if s.telnet != nil {
		rooms := telnet.New(telnet.Config{
			Services: services, Hub: hub, Quota: quota, Log: s.log, Metrics: s.config.Metrics, Traces: s.config.Traces, Auth: s.config.Auth == authOn, LoginTTL: s.config.AccessTokenTTL,
			Register: s.config.Registration == ratelimit.RegistrationOpen, Room: s.config.TelnetRoom, Verbose: s.config.SendsConfirmed == "verbose",
			MaxLine: maxLine, Idle: s.config.TelnetIdle, LoginTime: s.limits.login, Part: s.limits.part, Now: s.limits.now,
		})
		endpoints = append(endpoints, &endpoint{
			name: metrics.Telnet, metrics: s.config.Metrics, listener: s.telnet, encrypt: s.encrypt, balancers: s.config.TCPProxies, keepAlive: s.limits.keepAlive, serve: rooms.Serve,
			full: []byte("* Too many connections; try again later\r\n"),
		})
	}
	if s.device != nil {
		config := device.Config{
			Services: services, Hub: hub, Quota: quota, Log: s.log, Metrics: s.config.Metrics, Traces: s.config.Traces, MaxObject: maxLine, Idle: s.config.DeviceIdle, ConnectTime: s.limits.login, Part: s.limits.part, NewID: s.limits.newID,
		}
		if s.config.Auth == authOn {
			config.Verify = verify
		}
		endpoints = append(endpoints, &endpoint{
			name: metrics.Device, metrics: s.config.Metrics, listener: s.device, encrypt: s.encrypt, balancers: s.config.TCPProxies, keepAlive: s.limits.keepAlive, serve: device.New(config).Serve,
			full: []byte(`{"action":"full"}` + "\n"),
		})
	}
	return endpoints
}
