// Command http-server answers HTTP from rpc-servers.
package main

import (
	"context"
	"log/slog"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/rpcclient"
)

type config struct {
	gateway.Config
	RPC            rpcclient.Config `embed:""`
	program.Common `embed:""`
}

func main() {
	var c config
	program.Main("http-server", "The HTTP API of Pullchat, in front of its rpc-servers.", &c, &c.Common, nil,
		func(ctx context.Context, log *slog.Logger, loaded *program.Loaded, observed program.Observed) error {
			c.Config.Metrics, c.RPC.Metrics = observed.Metrics.Gateway(), observed.Metrics.Client()
			c.Config.Traces, c.RPC.Traces = observed.Traces, observed.Traces
			if err := gateway.CheckTrust(c.Config, c.RPC); err != nil {
				return err
			}
			service, err := rpcclient.New(c.RPC)
			if err != nil {
				return err
			}
			defer service.Close()
			server, err := gateway.Listen(c.Config, service.Services(), log)
			if err != nil {
				return err
			}
			defer loaded.Watch(ctx, func(next any) { server.Reload(next.(*config).Config) })() //nolint:errcheck // Watch passes a *config
			return server.Run(ctx)
		})
}
