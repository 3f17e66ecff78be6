// Command rpc-server answers Thrift RPC from Redis. It is the only owner of the data.
package main

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/rpc-server/service"
)

type config struct {
	service.Config `embed:""`
	Trusted        service.Trust `embed:""`
	program.Common `embed:""`
}

func main() {
	var c config
	program.Main("rpc-server", "Stores and reads the messages of Pullchat: Thrift RPC in front, Redis below.", &c, &c.Common,
		kong.Vars{"rpc_addr": ":8888", "redis_url": "redis://127.0.0.1:6379/0", "redis_help": "", "rpc_drain_delay": "1s"},
		func(ctx context.Context, log *slog.Logger, loaded *program.Loaded, observed program.Observed) error {
			c.Trust, c.Config.Metrics, c.Config.Traces = c.Trusted, observed.Metrics.Service(), observed.Traces
			server, err := service.Listen(ctx, c.Config, log)
			if err != nil {
				return err
			}
			defer loaded.Watch(ctx, nil)()
			return server.Run(ctx)
		})
}
