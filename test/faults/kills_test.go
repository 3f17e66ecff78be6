package faults

import (
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
)

// TestKills kills Redis, and then the rpc-servers in turn, again and again while many sends are under way: fifty times
// each in the long form.
func TestKills(t *testing.T) { eachMode(t, "off", kills) }

func kills(t *testing.T, auth *programtest.Auth) {
	redis := startSingle(t)
	s := startStack(t, auth, redis)
	times, atOnce := 4, 4
	if long() {
		times, atOnce = 50, 10
	}
	victims := [][]fault{
		{killing("Redis", redis.Server, nil)},
		{killing("rpc-server 1", s.rpc[0], s.services), killing("rpc-server 2", s.rpc[1], s.services)},
	}
	c := newCampaign(t, s)
	c.load.writers, c.load.pace = 8, 4*time.Millisecond
	for _, victim := range victims {
		for done := 0; done < times && !t.Failed(); {
			c.round(t, func(p *prober) {
				for range min(atOnce, times-done) {
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
