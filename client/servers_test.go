package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/client"
)

// gateways remembers who was asked; those in down refuse, those in away answer 503.
type gateways struct {
	down, away string
	asked      []string
}

func (g *gateways) RoundTrip(r *http.Request) (*http.Response, error) {
	g.asked = append(g.asked, r.URL.Host)
	switch r.URL.Host {
	case g.down:
		return refuse(r)
	case g.away:
		return unavailable("")(r)
	}
	return says(200, "", `{}`)
}

// ready asks n times and returns who was asked.
func (g *gateways) ready(t *testing.T, api *client.Client, n int) []string {
	t.Helper()
	g.asked = nil
	for range n {
		if err := api.Ready(t.Context()); err != nil {
			t.Errorf("Ready() = %v, want nil", err)
		}
	}
	return g.asked
}

func TestServersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateways{}
		var waits []time.Duration
		api := with(t, "http://a,http://b, http://c/", &http.Client{Transport: g},
			client.WithNotify(func(r client.Repeat) { waits = append(waits, r.Wait) }))
		expect := func(when string, n int, want ...string) {
			t.Helper()
			if got := g.ready(t, api, n); !slices.Equal(got, want) {
				t.Errorf("%s: %d calls go to %q, want %q", when, n, got, want)
			}
		}
		expect("all are well", 4, "a", "b", "c", "a")

		g.away = "b"
		expect("one answers 503", 3, "b", "c", "c", "a")
		if len(waits) != 1 {
			t.Errorf("waits after a 503 = %v, want one", waits)
		}

		g.away, g.down, waits = "", "b", nil
		expect("one refuses", 5, "b", "c", "c", "a", "c", "c")
		if !slices.Equal(waits, []time.Duration{0}) {
			t.Errorf("waits after a refusal = %v, want none before another server", waits)
		}
		<-time.After(time.Second)
		expect("the one that refused has rested", 2, "a", "b", "c")
	})
}

// TestAllServersRefuse: each is tried without a wait, then there are waits, and no server is given up.
func TestAllServersRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var waits []bool
		api := over(t, "http://a,http://b", func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Host)
			return refuse(r)
		}, client.WithPolicy(client.Policy{Attempts: 5, MaxWait: 100 * time.Millisecond}), client.WithNotify(func(r client.Repeat) { waits = append(waits, r.Wait > 0) }))
		_, err := api.Send(t.Context(), client.Message{ID: "1"})
		wantRetryError(t, err, client.RetryError{Attempts: 5, ID: "1"}, 0)
		if want := []string{"a", "b", "a", "b", "a"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
		if want := []bool{false, true, true, true}; !slices.Equal(waits, want) {
			t.Errorf("waits before the repeats: %v, want %v", waits, want)
		}
	})
}

// TestOneOfTwoServersIsGone is the same over a network: the id goes to the other server, at once.
func TestOneOfTwoServersIsGone(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	there := serveFault(t, nil, 0)
	var repeats []string
	api := with(t, gone.URL+","+there.URL, nil, client.WithNotify(func(r client.Repeat) {
		repeats = append(repeats, fmt.Sprint(r.Attempt, r.Server, r.Wait))
	}))
	if _, err := api.Send(t.Context(), client.Message{ID: "1"}); err != nil {
		t.Errorf("Send() = %v, want nil", err)
	}
	if want := []string{fmt.Sprint(1, gone.URL, time.Duration(0))}; !slices.Equal(repeats, want) || !slices.Equal(there.seen(), []string{"1"}) {
		t.Errorf("repeats %q and ids %q, want %q and one", repeats, there.seen(), want)
	}
}
