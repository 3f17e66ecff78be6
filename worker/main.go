// Command worker runs projections: consumers of all chats, beside the servers.
package main

import (
	"context"
	"log/slog"

	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/worker/service"
)

type config struct {
	service.Config `embed:""`
	RPC            rpcclient.Config `embed:""`
	program.Common `embed:""`
}

func main() {
	var c config
	program.Main("worker", "The projections of Pullchat: consumers of all chats.", &c, &c.Common, nil,
		func(ctx context.Context, log *slog.Logger, loaded *program.Loaded, observed program.Observed) error {
			c.RPC.Metrics, c.RPC.Traces = observed.Metrics.Client(), observed.Traces
			c.Config.Metrics, c.Config.Traces = observed.Metrics.Worker(), observed.Traces
			calls, err := rpcclient.New(c.RPC)
			if err != nil {
				return err
			}
			defer calls.Close()
			worker, err := service.New(c.Config, calls, log)
			if err != nil {
				return err
			}
			observed.Metrics.Ready(worker.Ready)
			defer loaded.Watch(ctx, nil)()
			return worker.Run(ctx)
		})
}
