package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/identity"
	"github.com/pullchat/pullchat/internal/loopback"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/internal/tracing"
)

// authOn is the value of AUTH with which clients need an account or a token.
const authOn = "on"

// Endpoints has the settings of a tcp-server that an http-server does not have.
type Endpoints struct {
	TelnetAddr     string        `name:"telnet-addr" env:"TELNET_ADDR" placeholder:"HOST:PORT" help:"Address of the telnet server for rooms, like 127.0.0.1:5000; empty for none."`
	TelnetRoom     string        `name:"telnet-room" env:"TELNET_ROOM" default:"lobby" placeholder:"ROOM" help:"The room that telnet clients enter first; empty for none."`
	TelnetIdle     time.Duration `name:"telnet-idle" env:"TELNET_IDLE" default:"1h" placeholder:"DURATION" help:"How long a telnet client may be silent."`
	SendsConfirmed string        `name:"sends-confirmed" env:"SENDS_CONFIRMED" default:"short" enum:"short,verbose" placeholder:"short|verbose" help:"How a line of a telnet client is confirmed: ${enum}. Verbose repeats its text."`

	DeviceAddr string        `name:"device-addr" env:"DEVICE_ADDR" placeholder:"HOST:PORT" help:"Address of the server for devices, like 127.0.0.1:5001; empty for none."`
	DeviceIdle time.Duration `name:"device-idle" env:"DEVICE_IDLE" default:"10m" placeholder:"DURATION" help:"How long a device may be silent, also without Ping."`

	TCPMaxConnections     int               `name:"tcp-max-connections" env:"TCP_MAX_CONNECTIONS" default:"10000" placeholder:"N" help:"Concurrent connections of telnet and devices; further connections are closed. 0 for no limit."`
	TCPAddressConnections int               `name:"tcp-address-connections" env:"TCP_ADDRESS_CONNECTIONS" default:"100" placeholder:"N" help:"Concurrent connections of each address; further connections are closed. 0 for no limit."`
	TCPProxies            ratelimit.Proxies `name:"tcp-proxies" env:"TCP_PROXIES" placeholder:"CIDR,..." help:"Networks of load balancers, whose connections must begin with a PROXY header, version 1 or 2. Other connections are clients."`
}

// Enabled reports whether any endpoint is configured.
func (e Endpoints) Enabled() bool { return e.TelnetAddr != "" || e.DeviceAddr != "" }

// Trust has the settings that a tcp-server shares with an http-server: one process has them once.
type Trust struct {
	Auth           string          `name:"auth" env:"AUTH" default:"off" enum:"off,on" placeholder:"off|on" help:"Whether clients need an account or a token: ${enum}. With off, the server does not check their names."`
	Token          token.Config    `embed:""`
	Identity       identity.Config `embed:""`
	AccessTokenTTL time.Duration   `name:"access-token-ttl" env:"ACCESS_TOKEN_TTL" default:"15m" placeholder:"DURATION" help:"How long a login is accepted before it is checked again."`
	LoginRate      ratelimit.Rate  `name:"login-rate" env:"LOGIN_RATE" reload:"" default:"10/m" placeholder:"N/PERIOD" help:"Wrong passwords for one user from one address; ten times as many for one user from all addresses, and for one address with all users. Empty for no limit."`

	Registration     string         `name:"registration" env:"REGISTRATION" default:"open" enum:"open,closed,service" placeholder:"open|closed|service" help:"Whether users can register: ${enum}. With service, only services can register them, with a token over HTTP."`
	RegistrationRate ratelimit.Rate `name:"registration-rate" env:"REGISTRATION_RATE" reload:"" default:"100/h" placeholder:"N/PERIOD" help:"Registrations from each address; empty for no limit."`

	RateLimit  ratelimit.Rate `name:"rate-limit" env:"RATE_LIMIT" reload:"" placeholder:"N/PERIOD" help:"Messages that each sender may send, like 100/s, 600/m or 5000/h; empty for no limit."`
	SignalRate ratelimit.Rate `name:"signal-rate" env:"SIGNAL_RATE" reload:"" default:"10/s" placeholder:"N/PERIOD" help:"Signals, such as typing, that each sender may send; empty for no limit."`

	FollowedChats        int `name:"followed-chats" env:"FOLLOWED_CHATS" default:"50000" placeholder:"N" help:"Chats that all connections of one user follow, with AUTH=on; 0 for no limit."`
	AddressFollowedChats int `name:"address-followed-chats" env:"ADDRESS_FOLLOWED_CHATS" default:"500000" placeholder:"N" help:"Chats that all connections of one address follow, with AUTH=off; 0 for no limit."`

	TLSCert string `name:"tls-cert" env:"TLS_CERT" placeholder:"FILE" help:"Certificate in PEM, with its chain; all connections then use TLS. The file is read again when it changes."`
	TLSKey  string `name:"tls-key" env:"TLS_KEY" placeholder:"FILE" help:"Private key of the certificate, in PEM."`
}

