package program

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/reload"
	"github.com/pullchat/pullchat/internal/settings"
)

// Loaded is a configuration that was read, and can be read again.
type Loaded struct {
	*kong.Context
	Settings []settings.Setting

	config  any
	args    []string
	options []kong.Option
	files   *reload.Files
	log     *slog.Logger
	level   *slog.LevelVar
	hangup  chan os.Signal
}

// Parse reads flags, environment variables and the configuration file into config. It exits the process after --help and
// for malformed values.
func Parse(config any, args []string, options []kong.Option) *Loaded {
	l := &Loaded{config: config, args: args, options: options}
	read := settings.New()
	parser := kong.Must(config, append(options, read.Options()...)...)
	var err error
	l.Context, err = parser.Parse(args)
	parser.FatalIfErrorf(err)
	l.Settings, l.files = read.List(l.Context), reload.Watch(read.Files()...)
	return l
}

// Logs says where changes are logged, and which level they may change. From now on SIGHUP does not end the process; Watch
// handles it.
func (l *Loaded) Logs(log *slog.Logger, level *slog.LevelVar) {
	l.log, l.level = log, level
	l.hangup = make(chan os.Signal, 1)
	signal.Notify(l.hangup, syscall.SIGHUP)
}

// lookEvery is how often the files are looked at.
const lookEvery = time.Second

// Watch reads the configuration again after SIGHUP, and when one of its files changes, until ctx ends. It calls apply with a
// value of the type of the configuration, of which only the settings tagged reload are for taking; apply may be nil. A
// configuration that cannot be used changes nothing. stop waits until no apply runs.
//
// Without its terminal, a server that runs on one ends as before.
func (l *Loaded) Watch(ctx context.Context, apply func(next any)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	onTerminal := isatty.IsTerminal(os.Stderr.Fd())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-l.hangup:
				if onTerminal && !isatty.IsTerminal(os.Stderr.Fd()) {
					_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
					return
				}
				l.files.Changed()
				l.again(apply)
			case <-look.C:
				if l.files.Changed() {
					l.again(apply)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// again reads the configuration and applies the changes.
func (l *Loaded) again(apply func(next any)) {
	next := reflect.New(reflect.TypeOf(l.config).Elem()).Interface()
	read := settings.New()
	parser, err := kong.New(next, append(l.options, read.Options()...)...)
	var parsed *kong.Context
	if err == nil {
		parsed, err = parser.Parse(l.args)
	}
	if err != nil {
		l.log.Warn("the new configuration cannot be used; nothing has changed", "error", err)
		return
	}
	l.files = reload.Watch(read.Files()...)
	list := read.List(parsed)
	changed := settings.Changed(l.Settings, list)
	if apply != nil {
		apply(next)
	}
	level := l.nextLevel(changed)
	l.level.Set(min(l.level.Level(), level)) // use the more verbose of the old and the new level for the messages below
	defer l.level.Set(level)
	l.log.Info("the configuration was read again", "changes", len(changed))
	for _, s := range changed {
		if !s.Reloads {
			l.log.Warn("a setting has changed; restart to apply it", "setting", s.Name, "value", s.Value, "source", string(s.Source))
			continue
		}
		l.log.Info("a setting has changed", "setting", s.Name, "value", s.Value, "source", string(s.Source))
	}
	l.Settings = settings.Merge(l.Settings, list)
}

// nextLevel returns the level that changed names, or the one that stands.
func (l *Loaded) nextLevel(changed []settings.Setting) slog.Level {
	for _, s := range changed {
		var level logging.Level
		if s.Name == "log-level" && level.UnmarshalText([]byte(s.Value)) == nil {
			return level.Level
		}
	}
	return l.level.Level()
}
