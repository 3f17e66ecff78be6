package redistest

import (
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// slots is how many slots a cluster has.
const slots = 16384

// Cluster is a Redis Cluster of three masters with one replica each. A replica takes over from a master that was killed
// or stopped a second later. Slots without a master leave the others in service.
type Cluster struct {
	Certificates

	t     testing.TB
	nodes []*Server
}

// StartCluster starts all six nodes, with further arguments as for Start. It waits until every node reports that the
// cluster is in order, and the replicas are in sync. Each master serves a third of the slots.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	Need(t)
	return startCluster(t, Certificates{}, args)
}

// StartClusterTLS is StartCluster with nodes that speak only TLS, also with each other.
func StartClusterTLS(t testing.TB, args ...string) *Cluster {
	t.Helper()
	Need(t)
	return startCluster(t, newCertificates(t), args)
}

func startCluster(t testing.TB, certificates Certificates, args []string) *Cluster {
	t.Helper()
	c := &Cluster{Certificates: certificates, t: t}
	for range 6 {
		own := append(replication(args), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-announce-ip", "127.0.0.1", "--cluster-node-timeout", brisk, "--cluster-require-full-coverage", "no")
		c.nodes = append(c.nodes, start(t, certificates, append(own, args...)))
	}
	c.join()
	c.WaitUntilOK()
	for _, s := range c.nodes {
		s.alert = func() { c.suspectAfter(brisk) }
	}
	return c
}

// calm is how many milliseconds a server may be silent before others take over, while the test makes none fail. A busy
// machine alone then causes no failover.
const calm = "15000"

// brisk is the same while the test makes some fail.
const brisk = "1000"

// suspectAfter sets the time of silence after which a node counts as down.
func (c *Cluster) suspectAfter(milliseconds string) {
	for _, s := range c.nodes {
		if s.running() {
			_, _ = s.ask("CONFIG", "SET", "cluster-node-timeout", milliseconds)
		}
	}
}

// join makes a cluster of the nodes. It introduces all to each other, which is quicker than gossip. Each starts with
// its own epoch, so that none needs agreement.
func (c *Cluster) join() {
	c.t.Helper()
	for i, s := range c.nodes {
		c.must(s, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i < 3 {
			c.must(s, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(slots*i/3), strconv.Itoa(slots*(i+1)/3-1))
		}
	}
	for i, s := range c.nodes {
		for _, other := range c.nodes[:i] {
			c.must(s, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.port))
		}
	}
	for i, replica := range c.nodes[3:] {
		master := c.node(c.nodes[i]).id
		await(c.t, func() error {
			if _, err := replica.ask("CLUSTER", "REPLICATE", master); err != nil {
				return fmt.Errorf("CLUSTER REPLICATE: %w", err) // until they have met
			}
			return nil
		}, c.nodes...)
	}
}

// URL is a value for REDIS_URL: redis+cluster:// or rediss+cluster:// with the addresses of all nodes, and credentials
// if any.
func (c *Cluster) URL() string {
	query := url.Values{}
	for _, s := range c.nodes[1:] {
		query.Add("addr", s.Addr())
	}
	return (&url.URL{
		Scheme: c.scheme() + "+cluster", User: c.nodes[0].credentials, Host: c.nodes[0].Addr(), RawQuery: query.Encode(),
	}).String()
}

// Servers are all six, in any role: the first three were the first masters.
func (c *Cluster) Servers() []*Server { return append([]*Server(nil), c.nodes...) }

// Masters are the running nodes that serve slots now, in the order of Servers.
func (c *Cluster) Masters() []*Server {
	c.t.Helper()
	var masters []*Server
	await(c.t, func() error {
		nodes, err := c.view()
		if err != nil {
			return err
		}
		masters = nil
		owners := owners(nodes)
		for _, n := range nodes {
			if serves(owners, n.id) {
				masters = append(masters, n.server)
			}
		}
		return nil
	}, c.nodes...)
	return masters
}

// Slot is the slot of a key.
func (c *Cluster) Slot(key string) int {
	c.t.Helper()
	slot, _ := c.must(c.anyRunning(), "CLUSTER", "KEYSLOT", key).(int64)
	return int(slot)
}

// MasterOf returns the node that serves a key's slot now. It waits while there is none.
func (c *Cluster) MasterOf(key string) *Server {
	c.t.Helper()
	return c.owner(c.Slot(key))
}

func (c *Cluster) owner(slot int) *Server {
	c.t.Helper()
	var owner *Server
	await(c.t, func() error {
		nodes, err := c.view()
		if err != nil {
			return err
		}
		id := owners(nodes)[slot]
		for _, n := range nodes {
			if n.id == id {
				owner = n.server
				return nil
			}
		}
		return fmt.Errorf("no running node serves slot %d", slot)
	}, c.nodes...)
	return owner
}

// ReplicaOf returns a running replica of the given node, which may have been killed.
func (c *Cluster) ReplicaOf(master *Server) *Server {
	c.t.Helper()
	var replica *Server
	await(c.t, func() error {
		nodes, err := c.view()
		if err != nil {
			return err
		}
		id, err := c.idOf(master, nodes)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.master == id {
				replica = n.server
				return nil
			}
		}
		return fmt.Errorf("no running node replicates %s", master.Addr())
	}, c.nodes...)
	return replica
}