// Config is a tcp-server's configuration.
type Config struct {
	Endpoints `embed:""`
	Trust     `embed:""`

	Metrics *metrics.Gateway `kong:"-"` // nil: off
	Traces  *tracing.Tracing `kong:"-"` // nil: off
}

// Validate names every value that cannot work. Kong calls it.
func (e Endpoints) Validate() error {
	switch {
	case e.TCPMaxConnections < 0 || e.TCPAddressConnections < 0:
		return fmt.Errorf("--tcp-max-connections is %d, and --tcp-address-connections %d; neither may be negative", e.TCPMaxConnections, e.TCPAddressConnections)
	case e.TelnetIdle < time.Second || e.DeviceIdle < time.Second:
		return fmt.Errorf("--telnet-idle is %v, and --device-idle %v; both must be at least 1s", e.TelnetIdle, e.DeviceIdle)
	case e.TelnetRoom == "":
		return nil
	}
	room, err := chat.ParseID(e.TelnetRoom)
	if err == nil && !room.IsRoom() {
		err = errors.New("it is a two-person chat")
	}
	if err != nil {
		return fmt.Errorf("--telnet-room: %w", err)
	}
	return nil
}

// Validate names every value that cannot work. Kong calls it.
func (t Trust) Validate() error {
	switch {
	case t.Auth == authOn && !t.Token.Given() && !t.Identity.PasswordsOff():
		return errors.New("--auth=on needs --auth-secret (AUTH_SECRET) or --auth-key-file (AUTH_KEY_FILE), the keys of the http-servers")
	case t.AccessTokenTTL < time.Second:
		return fmt.Errorf("--access-token-ttl is %v; it must be at least 1s", t.AccessTokenTTL)
	case t.FollowedChats < 0 || t.AddressFollowedChats < 0:
		return fmt.Errorf("--followed-chats is %d, and --address-followed-chats %d; neither may be negative", t.FollowedChats, t.AddressFollowedChats)
	case (t.TLSCert == "") != (t.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key need each other; one is missing")
	}
	return errors.Join(t.Token.Check(), t.Identity.Check())
}

// Validate is that of both parts; without it one of them would hide the other's.
func (c Config) Validate() error { return errors.Join(c.Endpoints.Validate(), c.Trust.Validate()) }

// CheckTrust refuses to believe rpc-servers, and to be believed by them, over a network without a secret.
func CheckTrust(config Config, rpc rpcclient.Config) error {
	if !config.Enabled() {
		return errors.New("nothing to serve: give --telnet-addr (TELNET_ADDR) or --device-addr (DEVICE_ADDR)")
	}
	if config.TelnetAddr != "" && config.Identity.PasswordsOff() {
		return errors.New("--telnet-addr needs --auth-passwords=on: users of telnet log in with a password")
	}
	if config.Auth != authOn || rpc.RPCSecret != "" {
		return nil
	}
	for _, addr := range rpc.RPCServers {
		if !loopback.Is(addr) {
			return fmt.Errorf("--auth=on needs --rpc-secret (RPC_SECRET), the same as at the rpc-servers: %s may be another machine", addr)
		}
	}
	return nil
}
