package faults

import (
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestSentinel takes the master away from a stack over Sentinels. A message is acknowledged when a replica has it too.
func TestSentinel(t *testing.T) {
	if !long() {
		t.Skip("make faults runs it")
	}
	eachMode(t, "off", func(t *testing.T, auth *programtest.Auth) {
		redis := watched{redistest.StartSentinel(t, "--appendfsync", "always")}
		newCampaign(t, startStack(t, auth, redis, "REDIS_MIN_REPLICAS=1")).failOver(t, redis)
	})
}

// TestCluster is TestSentinel over a cluster, where each master has one replica. Its chats have no second copy, and are
// refused, until a killed master is back.
func TestCluster(t *testing.T) {
	if !long() {
		t.Skip("make faults runs it")
	}
	eachMode(t, "off", func(t *testing.T, auth *programtest.Auth) {
		redis := sharded{redistest.StartCluster(t, "--appendfsync", "always")}
		newCampaign(t, startStack(t, auth, redis, "REDIS_MIN_REPLICAS=1")).failOver(t, redis)
	})
}

// failOver lets each of the faults happen five times, for long enough that another master takes over.
func (c *campaign) failOver(t *testing.T, redis backing) {
	t.Helper()
	const times, enough = 5, 4 * time.Second
	for range times {
		c.round(t, func(p *prober) {
			for _, f := range redis.Faults() {
				f.left = c.stack.services
				c.recoveries.suffer(t, p, f, enough, c.stack.services)
			}
		})
	}
	c.report(t)
}

// watched is a master with replicas and Sentinels.
type watched struct{ *redistest.Sentinel }

var _ backing = watched{}

// Faults implements backing. SENTINEL FAILOVER is not among them: it does not stop the old master first. Messages that
// arrive there meanwhile are acknowledged by the other replica, and lost; see docs/reliability.md.
func (w watched) Faults() []fault {
	var old *redistest.Server
	back := func(again func(*redistest.Server)) func() {
		return func() {
			w.WaitForMaster(old)
			again(old)
			w.WaitUntilInSync()
		}
	}
	return []fault{
		{
			part: "master below Sentinels", kind: "kill -9",
			strike: func() { old = w.Master(); old.Kill() }, heal: back((*redistest.Server).Restart),
		},
		{
			part: "master below Sentinels", kind: "SIGSTOP",
			strike: func() { old = w.Master(); old.Stop() }, heal: back((*redistest.Server).Continue),
		},
	}
}

// sharded is a cluster.
type sharded struct{ *redistest.Cluster }

var _ backing = sharded{}

// Faults implements backing. Any master has a third of the chats.
func (s sharded) Faults() []fault {
	var old *redistest.Server
	return []fault{
		{
			part: "a cluster's master", kind: "kill -9",
			strike: func() { old = s.Masters()[0]; old.Kill() },
			heal:   func() { old.Restart(); s.WaitUntilOK() },
		},
		{
			part: "a cluster's master", kind: "failover ordered",
			strike: func() { s.Failover(s.ReplicaOf(s.Masters()[0])) }, heal: func() {},
		},
	}
}
