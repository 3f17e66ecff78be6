package faults

import (
	"testing"
	"time"
)

// TestKills kills Redis, and then the rpc-servers in turn, again and again while many sends are under way: fifty times
// each in the long form.
func TestKills(t *testing.T) {
	redis := startSingle(t)
	s := startStack(t, redis)
	kills, atOnce := 4, 4
	if long() {
		kills, atOnce = 50, 10
	}
	victims := [][]fault{
		{killing("Redis", redis.Server, nil)},
		{killing("rpc-server 1", s.rpc[0], s.services), killing("rpc-server 2", s.rpc[1], s.services)},
	}
	c := newCampaign(t, s)
	c.load.writers, c.load.pace = 8, 4*time.Millisecond
	for _, victim := range victims {
		for done := 0; done < kills && !t.Failed(); {
			c.round(t, func(p *prober) {
				for range min(atOnce, kills-done) {
					hold := 20*time.Millisecond + time.Duration(c.random.Int64N(int64(100*time.Millisecond)))
					c.recoveries.suffer(t, p, victim[done%len(victim)], hold, s.services)
					done++
					<-time.After(100 * time.Millisecond) // of work
				}
			})
		}
	}
	c.report(t)
}
