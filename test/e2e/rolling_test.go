package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestRollingRestart restarts two http-servers and two rpc-servers one after the other, under load from behind a load
// balancer that asks /readyz. No request fails, not even one without an id, and nothing is lost or doubled.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	eachMode(t, rollingRestart)
}

func rollingRestart(t *testing.T, auth *programtest.Auth) {
	redis := redistest.Start(t)
	var rpc, gateways []*programtest.Process
	var addrs string
	for range 2 {
		server := programtest.Start(t, "rpc-server", auth.Servers("REDIS_URL="+redis.URL(), "RPC_DRAIN_DELAY=1s")...)
		rpc = append(rpc, server)
		addrs += "," + server.Addr()
	}
	for range 2 {
		gateways = append(gateways, programtest.Start(t, "http-server", auth.Gateways("RPC_SERVERS="+addrs[1:], "DRAIN_DELAY=500ms")...))
	}
	overRPCAs(t, auth, rpc[0]).closeRoom(t)
	balancer := newBalancer(t, auth, gateways)

	var sent atomic.Int64
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for writer := range 8 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				text := fmt.Sprintf("%d/%d", writer, i)
				if err := balancer.send(text); err != nil {
					t.Errorf("send during a rolling restart = %v", err)
				}
				sent.Add(1)
			}
		})
	}
	await := func(what string, condition func() bool) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(15 * time.Second); !condition(); <-tick.C {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within 15 s", what)
			}
		}
	}
	more := func() { // the load goes on
		t.Helper()
		target := sent.Load() + 500
		await("500 further sends", func() bool { return sent.Load() >= target })
	}
	for _, server := range append(rpc, gateways...) {
		more()
		server.Terminate()
		if state := server.Exit(); state.ExitCode() != 0 {
			t.Errorf("a server ended with %v, want status 0", state)
		}
		more()
		server.Restart()
		await("both gateways are ready", balancer.allReady)
	}
	more()
	close(stop)
	writers.Wait()

	s := overRPCAs(t, auth, rpc[0]) // which has no memory of earlier calls
	seen := map[string]int{}
	for _, text := range s.texts(t) {
		seen[text]++
	}
	if len(seen) != int(sent.Load()) {
		t.Errorf("%d different messages are stored, want the %d that were sent", len(seen), sent.Load())
	}
	for text, times := range seen {
		if times != 1 {
			t.Errorf("%s is stored %d times", text, times)
		}
	}
}

// balancer sends to gateways in turn whose /readyz says yes, over connections that are kept until they are closed.
type balancer struct {
	client   *http.Client
	gateways []string // addresses
	ready    []atomic.Bool
	turn     atomic.Int64
}

func newBalancer(t *testing.T, auth *programtest.Auth, gateways []*programtest.Process) *balancer {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b := &balancer{
		client: &http.Client{Transport: auth.Transport(transport, "alice"), Timeout: 5 * time.Second},
		ready:  make([]atomic.Bool, len(gateways)),
	}
	for _, gateway := range gateways {
		b.gateways = append(b.gateways, gateway.Addr())
	}
	ctx, stop := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	for i := range gateways {
		asking.Go(func() { b.keepAsking(ctx, i) })
	}
	t.Cleanup(func() {
		stop()
		asking.Wait()
		transport.CloseIdleConnections()
	})
	return b
}

func (b *balancer) keepAsking(ctx context.Context, i int) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.gateways[i]+"/readyz", nil)
		response, err := b.client.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		b.ready[i].Store(err == nil && response.StatusCode == http.StatusOK)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b *balancer) allReady() bool {
	for i := range b.ready {
		if !b.ready[i].Load() {
			return false
		}
	}
	return true
}

func (b *balancer) send(text string) error {
	i := int(b.turn.Add(1))
	for range b.gateways {
		if b.ready[i%len(b.gateways)].Load() {
			break
		}
		i++
	}
	body := fmt.Sprintf(`{"chat":"room","sender":"alice","text":%q}`, text)
	response, err := b.client.Post("http://"+b.gateways[i%len(b.gateways)]+"/api/send", "application/json", bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s: %s", response.Status, answer), err)
	}
	return nil
}
