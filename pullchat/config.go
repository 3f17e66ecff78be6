package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/settings"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/rpc-server/storage"
	tcp "github.com/pullchat/pullchat/tcp-server/gateway"
	worker "github.com/pullchat/pullchat/worker/service"
)

// configCommand is the command "config".
type configCommand struct {
	Check configCheck `cmd:"" unread:"" help:"Validate all settings and report each. Exit status 1 if one is wrong."`
	Show  configShow  `cmd:"" unread:"" help:"Print the settings in effect and the source of each. Secrets are masked."`
}

// ofProgram selects the program whose configuration is meant.
type ofProgram struct {
	Program string `name:"program" enum:"serve,http-server,rpc-server,tcp-server,worker" default:"serve" placeholder:"PROGRAM" help:"The program that will read it: ${enum}."`
}

// allSettings are those of one program; the others are unused.
type allSettings struct {
	HTTP gateway.Config
	RPC  rpcclient.Config
	Own  service.Config
	TCP  tcp.Config
	Data string
}

// read parses a configuration as the program would. inspected lists its settings, also if it cannot be parsed.
func (o ofProgram) read(file string) (all allSettings, inspected []settings.Finding, list []settings.Setting, err error) {
	var serving struct {
		settings.Config `embed:""`
		Serve           serve `embed:""`
	}
	var http struct {
		gateway.Config `embed:""`
		RPC            rpcclient.Config `embed:""`
		program.Common `embed:""`
	}
	var plainText struct {
		tcp.Config     `embed:""`
		RPC            rpcclient.Config `embed:""`
		program.Common `embed:""`
	}
	var consumer struct {
		worker.Config  `embed:""`
		RPC            rpcclient.Config `embed:""`
		program.Common `embed:""`
	}
	var rpc struct {
		service.Config `embed:""`
		Trusted        service.Trust `embed:""`
		program.Common `embed:""`
	}
	config, vars := any(&serving), serveVars
	switch o.Program {
	case "http-server":
		config, vars = &http, nil
	case "tcp-server":
		config, vars = &plainText, nil
	case "worker":
		config, vars = &consumer, nil
	case "rpc-server":
		config, vars = &rpc, kong.Vars{"rpc_addr": ":8888", "redis_url": "redis://127.0.0.1:6379/0", "redis_help": "", "rpc_drain_delay": "1s"}
	}
	var args []string
	if file != "" {
		args = []string{"--config", file}
	}
	parse := func() (*settings.Settings, *kong.Kong) {
		read := settings.New()
		return read, kong.Must(config, append(program.Options(o.Program, "", vars), read.Options()...)...)
	}
	read, parser := parse()
	inspected = read.Inspect(parser, args)
	read, parser = parse()
	ctx, err := parser.Parse(args)
	if err != nil {
		return all, inspected, nil, err
	}
	switch o.Program {
	case "http-server":
		all = allSettings{HTTP: http.Config, RPC: http.RPC}
	case "tcp-server":
		all = allSettings{TCP: plainText.Config, RPC: plainText.RPC}
	case "worker":
		all = allSettings{RPC: consumer.RPC}
	case "rpc-server":
		rpc.Trust = rpc.Trusted
		all = allSettings{Own: rpc.Config}
	default:
		all = allSettings{HTTP: serving.Serve.HTTP, Own: serving.Serve.RPC, TCP: serving.Serve.tcpConfig(), Data: serving.Serve.Data}
	}
	return all, inspected, read.List(ctx), nil
}

type configShow struct {
	ofProgram
}

// Run prints the settings.
func (c *configShow) Run(root *commands) error {
	_, _, list, err := c.read(root.File)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, s := range list {
		if s.Hidden && s.Source == "default" {
			continue
		}
		fmt.Fprintf(out, "%s:\t%s\t# %s\n", s.Name, s.Value, s.Source)
	}
	return out.Flush()
}

type configCheck struct {
	ofProgram
	Connect bool `name:"connect" help:"Also connect to Redis and to the rpc-servers."`
}

// checkWithin bounds each connection of a check.
const checkWithin = 5 * time.Second

