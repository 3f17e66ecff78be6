package gateway

import (
	"context"
	"log/slog"
	"syscall"
)

// ownDescriptors are reserved for the server itself: listeners, connections to rpc-servers, files, and clients that are
// turned away.
const ownDescriptors = 256

// usualConnections is the default of MAX_CONNECTIONS.
const usualConnections = 20_000

// maxConnections is the configured number, or the most that the limit of open files allows. Go has raised the limit of
// this process to its maximum. Only a configured number that is too large is worth a warning.
func maxConnections(given *int, log *slog.Logger) int {
	configured, level := usualConnections, slog.LevelInfo
	if given != nil {
		configured, level = *given, slog.LevelWarn
	}
	var open syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &open); err != nil || open.Cur > 1<<30 {
		return configured
	}
	fit := max(1, int(open.Cur)-ownDescriptors)
	if configured > fit {
		log.Log(context.Background(), level, "fewer connections than --max-connections says: the limit of open files allows no more",
			"max_connections", configured, "taken", fit, "open_files", open.Cur)
	}
	if configured == 0 || configured > fit {
		return fit
	}
	return configured
}
