package bench

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is a run's measurements.
type Report struct {
	Kind        Kind    `json:"kind"`
	Connections int     `json:"connections"`
	Chats       int     `json:"chats"`
	ChatsAre    Form    `json:"chats_are"`
	Tokens      bool    `json:"tokens"` // whether requests carried any
	TextBytes   int     `json:"text_bytes"`
	Rate        float64 `json:"rate"` // the schedule; 0 means without one
	Seconds     float64 `json:"seconds"`

	Succeeded int            `json:"succeeded"`
	PerSecond float64        `json:"per_second"` // requests that succeeded
	Failed    map[string]int `json:"failed"`     // by HTTP status, "none" where no answer came
	Latency   Latency        `json:"latency_us"` // of requests that succeeded
	CPU       []CPU          `json:"cpu"`
	ReadBack  ReadBack       `json:"read_back"`
	Live      *LiveReport    `json:"live,omitempty"`
}

// Latency is in microseconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  int64   `json:"p50"`
	P90  int64   `json:"p90"`
	P99  int64   `json:"p99"`
	P999 int64   `json:"p99_9"`
	Max  int64   `json:"max"`
}

// Process is a process whose CPU time is measured.
type Process struct {
	Name string
	PID  int
}

// CPU is a process's usage.
type CPU struct {
	Process     string  `json:"process"`
	PerRequest  float64 `json:"us_per_request"` // microseconds for each request that succeeded
	Utilisation float64 `json:"cores"`          // of one core
}

func (r *run) report(before, after []time.Duration) *Report {
	report := &Report{
		Kind: r.Kind, Connections: r.Connections, Chats: r.Chats,
		ChatsAre: cmp.Or(r.ChatsAre, Open), Tokens: r.Tokens != nil, TextBytes: r.TextBytes, Rate: r.Rate,
		Seconds: r.Duration.Seconds(), Failed: map[string]int{}, CPU: []CPU{},
	}
	latency := newHistogram()
	for _, w := range r.workers {
		latency.Merge(w.latency)
		for status, n := range w.statuses {
			switch status {
			case 200:
				report.Succeeded += n
			case 0:
				report.Failed["none"] += n
			default:
				report.Failed[strconv.Itoa(status)] += n
			}
		}
	}
	report.PerSecond = float64(report.Succeeded) / r.Duration.Seconds()
	report.Latency = latencyOf(latency)
	for i, p := range r.Processes {
		used := after[i] - before[i]
		report.CPU = append(report.CPU, CPU{
			Process:     p.Name,
			PerRequest:  float64(used.Microseconds()) / float64(max(1, report.Succeeded)),
			Utilisation: used.Seconds() / r.Duration.Seconds(),
		})
	}
	return report
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	return Latency{
		Mean: h.Mean(), P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90),
		P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(),
	}
}

func (l Latency) String() string {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return fmt.Sprintf("ms  p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f", ms(l.P50), ms(l.P90), ms(l.P99), ms(l.P999), ms(l.Max))
}

// String formats the report as text.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %d connections  %d chats (%s)  %d bytes", r.Kind, r.Connections, r.Chats, r.ChatsAre, r.TextBytes)
	if r.Tokens {
		b.WriteString("  with tokens")
	}
	if r.Rate > 0 {
		fmt.Fprintf(&b, "  %.0f/s asked", r.Rate)
	}
	fmt.Fprintf(&b, "\n%.0f/s succeeded in %.0f s", r.PerSecond, r.Seconds)
	for _, status := range slices.Sorted(keys(r.Failed)) {
		fmt.Fprintf(&b, ", %d failed with %s", r.Failed[status], status)
	}
	fmt.Fprintf(&b, "\nlatency %s\n", r.Latency)
	for _, c := range r.CPU {
		fmt.Fprintf(&b, "cpu  %-12s %.1f µs/request  %.2f cores\n", c.Process, c.PerRequest, c.Utilisation)
	}
	if r.Live != nil {
		b.WriteString(r.Live.String())
	}
	k := r.ReadBack
	fmt.Fprintf(&b, "read back  %d acknowledged, %d unknown: %d missing, %d doubled, %d out of order, %d strange, %d wrong pages\n",
		k.Acknowledged, k.Unknown, k.Missing, k.Doubled, k.OutOfOrder, k.Strange, k.WrongPages)
	return b.String()
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// clockTick is the unit of /proc/<pid>/stat on Linux: USER_HZ, which is 100 on every architecture of Go.
const clockTick = 10 * time.Millisecond

// cpuTimes reads user and system time of each process (proc(5), fields 14 and 15 of stat).
func cpuTimes(processes []Process) ([]time.Duration, error) {
	times := make([]time.Duration, len(processes))
	for i, p := range processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
		if err != nil {
			return nil, fmt.Errorf("cpu time of %s: %w", p.Name, err)
		}
		// The second field is the program's name in brackets, with arbitrary content.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, errUser := strconv.ParseInt(fields[11], 10, 64)
		system, errSystem := strconv.ParseInt(fields[12], 10, 64)
		if errUser != nil || errSystem != nil {
			return nil, fmt.Errorf("cpu time of %s: %s", p.Name, stat)
		}
		times[i] = time.Duration(user+system) * clockTick
	}
	return times, nil
}
