package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/test/faults/history"
)

// recoverWithin limits the time to the first success once everything runs again. The short form runs on busy machines
// too, and finds code that waits for a timer.
func recoverWithin() time.Duration {
	if long() {
		return time.Second
	}
	return 5 * time.Second
}

const (
	probeEvery  = 20 * time.Millisecond
	probeClient = 1_000_000 // above all clients of a load
	probing     = "prober"  // the sender of probes
)

// prober measures the time to a successful send. Its sends are part of the history.
type prober struct {
	recorder *history.Recorder
	chat     string
	number   int // of the next probe
	probes   sync.WaitGroup
}

// wait waits for the answers to all probes.
func (p *prober) wait() { p.probes.Wait() }

// success sends through each service repeatedly without waiting for answers. It returns the time until each service had
// a success, and false if ctx ended before.
func (p *prober) success(ctx context.Context, services []chat.Service) (time.Duration, bool) {
	began := time.Now()
	succeeded := make(chan bool, len(services))
	for _, service := range services {
		first := p.number
		p.number += 1000
		p.probes.Go(func() { succeeded <- p.one(ctx, service, first) })
	}
	all := true
	for range services {
		all = <-succeeded && all
	}
	return time.Since(began), all
}

func (p *prober) one(ctx context.Context, service chat.Service, first int) bool {
	success := make(chan struct{}, 1)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := first; ; n++ {
		p.probes.Go(func() {
			call, cancel := context.WithTimeout(programtest.As(context.WithoutCancel(ctx), probing), callTimeout)
			defer cancel()
			m := chat.Message{Chat: p.chat, Sender: probing, Text: fmt.Sprint("probe ", n)}
			if p.recorder.Send(call, probeClient+n, service, m).Outcome == history.Acknowledged {
				select {
				case success <- struct{}{}:
				default:
				}
			}
		})
		select {
		case <-success:
			return true
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// recoveries are the measured times, by part and kind of fault.
type recoveries map[[2]string]*recovery

type recovery struct {
	faults int
	during []time.Duration // from the strike to a success over the remaining servers
	after  []time.Duration // from the heal to a success
}

func (r recoveries) of(f fault) *recovery {
	key := [2]string{strings.NewReplacer(" 1", "", " 2", "").Replace(f.part), f.kind} // of either server
	if r[key] == nil {
		r[key] = &recovery{}
	}
	return r[key]
}

// table formats them in Markdown, in milliseconds. A cell is empty where no service was left, or none succeeded.
func (r recoveries) table() string {
	var b strings.Builder
	b.WriteString("| part | fault | times | struck → success, median | max | healed → success, median | max |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, key := range slices.SortedFunc(maps.Keys(r), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		row := r[key]
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", key[0], key[1], row.faults, medianAndMax(row.during), medianAndMax(row.after))
	}
	return b.String()
}

func medianAndMax(times []time.Duration) string {
	if len(times) == 0 {
		return " | "
	}
	sorted := slices.Sorted(slices.Values(times))
	return fmt.Sprintf("%.0f ms | %.0f ms", milliseconds(sorted[len(sorted)/2]), milliseconds(sorted[len(sorted)-1]))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// suffer runs one fault for a while, and records the times to successful sends. all are the services once the part runs
// again.
func (r recoveries) suffer(t *testing.T, p *prober, f fault, hold time.Duration, all []chat.Service) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hold)
	defer cancel()
	f.strike()
	row := r.of(f)
	row.faults++
	if len(f.left) > 0 {
		if d, ok := p.success(ctx, f.left); ok {
			row.during = append(row.during, d)
		}
	}
	<-ctx.Done()
	f.heal()
	ctx, cancel = context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d, ok := p.success(ctx, all)
	if !ok || d > recoverWithin() {
		t.Errorf("%s: %s for %v: no success within %v of its end; it took %v (%v)", f.part, f.kind, hold, recoverWithin(), d, ok)
	}
	row.after = append(row.after, d)
}
