package gateway

import (
	"io"
	"log/slog"
	"testing"

	"github.com/pullchat/pullchat/internal/tracetest"
	"github.com/pullchat/pullchat/internal/tracing"
)

// TestTelnetTraces: a line over telnet is a trace of its own, which does not repeat the line.
func TestTelnetTraces(t *testing.T) {
	collector := tracetest.Start(t)
	traces, stop, err := tracing.Config{TracesEndpoint: collector.URL()}.Start("tcp-server", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := startStack(t, false, func(c *Config, _ *limits) { c.Traces = traces }).run(t)
	p := dial(t, s.TelnetAddr())
	p.types("anna\r\nhello everybody\r\n/who\r\n/nothing everybody\r\n/quit\r\n")
	if _, err := io.Copy(io.Discard, p); err != nil {
		t.Fatal(err)
	}
	stop()
	named := map[string]int{}
	for _, span := range collector.Spans() {
		named[span.GetName()]++
		for _, said := range []string{"anna", "everybody", "nothing", "lobby"} {
			if span.Has(said) {
				t.Errorf("%q is in %v", said, span)
			}
		}
	}
	for _, name := range []string{"telnet say", "telnet who", "telnet quit"} {
		if named[name] != 1 {
			t.Errorf("the spans are %v, want one %s", named, name)
		}
	}
}
