package redistest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/redistest"
)

func TestClusterReplacesAKilledMaster(t *testing.T) {
	t.Parallel()
	cluster := timed(t, redistest.StartCluster)
	client := openCluster(t, cluster)
	if n := len(cluster.Masters()); n != 3 {
		t.Fatalf("%d Masters(), want 3", n)
	}
	for i := range 30 {
		set(t, client, fmt.Sprint("key", i), "1")
	}
	master := cluster.MasterOf("key")
	replica := cluster.ReplicaOf(master)
	set(t, client, "key", "before")

	killed := time.Now()
	master.Kill()
	if got := cluster.ReplicaOf(master); got != replica {
		t.Errorf("ReplicaOf(killed) = %s, want %s", got.Addr(), replica.Addr())
	}
	cluster.WaitUntilMaster(replica)
	t.Logf("a killed master was replaced after %v", time.Since(killed).Round(time.Millisecond))
	cluster.WaitUntilOK()
	if got := cluster.MasterOf("key"); got != replica {
		t.Errorf("MasterOf(key) = %s, want the replica %s", got.Addr(), replica.Addr())
	}
	eventually(t, "SET at the new master", func(ctx context.Context) error { return client.Set(ctx, "key", "after", 0).Err() })

	master.Restart()
	back := time.Now()
	cluster.WaitUntilOK()
	t.Logf("all were in sync %v after the restart", time.Since(back).Round(time.Millisecond))
	if got := cluster.ReplicaOf(replica); got != master {
		t.Errorf("ReplicaOf(new master) = %s, want the old one %s", got.Addr(), master.Addr())
	}
	if role := master.Info("role"); role != "slave" {
		t.Errorf("the old master is %s, want slave", role)
	}
}

func TestClusterFailover(t *testing.T) {
	t.Parallel()
	cluster := timed(t, redistest.StartClusterTLS, "--requirepass", "secret")
	client := openCluster(t, cluster)
	for range 2 {
		master := cluster.MasterOf("key")
		replica := cluster.ReplicaOf(master)
		t.Logf("CLUSTER FAILOVER took %v", cluster.Failover(replica).Round(time.Millisecond))
		if got := cluster.MasterOf("key"); got != replica {
			t.Errorf("MasterOf(key) = %s, want %s", got.Addr(), replica.Addr())
		}
		if got := cluster.ReplicaOf(replica); got != master {
			t.Errorf("ReplicaOf(%s) = %s, want %s", replica.Addr(), got.Addr(), master.Addr())
		}
		eventually(t, "SET at the new master", func(ctx context.Context) error { return client.Set(ctx, "key", "1", 0).Err() })
	}
}

func TestClusterSlotMigration(t *testing.T) {
	t.Parallel()
	cluster := timed(t, redistest.StartClusterTLS, "--user", "alice", "on", ">secret", "~*", "&*", "+@all", "--user", "default", "off")
	client := openCluster(t, cluster)
	for i := range 5 {
		set(t, client, fmt.Sprintf("{tag}%d", i), fmt.Sprint(i))
	}
	from := cluster.MasterOf("{tag}")
	to := cluster.Masters()[0]
	if to == from {
		to = cluster.Masters()[1]
	}
	at := map[*redistest.Server]*redis.Client{from: open(t, from), to: open(t, to)}
	answer := func(s *redistest.Server, key string) string {
		value, err := at[s].Get(t.Context(), key).Result()
		if err != nil {
			return strings.Join(strings.Fields(err.Error())[:1], "")
		}
		return value
	}
	check := func(when string, want map[string]string) {
		t.Helper()
		got := map[string]string{
			"from {tag}0": answer(from, "{tag}0"), "from {tag}1": answer(from, "{tag}1"), "from {tag}none": answer(from, "{tag}none"),
			"to {tag}0": answer(to, "{tag}0"),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s, GET answers %v, want %v", when, got, want)
		}
		for i := range 5 {
			if value := client.Get(t.Context(), fmt.Sprintf("{tag}%d", i)).Val(); value != fmt.Sprint(i) {
				t.Errorf("%s, a cluster client has {tag}%d = %q, want %d", when, i, value, i)
			}
		}
	}

	migration := cluster.Migrate(cluster.Slot("{tag}"), to)
	if migration.From != from || migration.To != to {
		t.Fatalf("Migrate = %v", migration)
	}
	check("before a key was moved", map[string]string{
		"from {tag}0": "0", "from {tag}1": "1", "from {tag}none": "ASK", "to {tag}0": "MOVED",
	})
	migration.MoveKey("{tag}0")
	check("with one key moved", map[string]string{
		"from {tag}0": "ASK", "from {tag}1": "1", "from {tag}none": "ASK", "to {tag}0": "MOVED",
	})
	if n := migration.MoveKeys(2); n != 2 {
		t.Errorf("MoveKeys(2) = %d", n)
	}
	migration.Finish()
	check("afterwards", map[string]string{
		"from {tag}0": "MOVED", "from {tag}1": "MOVED", "from {tag}none": "MOVED", "to {tag}0": "0",
	})
	cluster.WaitUntilOK()
	if got := cluster.MasterOf("{tag}"); got != to {
		t.Errorf("MasterOf({tag}) = %s, want %s", got.Addr(), to.Addr())
	}
}

func openCluster(t *testing.T, cluster *redistest.Cluster) *redis.ClusterClient {
	t.Helper()
	options, err := redis.ParseClusterURL(strings.Replace(cluster.URL(), "+cluster", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	configure(t, options.TLSConfig, cluster.Certificates)
	// go-redis refreshes its layout after a MOVED or each minute, not when a master is gone.
	options.ClusterStateReloadInterval = 100 * time.Millisecond
	client := redis.NewClusterClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
