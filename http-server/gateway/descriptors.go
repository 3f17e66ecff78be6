package gateway

import (
	"log/slog"
	"syscall"
)

// ownDescriptors are for what is no client's: listeners, connections to rpc-servers, files, and those turned away.
const ownDescriptors = 256

// maxConnections is the configured number, or what the limit of open files leaves room for.
func maxConnections(configured int, log *slog.Logger) int {
	var open syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &open); err != nil || open.Cur > 1<<30 {
		return configured
	}
	fit := max(1, int(open.Cur)-ownDescriptors)
	if configured > fit {
		log.Warn("fewer connections than --max-connections says: raise the limit of open files",
			"max_connections", configured, "taken", fit, "open_files", open.Cur)
	}
	if configured == 0 || configured > fit {
		return fit
	}
	return configured
}
