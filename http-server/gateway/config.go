package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/internal/identity"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/internal/tracing"
)

// authOn is the value of AUTH with which requests need a token.
const authOn = "on"

// Config is an http-server's configuration.
type Config struct {
	HTTPAddr       string         `name:"http-addr" env:"HTTP_ADDR" placeholder:"HOST:PORT" help:"Address on which HTTP listens; port 0 takes a free port. Default: 127.0.0.1:8080, and with AUTH=on :8080."`
	MaxBodyBytes   int            `name:"max-body-bytes" env:"MAX_BODY_BYTES" default:"65536" placeholder:"N" help:"Largest request body, in bytes."`
	MaxConnections *int           `name:"max-connections" env:"MAX_CONNECTIONS" placeholder:"N" help:"Concurrent connections; further connections get 503. 0 for as many as the limit of open files allows. Default: 20000, or fewer if that limit is lower."`
	TLSCert        string         `name:"tls-cert" env:"TLS_CERT" placeholder:"FILE" help:"Certificate in PEM, with its chain; HTTP_ADDR then speaks HTTPS. The file is read again when it changes."`
	TLSKey         string         `name:"tls-key" env:"TLS_KEY" placeholder:"FILE" help:"Private key of the certificate, in PEM."`
	RateLimit      ratelimit.Rate `name:"rate-limit" env:"RATE_LIMIT" reload:"" placeholder:"N/PERIOD" help:"Requests that each client may make, like 100/s, 600/m or 5000/h; empty for no limit."`
	RateLimitBy    string         `name:"rate-limit-by" env:"RATE_LIMIT_BY" default:"address" enum:"address,user" help:"How the rate counts clients: ${enum}. With user, sends count for their sender, other requests for the address."`
	SignalRate     ratelimit.Rate `name:"signal-rate" env:"SIGNAL_RATE" reload:"" default:"10/s" placeholder:"N/PERIOD" help:"Signals, such as typing, that each sender may send; empty for no limit."`
	UserStreams    int            `name:"user-streams" env:"USER_STREAMS" default:"500" placeholder:"N" help:"Event streams, WebSockets and waiting requests that one user has open, with AUTH=on; 0 for no limit."`
	AddressStreams int            `name:"address-streams" env:"ADDRESS_STREAMS" default:"10000" placeholder:"N" help:"Event streams and WebSockets that one address has open, with AUTH=off; 0 for no limit."`

	FollowedChats        int `name:"followed-chats" env:"FOLLOWED_CHATS" default:"50000" placeholder:"N" help:"Chats that all streams and WebSockets of one user follow, with AUTH=on; 0 for no limit."`
	AddressFollowedChats int `name:"address-followed-chats" env:"ADDRESS_FOLLOWED_CHATS" default:"500000" placeholder:"N" help:"Chats that all streams and WebSockets of one address follow, with AUTH=off; 0 for no limit."`

	AllowedOrigins []string          `name:"allowed-origins" env:"ALLOWED_ORIGINS" reload:"" placeholder:"ORIGIN,..." help:"Origins of web pages that may use the API, like https://example.org; * for all. The server's own origin always may."`
	AllowedHosts   []string          `name:"allowed-hosts" env:"ALLOWED_HOSTS" reload:"" placeholder:"HOST,..." help:"Host names under which clients reach the server, with or without a port; empty or * for any."`
	TrustedProxies ratelimit.Proxies `name:"trusted-proxies" env:"TRUSTED_PROXIES" placeholder:"CIDR,..." help:"Networks of the proxies whose X-Forwarded-For is trusted."`
	AccessLog      string            `name:"access-log" env:"ACCESS_LOG" reload:"" default:"on" enum:"on,errors,off" placeholder:"on|errors|off" help:"Which requests are logged: all, failed requests (errors), or only the server's own faults (off)."`
	DrainDelay     time.Duration     `name:"drain-delay" env:"DRAIN_DELAY" default:"0s" placeholder:"DURATION" help:"At a stop: how long /readyz answers 503, for load balancers to notice, before the server closes its port."`

	Auth           string          `name:"auth" env:"AUTH" default:"off" enum:"off,on" placeholder:"off|on" help:"Whether requests need a token: ${enum}. With off, the server does not check the sender's name."`
	Token          token.Config    `embed:""`
	Identity       identity.Config `embed:""`
	AccessTokenTTL time.Duration   `name:"access-token-ttl" env:"ACCESS_TOKEN_TTL" default:"15m" placeholder:"DURATION" help:"Lifetime of an access token."`
	LoginRate      ratelimit.Rate  `name:"login-rate" env:"LOGIN_RATE" reload:"" default:"10/m" placeholder:"N/PERIOD" help:"Wrong passwords for one user from one address; ten times as many for one user from all addresses, and for one address with all users. Empty for no limit."`

	Registration     string         `name:"registration" env:"REGISTRATION" default:"open" enum:"open,closed,service" placeholder:"open|closed|service" help:"Whether users can register: ${enum}. With service, only services can register them, with a token."`
	RegistrationRate ratelimit.Rate `name:"registration-rate" env:"REGISTRATION_RATE" reload:"" default:"100/h" placeholder:"N/PERIOD" help:"Registrations from each address; empty for no limit. Services have none."`

	Web string `name:"web" env:"WEB" default:"on" enum:"on,off" placeholder:"on|off" help:"Whether / serves the chat page: ${enum}."`

	AttachmentOrigin string `name:"attachment-origin" env:"ATTACHMENT_ORIGIN" placeholder:"ORIGIN" help:"The origin of the URLs of files, like https://s3.example.org: the page may upload to it, and show its images."`

	VAPIDPublicKey string `name:"vapid-public-key" env:"VAPID_PUBLIC_KEY" placeholder:"KEY" help:"Public key with which browsers subscribe to push notifications; GET /api/push/subscriptions returns it. pullchat vapid makes one."`

	// GuardLoopback limits a server that listens on loopback, without AllowedHosts, to its own names: pages of other names
	// could reach it too.
	GuardLoopback bool `kong:"-"`

	Metrics *metrics.Gateway `kong:"-"` // nil: off
	Traces  *tracing.Tracing `kong:"-"` // nil: off
}

