package program

import (
	"cmp"
	"log/slog"

	"github.com/pullchat/pullchat/internal/metrics"
)

// MetricsConfig says where metrics are served.
type MetricsConfig struct {
	MetricsAddr string `name:"metrics-addr" env:"METRICS_ADDR" placeholder:"HOST:PORT" help:"Address of /metrics, /healthz and /debug/pprof/, such as 127.0.0.1:9090; empty for none. Do not make it public."`
	DebugAddr   string `name:"debug-addr" env:"DEBUG_ADDR" hidden:"" help:"The earlier name of metrics-addr."`
}

// Serve serves metrics at MetricsAddr until stop is called, or at DebugAddr, which is its earlier name. Without an
// address it returns nil, which is metrics that are off.
func (c MetricsConfig) Serve(log *slog.Logger) (m *metrics.Metrics, stop func(), err error) {
	addr := cmp.Or(c.MetricsAddr, c.DebugAddr)
	if addr == "" {
		return nil, func() {}, nil
	}
	if c.MetricsAddr == "" {
		log.Info("DEBUG_ADDR is deprecated; METRICS_ADDR is its name now")
	}
	m = metrics.New()
	listens, stop, err := m.Serve(addr, func(err error) { log.Error("metrics server ended", "error", err) })
	if err != nil {
		return nil, nil, err
	}
	log.Info("metrics server listens", "addr", listens.String())
	return m, stop, nil
}
