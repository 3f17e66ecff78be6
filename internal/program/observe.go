package program

import (
	"log/slog"

	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
)

// ObserveConfig configures the metrics and traces of a program.
type ObserveConfig struct {
	Metrics MetricsConfig  `embed:""`
	Traces  tracing.Config `embed:""`
}

// Observed has the metrics and traces of a program: nil is off.
type Observed struct {
	Metrics *metrics.Metrics
	Traces  *tracing.Tracing
}

// Start serves metrics and begins to send traces until stop is called, which sends those that are left.
func (c ObserveConfig) Start(program string, log *slog.Logger) (o Observed, stop func(), err error) {
	traces, stopTraces, err := c.Traces.Start(program, log)
	if err != nil {
		return Observed{}, nil, err
	}
	measured, stopMetrics, err := c.Metrics.Serve(log)
	if err != nil {
		stopTraces()
		return Observed{}, nil, err
	}
	return Observed{measured, traces}, func() {
		stopTraces()
		stopMetrics()
	}, nil
}
