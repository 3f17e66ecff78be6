package program

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestServeMetrics: METRICS_ADDR and its earlier name start the listener, and without either metrics are off.
func TestServeMetrics(t *testing.T) {
	for name, c := range map[string]MetricsConfig{
		"METRICS_ADDR": {MetricsAddr: "127.0.0.1:0"},
		"DEBUG_ADDR":   {DebugAddr: "127.0.0.1:0"},
		"both":         {MetricsAddr: "127.0.0.1:0", DebugAddr: "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			m, stop, err := c.Serve(slog.New(slog.NewJSONHandler(&log, nil)))
			if err != nil || m.Gateway() == nil || m.Client() == nil || m.Service() == nil {
				t.Fatalf("Serve() = %v, %v, want metrics that are on", m, err)
			}
			defer stop()
			var addr string
			for line := range strings.Lines(log.String()) {
				var said struct{ Msg, Addr string }
				if err := json.Unmarshal([]byte(line), &said); err != nil {
					t.Fatal(err)
				}
				if said.Msg == "metrics server listens" {
					addr = said.Addr
				}
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			response, err := client.Get("http://" + addr + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if body, _ := io.ReadAll(response.Body); !strings.Contains(string(body), "pullchat_build_info{") {
				t.Errorf("/metrics answers %q", body)
			}
		})
	}
	m, stop, err := MetricsConfig{}.Serve(slog.New(slog.DiscardHandler))
	if m != nil || err != nil || m.Gateway() != nil || m.Client() != nil || m.Service() != nil {
		t.Errorf("Serve() without an address = %v, %v, want nothing", m, err)
	}
	stop()
	if _, _, err := (MetricsConfig{MetricsAddr: "no address"}).Serve(slog.New(slog.DiscardHandler)); err == nil {
		t.Error("Serve() at a malformed address succeeds")
	}
}