// Failover makes a replica take over from its running master, and waits until the cluster is in order again. It returns
// the time from the command until every node knew the new master.
func (c *Cluster) Failover(replica *Server) time.Duration {
	c.t.Helper()
	start := time.Now()
	c.suspectAfter(brisk) // for twice that time after a vote, masters give none in the same shard
	var ordered time.Time
	await(c.t, func() error {
		// The replica gives up after 5 s, for instance when the masters have just voted in its shard.
		if time.Since(ordered) > 6*time.Second {
			if _, err := replica.ask("CLUSTER", "FAILOVER"); err != nil {
				return fmt.Errorf("CLUSTER FAILOVER: %w", err)
			}
			ordered = time.Now()
		}
		return c.servedBy(replica)
	}, c.nodes...)
	took := time.Since(start)
	c.WaitUntilOK()
	return took
}

// WaitUntilMaster waits until a node, such as the replica of a killed one, serves slots in the view of every running
// node.
func (c *Cluster) WaitUntilMaster(s *Server) {
	c.t.Helper()
	await(c.t, func() error { return c.servedBy(s) }, c.nodes...)
}

// WaitUntilOK waits until all running nodes report an intact cluster: they agree on all slots and see each other as up,
// every slot is served by one of them, and their replicas are in sync. At most one node of a shard may be down, and
// none stopped.
func (c *Cluster) WaitUntilOK() {
	c.t.Helper()
	await(c.t, c.ok, c.nodes...)
	c.suspectAfter(calm)
}

func (c *Cluster) servedBy(s *Server) error {
	nodes, err := c.view()
	if err != nil {
		return err
	}
	id, err := c.idOf(s, nodes)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if !serves(owners(n.sees), id) {
			return fmt.Errorf("for %s, no slot is served by %s", n.server.Addr(), s.Addr())
		}
	}
	return nil
}

func (c *Cluster) ok() error {
	nodes, err := c.view()
	if err != nil {
		return err
	}
	byID := map[string]node{}
	for _, n := range nodes {
		byID[n.id] = n
	}
	served := owners(nodes)
	for slot, owner := range served {
		if owner == "" {
			return fmt.Errorf("no running node serves slot %d", slot)
		}
	}
	for _, n := range nodes {
		answer, err := n.server.ask("CLUSTER", "INFO")
		if err != nil {
			return err
		}
		if state, _ := lookUp(answer, "cluster_state"); state != "ok" {
			return fmt.Errorf("for %s the cluster's state is %s", n.server.Addr(), state)
		}
		if owners(n.sees) != served {
			return fmt.Errorf("for %s the slots are served by others", n.server.Addr())
		}
		if err := n.seesAll(nodes); err != nil {
			return err
		}
		if n.master == "" {
			continue
		}
		master, ok := byID[n.master]
		if !ok || master.master != "" {
			return fmt.Errorf("%s replicates node %s, which is no running master", n.server.Addr(), n.master)
		}
		if err := isReplicaOf(n.server, master.server); err != nil {
			return err
		}
	}
	return nil
}

// must sends a command that succeeds in an intact cluster.
func (c *Cluster) must(s *Server, command ...string) any {
	c.t.Helper()
	answer, err := s.ask(command...)
	if err != nil {
		c.t.Fatalf("%s at %s: %v\n%s", command, s.Addr(), err, s.logTail())
	}
	return answer
}

func (c *Cluster) anyRunning() *Server {
	c.t.Helper()
	for _, s := range c.nodes {
		if s.running() {
			return s
		}
	}
	c.t.Fatal("no node of the cluster runs")
	return nil
}
