package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// LiveReport compares deliveries to watchers with the messages sent.
type LiveReport struct {
	Transport Transport `json:"door"`
	Watchers  int       `json:"watchers"`

	Expected   int     `json:"expected"`  // acknowledged messages, once for each watcher of the chat
	Delivered  int     `json:"delivered"` // of these
	Pages      int     `json:"pages"`     // frames, events or answers that carried them
	Failed     int     `json:"failed"`    // watchers whose connection ended too early
	Missing    int     `json:"missing"`
	Doubled    int     `json:"doubled"`
	OutOfOrder int     `json:"out_of_order"`
	Latency    Latency `json:"latency_us"` // from the sender's answer to the watcher; at least 0

	Memory []Memory `json:"memory"`
}

// Faults returns how many deliveries and watchers failed.
func (l *LiveReport) Faults() int { return l.Failed + l.Missing + l.Doubled + l.OutOfOrder }

// Memory is a process's memory for its watchers, before the first message.
type Memory struct {
	Process    string  `json:"process"`
	Before     int64   `json:"rss_before"` // bytes
	After      int64   `json:"rss_after"`  // bytes, with the watchers connected
	PerWatcher float64 `json:"bytes_per_watcher"`
}

// settleFor is the time between connecting the watchers and measuring memory. deliverWithin is the time for missing
// deliveries after the last message.
const (
	settleFor     = 3 * time.Second
	deliverWithin = 10 * time.Second
)

// watchers are the watchers of a run.
type watchers struct {
	run      *run
	all      []*watcher
	failed   atomic.Int64
	memory   []Memory
	running  sync.WaitGroup
	stop     context.CancelFunc
	received atomic.Int64
}

// watch connects the watchers, in a few sequences at once, and returns when all are connected.
func (r *run) startWatchers(ctx context.Context) (*watchers, error) {
	before, err := residentSizes(r.Processes)
	if err != nil {
		return nil, err
	}
	service, err := r.service()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	w := &watchers{run: r, stop: stop}
	connected := make(chan error, r.Watchers)
	rows := make(chan struct{}, 16)
	for n := range r.Watchers {
		one := &watcher{chat: n % r.Chats, received: &w.received, authorization: service.authorization}
		w.all = append(w.all, one)
		w.running.Go(func() {
			rows <- struct{}{}
			err := one.connect(ctx, r.target.host, r.Transport, r.chat(one.chat))
			<-rows
			connected <- err
			if err == nil && one.read(ctx) != nil && ctx.Err() == nil {
				w.failed.Add(1)
			}
		})
	}
	for range r.Watchers {
		if err := <-connected; err != nil {
			w.close()
			return nil, fmt.Errorf("connect a watcher: %w", err)
		}
	}
	<-time.After(r.settle)
	after, err := residentSizes(r.Processes)
	for i, p := range r.Processes {
		w.memory = append(w.memory, Memory{p.Name, before[i], after[i], float64(after[i]-before[i]) / float64(max(1, r.Watchers))})
	}
	return w, err
}

func (w *watchers) close() {
	w.stop()
	w.running.Wait()
}

// report waits for missing deliveries, then compares.
func (w *watchers) report() *LiveReport {
	acked := make([]map[int64]time.Time, w.run.Chats) // position → time of the acknowledgement
	for _, worker := range w.run.workers {
		for _, m := range worker.messages {
			if m.sendTime > 0 {
				if acked[m.chat] == nil {
					acked[m.chat] = map[int64]time.Time{}
				}
				acked[m.chat][m.sendTime] = m.acked
			}
		}
	}
	report := &LiveReport{Transport: w.run.Transport, Watchers: len(w.all), Memory: w.memory}
	for _, one := range w.all {
		report.Expected += len(acked[one.chat])
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(w.run.deliverWithin); w.received.Load() < int64(report.Expected) && time.Now().Before(end); {
		<-tick.C
	}
	w.close()
	report.Failed = int(w.failed.Load())
	latency := newHistogram()
	for _, one := range w.all {
		report.Pages += one.pages
		last, seen := int64(0), map[int64]bool{}
		for _, g := range one.got {
			at, ok := acked[one.chat][g.sendTime]
			switch {
			case seen[g.sendTime]:
				report.Doubled++
				continue
			case g.sendTime < last:
				report.OutOfOrder++
			}
			last, seen[g.sendTime] = g.sendTime, true
			if ok {
				report.Delivered++
				_ = latency.RecordValue(max(1, g.at.Sub(at).Microseconds()))
			}
		}
	}
	report.Missing = report.Expected - report.Delivered
	report.Latency = latencyOf(latency)
	return report
}

// String formats the report as text.
func (l *LiveReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "live  %s  %d watchers: %d of %d delivered in %d pages: %d missing, %d doubled, %d out of order\n",
		l.Transport, l.Watchers, l.Delivered, l.Expected, l.Pages, l.Missing, l.Doubled, l.OutOfOrder)
	if l.Delivered > 0 {
		fmt.Fprintf(&b, "from the sender's answer to the watcher %s\n", l.Latency)
	}
	if l.Failed > 0 {
		fmt.Fprintf(&b, "%d watchers lost their connections\n", l.Failed)
	}
	for _, m := range l.Memory {
		fmt.Fprintf(&b, "memory  %-12s %.1f MB before, %.1f MB with the watchers: %.1f KB each\n",
			m.Process, float64(m.Before)/1e6, float64(m.After)/1e6, m.PerWatcher/1e3)
	}
	return b.String()
}

// residentSizes reads VmRSS of each process (proc(5)), in bytes.
func residentSizes(processes []Process) ([]int64, error) {
	sizes := make([]int64, len(processes))
	for i, p := range processes {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
		if err != nil {
			return nil, fmt.Errorf("memory of %s: %w", p.Name, err)
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			return nil, fmt.Errorf("memory of %s: %s", p.Name, status)
		}
		kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("memory of %s: %w", p.Name, err)
		}
		sizes[i] = kilobytes << 10
	}
	return sizes, nil
}
