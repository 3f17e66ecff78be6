package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/settings"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// TestKnownSettings: a file serves all programs, so each must know the names of the others.
func TestKnownSettings(t *testing.T) {
	vars := kong.Vars{"rpc_addr": "", "redis_url": "", "rpc_drain_delay": "0s", "redis_help": "", "retries": "0"}
	var programs struct {
		HTTP struct {
			gateway.Config `embed:""`
			RPC            rpcclient.Config `embed:""`
			program.Common `embed:""`
		} `cmd:""`
		RPC struct {
			service.Config `embed:""`
			Trusted        service.Trust `embed:""`
			program.Common `embed:""`
		} `cmd:""`
		Pullchat struct {
			commands `embed:""`
		} `cmd:""`
	}
	parser, err := kong.New(&programs, append(settings.New().Options(), vars, kong.ExplicitGroups(groups))...)
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	for _, flag := range settings.Flags(parser.Model) {
		has = append(has, flag.Name)
		if !slices.Contains(settings.Known(), flag.Name) {
			t.Errorf("the programs have the setting %q; internal/settings/names.go lacks it", flag.Name)
		}
	}
	for _, name := range settings.Known() {
		if !slices.Contains(has, name) && !slices.Contains([]string{"data-dir", "pullchat-server", "pullchat-token", "pullchat-token-file"}, name) {
			t.Errorf("internal/settings/names.go has %q; no program has it", name)
		}
	}
}