// Run prints a line for each setting and for each thing that settings name.
func (c *configCheck) Run(ctx contextType, root *commands) error {
	faults := 0
	say := func(what string, err error) {
		if err == nil {
			fmt.Println("good   " + what)
			return
		}
		faults++
		fmt.Printf("wrong  %s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	all, inspected, _, err := c.read(root.File)
	for _, f := range inspected {
		if f.Name == "" {
			say("the file", f.Err)
			continue
		}
		say(fmt.Sprintf("%s: %s (%s)", f.Name, f.Value, f.Source), f.Err)
	}
	if faults == 0 {
		say("the settings fit together", err)
	}
	if err == nil {
		c.things(all, say)
		if c.Connect {
			c.connect(ctx, all, say)
		}
	}
	if faults > 0 {
		return fmt.Errorf("faults in the configuration: %d", faults)
	}
	return nil
}

// things checks files and addresses that settings name.
func (c *configCheck) things(all allSettings, say func(string, error)) {
	switch c.Program {
	case "http-server":
		gatewayThings(all.HTTP.TLSCert, all.HTTP.TLSKey, all.HTTP.Token, say)
		say("http-addr is an address", resolves(all.HTTP.HTTPAddr))
		say("the rpc-servers may be trusted", gateway.CheckTrust(all.HTTP, all.RPC))
		return
	case "tcp-server":
		gatewayThings(all.TCP.TLSCert, all.TCP.TLSKey, all.TCP.Token, say)
		endpointAddresses(all.TCP.Endpoints, say)
		say("there is something to serve, and the rpc-servers may be trusted", tcp.CheckTrust(all.TCP, all.RPC))
		return
	case "worker": // its parts validate themselves
		return
	case "serve":
		gatewayThings(all.HTTP.TLSCert, all.HTTP.TLSKey, all.HTTP.Token, say)
		say("http-addr is an address", resolves(all.HTTP.HTTPAddr))
		endpointAddresses(all.TCP.Endpoints, say)
	}
	if c.Program == "rpc-server" {
		say("callers may be trusted", all.Own.Trust.Check(all.Own.RPCAddr))
	}
	say("rpc-addr is an address", resolves(all.Own.RPCAddr))
	if all.Data != "" && all.Own.RedisURL != "" {
		say("the storage", errors.New("data and redis-url are both set; set one of them"))
	}
	if all.Own.RedisURL != "" {
		client, err := redisnode.Connect(all.Own.RedisURL, redisTLS(all.Own))
		if err == nil {
			err = client.Close()
		}
		say("redis-url and its certificates", err)
	}
}

// gatewayThings checks the files of an http-server or a tcp-server.
func gatewayThings(cert, key string, keys token.Config, say func(string, error)) {
	if cert != "" {
		_, err := tls.LoadX509KeyPair(cert, key)
		say("the certificate and its key", err)
	}
	if keys.Given() {
		_, err := keys.Keys(slog.New(slog.DiscardHandler))
		say("the keys of tokens", err)
	}
}

// endpointAddresses checks the addresses of telnet and devices.
func endpointAddresses(plainText tcp.Endpoints, say func(string, error)) {
	if plainText.TelnetAddr != "" {
		say("telnet-addr is an address", resolves(plainText.TelnetAddr))
	}
	if plainText.DeviceAddr != "" {
		say("device-addr is an address", resolves(plainText.DeviceAddr))
	}
}

func redisTLS(own service.Config) redisnode.TLS {
	return redisnode.TLS{CA: own.RedisCA, Cert: own.RedisCert, Key: own.RedisKey}
}

func resolves(addr string) error {
	if addr == "" {
		return nil
	}
	_, err := net.ResolveTCPAddr("tcp", addr)
	return err
}

// connect asks Redis and the rpc-servers whether they are ready.
func (c *configCheck) connect(ctx context.Context, all allSettings, say func(string, error)) {
	redisnode.LogTo(slog.New(slog.DiscardHandler))
	for _, addr := range all.RPC.RPCServers {
		say("the rpc-server at "+addr+" is ready", bounded(ctx, func(ctx context.Context) error {
			calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{addr}, RPCSecret: all.RPC.RPCSecret})
			if err != nil {
				return err
			}
			defer calls.Close()
			return calls.Ready(ctx)
		}))
	}
	if c.Program == "http-server" || c.Program == "tcp-server" || c.Program == "worker" {
		return
	}
	if all.Own.RedisURL == "" {
		fmt.Println("       there is no redis-url: pullchat serve runs a Redis itself")
		return
	}
	say("Redis is ready", bounded(ctx, func(ctx context.Context) error {
		store, err := storage.Open(all.Own.RedisURL, storage.Options{TLS: redisTLS(all.Own)})
		if err != nil {
			return err
		}
		err = store.CheckPartitions(ctx)
		if err == nil {
			err = store.Ready(ctx)
		}
		return errors.Join(err, store.Close())
	}))
}

func bounded(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	return do(ctx)
}
