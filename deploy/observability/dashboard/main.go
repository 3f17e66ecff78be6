// Command dashboard writes Grafana's dashboard of Pullchat to standard output: make dashboard.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// panel is a graph. Its query has the legend of the labels in it.
type panel struct {
	title, unit   string
	query, legend string
}

// row is a line of panels.
type row struct {
	title  string
	panels []panel
}

const (
	seconds   = "s"
	perSecond = "reqps"
	number    = "short"
)

// quantile returns the query of a quantile of a histogram, by labels.
func quantile(q float64, histogram, by string) string {
	return fmt.Sprintf("histogram_quantile(%v, sum by (le, %s) (rate(%s_bucket[5m])))", q, by, histogram)
}

// rate returns the query of a counter's rate, by labels.
func rate(counter, by string) string { return fmt.Sprintf("sum by (%s) (rate(%s[5m]))", by, counter) }

// sum returns the query of a gauge, by labels.
func sum(gauge, by string) string { return fmt.Sprintf("sum by (%s) (%s)", by, gauge) }

var rows = []row{
	{"Requests", []panel{
		{"Requests by route", perSecond, rate("pullchat_http_requests_total", "route"), "{{route}}"},
		{"Requests by status", perSecond, rate("pullchat_http_requests_total", "code"), "{{code}}"},
		{"99 % of requests are answered within", seconds, quantile(0.99, "pullchat_http_request_duration_seconds", "route"), "{{route}}"},
		{"Half of the requests are answered within", seconds, quantile(0.5, "pullchat_http_request_duration_seconds", "route"), "{{route}}"},
	}},
	{"Live delivery", []panel{
		{"99 % of messages reach those who wait within", seconds, quantile(0.99, "pullchat_delivery_delay_seconds", "transport"), "{{transport}}"},
		{"Followed chats", number, sum("pullchat_followers", "transport"), "{{transport}}"},
		{"Connections", number, sum("pullchat_connections", "transport"), "{{transport}}"},
		{"Median lifetime of streams", seconds, quantile(0.5, "pullchat_stream_duration_seconds", "transport"), "{{transport}}"},
	}},
	{"Refusals and logins", []panel{
		{"Refused by rates and bounds", perSecond, rate("pullchat_refusals_total", "kind"), "{{kind}}"},
		{"Logins", perSecond, rate("pullchat_logins_total", "outcome"), "{{outcome}}"},
	}},
	{"Projections", []panel{
		{"Lag", seconds, "max by (projection) (pullchat_projection_lag_seconds)", "{{projection}}"},
		{"Handled", perSecond, rate("pullchat_projection_events_total", "projection"), "{{projection}}"},
		{"99 % of messages are handled within", seconds, quantile(0.99, "pullchat_projection_delay_seconds", "projection"), "{{projection}}"},
		{"Failures", perSecond, rate("pullchat_projection_failures_total", "projection"), "{{projection}}"},
		{"Dead letters in an hour", number, "sum by (projection) (increase(pullchat_projection_dead_letters_total[1h]))", "{{projection}}"},
		{"Chats with events that were not handled", number, sum("pullchat_projection_waiting_chats", "projection"), "{{projection}}"},
		{"Partitions with a worker", number, sum("pullchat_projection_partitions", "projection"), "{{projection}}"},
	}},
	{"Batches", []panel{
		{"Mean size of a batch", number, "sum by (batch) (rate(pullchat_batch_size_sum[5m])) / sum by (batch) (rate(pullchat_batch_size_count[5m]))", "{{batch}}"},
		{"99 % of batches wait at most", seconds, quantile(0.99, "pullchat_batch_wait_seconds", "batch"), "{{batch}}"},
		{"Queued calls", number, sum("pullchat_batch_queue", "batch"), "{{batch}}"},
		{"Calls refused by full queues", perSecond, rate("pullchat_batch_refused_total", "batch"), "{{batch}}"},
	}},
	{"RPC and Redis", []panel{
		{"99 % of RPCs take at most", seconds, quantile(0.99, "pullchat_rpc_client_duration_seconds", "method"), "{{method}}"},
		{"rpc-servers", number, sum("pullchat_rpc_servers", "state"), "{{state}}"},
		{"99 % of round trips to Redis take at most", seconds, quantile(0.99, "pullchat_redis_duration_seconds", "operation"), "{{operation}}"},
		{"Errors of Redis", perSecond, rate("pullchat_redis_errors_total", "operation"), "{{operation}}"},
		{"Redis nodes", number, sum("pullchat_redis_nodes", "state"), "{{state}}"},
		{"Connections to Redis", number, sum("pullchat_redis_pool_connections", "state"), "{{state}}"},
	}},
	{"Processes", []panel{
		{"Failures of background work", perSecond, rate("pullchat_background_failures_total", "task"), "{{task}}"},
		{"CPU", number, "rate(process_cpu_seconds_total[5m])", "{{instance}}"},
		{"Memory", "bytes", "process_resident_memory_bytes", "{{instance}}"},
		{"Goroutines", number, "go_goroutines", "{{instance}}"},
		{"Versions", number, sum("pullchat_build_info", "version"), "{{version}}"},
	}},
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	source := "prometheus" // as in provisioning/datasources
	kind := "prometheus"
	ref := common.DataSourceRef{Uid: &source, Type: &kind}
	//nolint:staticcheck // the second version of dashboards is for Grafana 12 and newer alone
	board := dashboard.NewDashboardBuilder("Pullchat").Uid("pullchat").Refresh("30s").Time("now-1h", "now").Tags([]string{"pullchat"})
	for _, r := range rows {
		board = board.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			board = board.WithPanel(timeseries.NewPanelBuilder().
				Title(p.title).Unit(p.unit).Min(0).Span(12).Height(8).Datasource(ref).
				WithTarget(prometheus.NewDataqueryBuilder().Expr(p.query).LegendFormat(p.legend).Datasource(ref).RefId("A")))
		}
	}
	built, err := board.Build()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(built)
}
