package programtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// StartServers starts two rpc-servers over one Redis, with further settings.
func StartServers(t testing.TB, redisURL string, settings ...string) []*Process {
	t.Helper()
	var servers []*Process
	for range 2 {
		servers = append(servers, Start(t, "rpc-server", append(settings, "REDIS_URL="+redisURL)...))
	}
	return servers
}

// StartGateways starts two http-servers over the rpc-servers at these addresses.
func StartGateways(t testing.TB, rpcServers []string, settings ...string) []*Process {
	t.Helper()
	var gateways []*Process
	for range 2 {
		below := "RPC_SERVERS=" + strings.Join(rpcServers, ",")
		gateways = append(gateways, Start(t, "http-server", append(settings, below)...))
	}
	return gateways
}

// Addresses returns the addresses of processes.
func Addresses(processes []*Process) []string {
	var addresses []string
	for _, p := range processes {
		addresses = append(addresses, p.Addr())
	}
	return addresses
}

// Command returns a command for one of the programs. The caller starts it.
func Command(t testing.TB, name string, arguments ...string) *exec.Cmd {
	t.Helper()
	needMain(t)
	command := exec.Command(filepath.Join(binaries, name), arguments...)
	command.Env = os.Environ()
	return command
}

func needMain(t testing.TB) {
	t.Helper()
	NeedPrograms(t)
	if binaries == "" {
		t.Fatal("the test's package has no TestMain that calls programtest.Main")
	}
}
