package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestClientOverKilledServer: writers continue without an error while their http-server is killed and restarted on the same
// port. At the end each message is stored exactly once, in its writer's order.
func TestClientOverKilledServer(t *testing.T) {
	t.Parallel()
	eachMode(t, clientOverKilledServer)
}

func clientOverKilledServer(t *testing.T, auth *programtest.Auth) {
	const writers, kills, between = 8, 6, 100
	redis := redistest.Start(t)
	s := startAs(t, auth, redis.URL())
	s.closeRoom(t)
	transport := &http.Transport{MaxIdleConnsPerHost: writers}
	t.Cleanup(transport.CloseIdleConnections)
	var repeats, duplicates atomic.Int64
	// The default policy, with patience for a machine on which starting a server takes long.
	policy := client.Policy{Attempts: 1000, Total: time.Minute, MaxWait: 200 * time.Millisecond}
	c, err := client.New(s.base, &http.Client{Transport: auth.Transport(transport, "alice")}, client.WithPolicy(policy),
		client.WithNotify(func(client.Repeat) { repeats.Add(1) }))
	if err != nil {
		t.Fatal(err)
	}

	stop, stored := make(chan struct{}), make(chan struct{}, 1)
	acknowledged := make([][]string, writers)
	var group sync.WaitGroup
	for writer := range acknowledged {
		group.Go(func() {
			for i := 0; ; i++ {
				text := fmt.Sprintf("%d/%d", writer, i)
				receipt, err := c.Send(t.Context(), client.Message{Chat: "room", Sender: "alice", Text: text})
				if err != nil {
					t.Errorf("Send(%s) = %v, want it repeated until it is stored", text, err)
					return
				}
				if receipt.Duplicate {
					duplicates.Add(1)
				}
				acknowledged[writer] = append(acknowledged[writer], text)
				select {
				case stored <- struct{}{}:
				case <-stop:
					return
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	traffic := func() {
		for range between {
			select {
			case <-stored:
			case <-ended: // too early: the writers have said why
			}
		}
	}
	for range kills {
		traffic()
		s.http.Kill()
		s.http.Restart()
	}
	traffic()
	close(stop)
	<-ended

	texts := s.texts(t)
	for writer, sent := range acknowledged {
		var got []string
		for _, text := range texts {
			if strings.HasPrefix(text, fmt.Sprint(writer, "/")) {
				got = append(got, text)
			}
		}
		if !slices.Equal(got, sent) {
			t.Errorf("writer %d: %d messages are acknowledged, %d are stored; want the same, once, in order", writer, len(sent), len(got))
		}
	}
	if repeats.Load() == 0 {
		t.Error("nothing was repeated: the test showed nothing")
	}
	t.Logf("%d messages over %d kills: %d repeats, %d of them of what was stored already", len(texts), kills, repeats.Load(), duplicates.Load())
}