// addr is where HTTP listens. With AUTH off the default is this machine alone.
func (c Config) addr() string {
	switch {
	case c.HTTPAddr != "":
		return c.HTTPAddr
	case c.Auth == authOn:
		return ":8080"
	}
	return "127.0.0.1:8080"
}

func (c Config) handlers(of *Server) handler.Config {
	quota := ratelimit.NewQuota(
		ratelimit.Bounds{Streams: c.UserStreams, Chats: c.FollowedChats},
		ratelimit.Bounds{Streams: c.AddressStreams, Chats: c.AddressFollowedChats},
	)
	quota.RefusedStream, quota.RefusedChat = c.refused("streams"), c.refused("followed_chats")
	return handler.Config{
		Log: of.log, MaxBodyBytes: c.MaxBodyBytes, MaxHeaderBytes: maxHeaderBytes, Quota: quota, Metrics: c.Metrics, Traces: c.Traces,
		Access: &of.listener.access, AllowedOrigins: of.listener.origins, Silence: of.listener.limits.silence, Part: of.listener.limits.part,
		VAPIDPublicKey: c.VAPIDPublicKey, Deliveries: of.services.Deliveries,
	}
}

// Validate names every value that cannot work. Kong calls it.
func (c Config) Validate() error {
	switch {
	case c.MaxBodyBytes < 1:
		return fmt.Errorf("--max-body-bytes is %d; it must be at least 1", c.MaxBodyBytes)
	case c.MaxConnections != nil && *c.MaxConnections < 0:
		return fmt.Errorf("--max-connections is %d; it must not be negative", *c.MaxConnections)
	case c.UserStreams < 0 || c.AddressStreams < 0:
		return fmt.Errorf("--user-streams is %d, and --address-streams %d; neither may be negative", c.UserStreams, c.AddressStreams)
	case c.FollowedChats < 0 || c.AddressFollowedChats < 0:
		return fmt.Errorf("--followed-chats is %d, and --address-followed-chats %d; neither may be negative", c.FollowedChats, c.AddressFollowedChats)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key need each other; one is missing")
	case c.DrainDelay < 0:
		return fmt.Errorf("--drain-delay is %v; it must not be negative", c.DrainDelay)
	}
	for _, origin := range c.AllowedOrigins {
		if err := middleware.CheckOrigin(origin); err != nil {
			return fmt.Errorf("--allowed-origins: %w", err)
		}
	}
	if c.AttachmentOrigin != "" {
		if err := middleware.CheckOrigin(c.AttachmentOrigin); err != nil || c.AttachmentOrigin == "*" {
			return fmt.Errorf("--attachment-origin: %q is not an origin, like https://s3.example.org", c.AttachmentOrigin)
		}
	}
	for _, host := range c.AllowedHosts {
		if !goodHost([]byte(host)) {
			return fmt.Errorf("--allowed-hosts: %q is not a host with or without a port, like chat.example.org", host)
		}
	}
	return c.validateAuth()
}

func (c Config) validateAuth() error {
	switch {
	case c.Auth == authOn && !c.Token.Given() && !c.Identity.PasswordsOff():
		return errNoKey
	case c.Identity.Given() && c.Auth != authOn:
		return errors.New("--auth-jwks-url needs --auth=on: with --auth=off tokens are ignored")
	case c.Registration == ratelimit.RegistrationService && c.Auth != authOn:
		return errors.New("--registration=service needs --auth=on: with --auth=off the server cannot recognise a service")
	case c.Token.Given() && c.AccessTokenTTL < time.Second:
		return fmt.Errorf("--access-token-ttl is %v; it must be at least 1s", c.AccessTokenTTL)
	}
	return errors.Join(c.Token.Check(), c.Identity.Check())
}
