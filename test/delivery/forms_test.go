package delivery

import (
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestCluster replaces the masters of a cluster with failovers, and moves slots with the channels of their chats.
func TestCluster(t *testing.T) {
	if !long() {
		t.Skip("make delivery runs it")
	}
	eachMode(t, modes, onCluster)
}

func onCluster(t *testing.T, auth *programtest.Auth) {
	redis := redistest.StartCluster(t, "--appendfsync", "always")
	s := startPrograms(t, auth, redis.URL(), direct, neverSwept)
	s.master = redis.MasterOf
	var moving *redistest.Migration
	faults := []fault{
		{
			name: "a cluster's master, failover ordered", times: 1,
			strike: func(n int) { redis.Failover(redis.ReplicaOf(redis.Masters()[n%3])) }, heal: func(int) {},
		},
		{
			name: "a slot moves", times: 2, hold: 200 * time.Millisecond,
			strike: func(n int) {
				key := partition(t, s.chats[21+n]) + ":activity" // of a chat that is quiet afterwards
				masters, i := redis.Masters(), 0
				if masters[i] == redis.MasterOf(key) {
					i = 1
				}
				moving = redis.Migrate(redis.Slot(key), masters[i])
				moving.MoveKeys(2)
			},
			heal: func(int) { moving.Finish() },
		},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) { report(t, endure(t, s, f)) })
	}
}

// TestSentinel kills the master behind Sentinels. A message is acknowledged once a replica has it too.
func TestSentinel(t *testing.T) {
	if !long() {
		t.Skip("make delivery runs it")
	}
	eachMode(t, modes, onSentinel)
}

func onSentinel(t *testing.T, auth *programtest.Auth) {
	redis := redistest.StartSentinel(t, "--appendfsync", "always")
	s := startPrograms(t, auth, redis.URL(), direct, neverSwept, "REDIS_MIN_REPLICAS=1")
	s.master = func(string) *redistest.Server { return redis.Master() }
	var old *redistest.Server
	f := fault{
		name: "master below Sentinels, kill -9", times: 1, hold: time.Second,
		strike: func(int) { old = redis.Master(); old.Kill() },
		heal:   func(int) { redis.WaitForMaster(old); old.Restart(); redis.WaitUntilInSync() },
	}
	t.Run(f.name, func(t *testing.T) { report(t, endure(t, s, f)) })
}
