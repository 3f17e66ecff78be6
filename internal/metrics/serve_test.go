package metrics_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/metrics"
)

// TestReadyOfAWorker: the health check of a worker's image is pullchat ready, which asks the listener of metrics with this client.
func TestReadyOfAWorker(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	c, err := client.New(server.URL, nil, client.WithPolicy(client.Policy{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	m.Ready(func() error { return nil })
	if err := c.Ready(context.Background()); err != nil {
		t.Errorf("Ready() of a worker that is ready = %v, want nil", err)
	}
	m.Ready(func() error { return errors.New("no rpc-server answers") })
	answered, ok := errors.AsType[*client.Error](c.Ready(context.Background()))
	if !ok || answered.Status != 503 || answered.Code != string(chat.Unavailable) || answered.Message != "no rpc-server answers" {
		t.Errorf("Ready() of a worker that is not = %+v, want 503 with the reason", answered)
	}
}
