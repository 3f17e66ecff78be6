package proxy

import (
	"net/http"
	"testing"
)

// TestKilledGateway kills one http-server behind nginx: clients continue at the other one, and lose nothing.
func TestKilledGateway(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	c := s.client(t)
	l := startLoad(t, c)
	l.more(200)
	for _, gateway := range s.gateways {
		gateway.Kill()
		l.more(200)
		gateway.Restart()
		awaitReady(t, gateway.Addr())
		l.more(200)
	}
	l.end(c)
}

// TestRollingRestart restarts both http-servers behind nginx, one after the other. With the client's retries no send
// fails. Followers get every message once and in order.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	s := startSite(t, "DRAIN_DELAY=500ms")
	c := s.client(t)
	l := startLoad(t, c)
	for _, gateway := range s.gateways {
		l.more(200)
		gateway.Terminate()
		if state := gateway.Exit(); state.ExitCode() != 0 {
			t.Errorf("http-server ended with %v, want status 0", state)
		}
		l.more(200)
		gateway.Restart()
		awaitReady(t, gateway.Addr())
	}
	l.more(200)
	l.end(c)
}

func awaitReady(t *testing.T, addr string) {
	t.Helper()
	await(t, "http-server is ready again", func() bool {
		response, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	})
}
