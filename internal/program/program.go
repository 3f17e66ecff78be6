// Package program is the common start of all programs: flags and environment variables, the logger, signals, and
// running parts until they end.
package program

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/cloudwego/gopkg/concurrency/gopool"
	"github.com/cloudwego/gopkg/protocol/thrift"
	"github.com/cloudwego/netpoll"

	"github.com/pullchat/pullchat/internal/buildinfo"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/settings"
)

// Common is the configuration that all servers share.
type Common struct {
	settings.Config `embed:""`

	Log     logging.Config   `embed:""`
	Version kong.VersionFlag `name:"version" help:"Show the version and exit."`
	Observe ObserveConfig    `embed:""`
}

// Main is main for a program without subcommands. It reads flags and environment variables into config, which includes
// common, and runs until a signal. The exit status is 0 after a clean stop, 1 after an error, and 80 (kong's) for a
// malformed value. run may call Watch of the Loaded configuration, whose values are of the type of config. run reports
// its metrics and traces to Observed.
func Main(name, description string, config any, common *Common, vars kong.Vars,
	run func(context.Context, *slog.Logger, *Loaded, Observed) error,
) {
	loaded := Parse(config, os.Args[1:], Options(name, description, vars))
	logger, level := Begin(common.Log)
	loaded.Logs(logger, level)
	ctx, stop := Context()
	defer stop()
	observed, stopObserved, err := common.Observe.Start(name, logger)
	if err == nil {
		err = run(ctx, logger, loaded, observed)
		stopObserved()
	}
	if err != nil {
		logger.Error(name+" failed", "error", err)
		os.Exit(1)
	}
}

// Begin sets the process-wide options, which is unsafe later, and returns the logger. Servers call it first after
// reading their configuration. The logger writes to standard error, from a level that may be changed.
func Begin(config logging.Config) (*slog.Logger, *slog.LevelVar) {
	thrift.SetSpanCache(true) // strings decoded by Thrift share allocations: 5 % more pulls
	level := new(slog.LevelVar)
	level.Set(config.LogLevel.Level)
	logger := logging.NewAt(os.Stderr, config, level)
	// Calls are answered by long-lived goroutines with grown stacks. Netpoll starts new ones for each lone call:
	// growing their stacks took a tenth of an rpc-server's CPU.
	if err := netpoll.Configure(netpoll.Config{Runner: gopool.CtxGo, LoadBalance: keepLoadBalance}); err != nil {
		logger.Warn("cannot set the goroutine pool of netpoll", "error", err)
	}
	return logger, level
}

// keepLoadBalance leaves netpoll's load balancing unchanged.
const keepLoadBalance = -1

// Options configures kong for every program: each flag is shown with its default, and help is short.
func Options(name, description string, more ...kong.Option) []kong.Option {
	return append([]kong.Option{
		kong.Name(name),
		kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Exit(exit),
		kong.Vars{"version": name + " " + buildinfo.Get().String()},
		kong.ValueFormatter(func(v *kong.Value) string {
			help := kong.DefaultHelpValueFormatter(v)
			if v.HasDefault && v.Default != "" {
				help += " Default: " + v.Default + "."
			}
			return help
		}),
	}, more...)
}

// exit gives a malformed environment variable the status of a malformed flag. kong's own is 1.
func exit(status int) {
	if status == 1 {
		status = 80
	}
	os.Exit(status)
}

// Context returns a context that ends with the first SIGINT or SIGTERM. The second signal has its default effect and
// kills the process.
func Context() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// Part is a part of a program. Run blocks until ctx ends and returns nil after a clean stop, or returns the part's
// failure.
type Part interface {
	Run(ctx context.Context) error
}

// Run runs parts until ctx ends or one of them returns. Then it stops them one by one, in reverse order, and joins
// their errors.
func Run(ctx context.Context, parts ...Part) error {
	if len(parts) == 0 {
		return nil
	}
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- parts[0].Run(own) }()

	inner, stopInner := context.WithCancel(ctx)
	defer stopInner()
	innerEnded := make(chan error, 1)
	go func() {
		if len(parts) == 1 {
			<-inner.Done()
			innerEnded <- nil
			return
		}
		innerEnded <- Run(inner, parts[1:]...)
	}()

	select {
	case err := <-ended: // this part ended first: the parts that depend on it end too
		stopInner()
		return errors.Join(err, <-innerEnded)
	case err := <-innerEnded:
		stop()
		return errors.Join(err, <-ended)
	}
}
