package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

// Handler answers /metrics, /healthz, /readyz of a worker, and /debug/pprof/. /healthz answers while the process runs; /readyz
// of the HTTP API says whether the service works.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", m.answerReady)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// TextType is the media type of Text.
const TextType = "text/plain; version=0.0.4; charset=utf-8"

// Text returns all metrics of the process in the text format of Prometheus, and false if metrics are off.
func (g *Gateway) Text() (text []byte, on bool, err error) {
	if g == nil {
		return nil, false, nil
	}
	families, err := g.all.Gather()
	if err != nil {
		return nil, true, fmt.Errorf("gather the metrics: %w", err)
	}
	var out bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&out, family); err != nil {
			return nil, true, fmt.Errorf("write the metrics: %w", err)
		}
	}
	return out.Bytes(), true, nil
}

// unavailable is the code of chat.Unavailable: this package is imported by the transport to Redis, which knows nothing of chats.
const unavailable = "unavailable"

// answerReady answers in the form of the HTTP API, which pullchat ready and the Go client understand.
func (m *Metrics) answerReady(w http.ResponseWriter, r *http.Request) {
	ready := m.ready.Load()
	if ready == nil {
		http.NotFound(w, r)
		return
	}
	if err := (*ready)(); err != nil {
		answerJSON(w, http.StatusServiceUnavailable, map[string]string{"code": unavailable, "message": err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

func answerJSON(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Serve serves the Handler at an address until stop is called, which waits for the end. If it ends before, it calls failed.
func (m *Metrics) Serve(addr string, failed func(error)) (listens net.Addr, stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("metrics-addr: %w", err)
	}
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return listener.Addr(), func() {
		_ = server.Close()
		<-ended
	}, nil
}
