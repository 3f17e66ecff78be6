package faults

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
)

// TestSoak: under load and a fault every few seconds, surviving programs do not grow in memory, descriptors or threads.
// It runs only in the long form, for FAULTS_SOAK. It runs once, with AUTH=on unless FAULTS_AUTH says otherwise: that
// covers all code of AUTH=off.
func TestSoak(t *testing.T) {
	if !long() {
		t.Skip("make faults runs it")
	}
	var auth *programtest.Auth
	if os.Getenv("FAULTS_AUTH") != "off" {
		auth = programtest.NewAuth(t)
	}
	redis := startSingle(t)
	s := startLinkedStack(t, auth, redis)
	// Of each two programs, the first is stopped and cut off but never killed.
	faults := append(redis.Faults(), s.faults()...)
	for _, l := range append(s.above, s.below...) {
		for _, f := range l.Faults() {
			f.left = s.services
			faults = append(faults, f)
		}
	}
	killsFirst := func(f fault) bool {
		return f.kind == "kill -9" && (f.part == "rpc-server 1" || f.part == "http-server 1")
	}
	c := newCampaign(t, s)
	samples := startSampling(t)
	for i := range 2 {
		samples.watch(fmt.Sprint("rpc-server ", i+1), s.rpc[i])
		samples.watch(fmt.Sprint("http-server ", i+1), s.http[i])
	}
	const between, perRound = 2 * time.Second, 6
	for end := time.Now().Add(duration(t, "FAULTS_SOAK", 100*time.Second)); time.Now().Before(end) && !t.Failed(); {
		c.round(t, func(p *prober) {
			for n := 0; n < perRound; {
				f := faults[c.random.IntN(len(faults))]
				if killsFirst(f) {
					continue
				}
				<-time.After(between)
				c.recoveries.suffer(t, p, f, c.hold(n), s.services)
				n++
			}
		})
	}
	taken := samples.stop()
	for _, name := range []string{"http-server 1", "rpc-server 1"} {
		for _, growth := range taken.growths(name) {
			t.Error(growth)
		}
	}
	if folder := os.Getenv("FAULTS_REPORT"); folder != "" {
		taken.write(t, folder)
	}
	c.report(t)
}
