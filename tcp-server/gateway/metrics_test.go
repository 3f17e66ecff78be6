package gateway

import (
	"fmt"
	"testing"

	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// TestMetrics: connections, their end, deliveries, logins and refusals are counted by endpoint and kind.
func TestMetrics(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	s := startStack(t, true, func(c *Config, _ *limits) {
		c.Metrics, c.TCPMaxConnections, c.Registration = m.Gateway(), 2, "open"
		c.RateLimit, c.LoginRate = perHour(2), perHour(1)
	}).run(t)
	s.account(t, "alice")
	value := func(name string, labels map[string]string) float64 {
		families, err := m.Gatherer().Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, series := range f.GetMetric() {
				matches := f.GetName() == "pullchat_"+name
				for _, l := range series.GetLabel() {
					matches = matches && labels[l.GetName()] == l.GetValue()
				}
				if matches {
					return series.GetGauge().GetValue() + series.GetCounter().GetValue() + float64(series.GetHistogram().GetSampleCount())
				}
			}
		}
		return 0
	}
	until := func(want float64, name, label, is string) {
		t.Helper()
		await(t, func() bool { return value(name, map[string]string{label: is}) == want })
	}
	p, _ := s.connects(t, "sensor1", s.token(t, "alice"))
	until(1, "connections", "transport", "device")
	for n := range 3 { // the first message may be one of the missed ones
		s.backend(t, "sensor1", fmt.Sprintf(`{"kind":"push","action":"set","uid":"p%d"}`, n))
		p.gets(fmt.Sprint("set p", n))
	}
	await(t, func() bool { return value("delivery_delay_seconds", map[string]string{"transport": "device"}) >= 2 })
	for n := range 3 {
		p.asks("send", "sensor1", fmt.Sprint(n), `{"chat":"alice:bob","text":"hi"}`)
		p.next()
	}
	until(2, "refusals_total", "kind", "senders") // the connection sends a message, too
	q := dial(t, s.TelnetAddr())
	until(1, "connections", "transport", "telnet")
	dial(t, s.TelnetAddr())
	until(1, "refusals_total", "kind", "connections")
	_ = q.Close()
	until(1, "stream_duration_seconds", "transport", "telnet")
	until(0, "connections", "transport", "telnet")
	_ = p.Close()
	until(1, "stream_duration_seconds", "transport", "device")
	q = dial(t, s.TelnetAddr())
	q.types("alice\r\nwrong\r\nalice\r\nwrong\r\n")
	until(1, "logins_total", "outcome", "wrong")
	until(1, "refusals_total", "kind", "logins")
	until(1, "logins_total", "outcome", "refused")
}

func perHour(n int) ratelimit.Rate { return ratelimit.Rate{Requests: n, Per: 3600e9} }
