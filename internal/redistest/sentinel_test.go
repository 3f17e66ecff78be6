package redistest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/redistest"
)

func TestSentinelReplacesAKilledMaster(t *testing.T) {
	t.Parallel()
	form := timed(t, redistest.StartSentinel)
	client := openSentinel(t, form)
	master := form.Master()
	if master != form.Servers()[0] || len(form.Replicas()) != 2 || len(form.Sentinels()) != 3 {
		t.Fatalf("Master() = %s, of %d replicas and %d Sentinels", master.Addr(), len(form.Replicas()), len(form.Sentinels()))
	}
	set(t, client, "before", "1")
	arrives(t, "before", form.Servers()...)

	killed := time.Now()
	master.Kill()
	if next := form.WaitForMaster(master); next == master {
		t.Error("WaitForMaster returned the killed one")
	}
	t.Logf("a killed master was replaced after %v", time.Since(killed).Round(time.Millisecond))
	eventually(t, "SET at the new master", func(ctx context.Context) error { return client.Set(ctx, "after", "1", 0).Err() })

	master.Restart()
	form.WaitUntilInSync()
	t.Logf("all were in sync %v after the kill", time.Since(killed).Round(time.Millisecond))
	if !slices.Contains(form.Replicas(), master) {
		t.Error("Replicas() is without the old master, which is back")
	}
	if role := master.Info("role"); role != "slave" {
		t.Errorf("the old master is %s, want slave", role)
	}
	arrives(t, "after", form.Servers()...)

	// Its new role is in its configuration.
	master.Kill()
	master.Restart()
	if role := master.Info("role"); role != "slave" {
		t.Errorf("the old master is %s after one more restart, want slave", role)
	}
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	form := timed(t, redistest.StartSentinelTLS, "--requirepass", "secret")
	client := openSentinel(t, form)
	for range 2 {
		master := form.Master()
		took := form.Failover()
		t.Logf("SENTINEL FAILOVER took %v", took.Round(time.Millisecond))
		if form.Master() == master {
			t.Fatal("Failover() left the master in its place")
		}
		eventually(t, "SET at the new master", func(ctx context.Context) error { return client.Set(ctx, "key", "1", 0).Err() })
		arrives(t, "key", form.Servers()...)
	}
}

func TestSentinelReplacesAStoppedMaster(t *testing.T) {
	t.Parallel()
	form := timed(t, redistest.StartSentinel)
	master := form.Master()
	form.Sentinels()[0].Kill() // two are a quorum
	stopped := time.Now()
	master.Stop()
	form.WaitForMaster(master)
	t.Logf("a stopped master was replaced after %v", time.Since(stopped).Round(time.Millisecond))
	master.Continue()
	form.Sentinels()[0].Restart()
	form.WaitUntilInSync()
}

func openSentinel(t *testing.T, form *redistest.Sentinel) *redis.Client {
	t.Helper()
	options, err := redis.ParseFailoverURL(strings.Replace(form.URL(), "+sentinel", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	configure(t, options.TLSConfig, form.Certificates)
	// go-redis uses the URL's credentials for the Sentinels too, which need none.
	options.Username, options.Password = options.SentinelUsername, options.SentinelPassword
	options.SentinelUsername, options.SentinelPassword = "", ""
	client := redis.NewFailoverClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// arrives waits until all servers have a key.
func arrives(t *testing.T, key string, servers ...*redistest.Server) {
	t.Helper()
	for _, server := range servers {
		client := open(t, server)
		eventually(t, "GET "+key+" at "+server.Addr(), func(ctx context.Context) error { return client.Get(ctx, key).Err() })
	}
}

// eventually retries for 20 s at most.
func eventually(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}
