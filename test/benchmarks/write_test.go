package benchmarks

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// write makes README.md and the plots in folder. Every figure is the median over the rounds, every ratio the median
// of the rounds' own ratios.
func (r *results) write(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	r.plotLatency(t, filepath.Join(folder, "latency.svg"))
	r.plotThroughput(t, filepath.Join(folder, "throughput.svg"))
	r.plotPages(t, filepath.Join(folder, "pages.svg"))
	var b bytes.Buffer
	r.writeHead(t, &b)
	r.writeMain(&b)
	r.writeRatios(&b)
	r.writePeers(&b)
	r.writeFollow(&b)
	r.writeIdentity(&b)
	r.writeInboxes(&b)
	r.writeLive(&b)
	r.writeCurves(&b)
	if err := os.WriteFile(filepath.Join(folder, "README.md"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r *results) writeHead(t *testing.T, b *bytes.Buffer) {
	fmt.Fprintf(b, `# Benchmarks

Written by %[1]smake bench%[1]s on %[2]s; do not edit. Medians over %[3]d rounds; every ratio is the median of the rounds' own
ratios, so both of its sides were measured within minutes of each other.

| | |
| --- | --- |
| machine | %[4]d cores of %[5]s, shared with the load generator |
| versions | %[6]s, %[7]s |
| Redis | one process, in memory, where nothing else is said |
| load | 64 connections, 1,000 chats, texts of 40 bytes, pages of 20 out of histories of 40, where nothing else is said |
| servers | http-server and rpc-server apart, LOG_LEVEL=warn: no access log |
| read-back | every acknowledged message of every run was read again: none missing, doubled or out of order |

`, "`", time.Now().UTC().Format(time.DateOnly), r.rounds, runtime.NumCPU(), cpuModel(), runtime.Version(), redisVersion(t))
}

func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func redisVersion(t *testing.T) string {
	t.Helper()
	output, err := exec.Command("redis-server", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(output))[:3], " ")
}

func (r *results) writeMain(b *bytes.Buffer) {
	fmt.Fprint(b, "## Sends, pulls, and what bounds them\n\n"+
		"| load | per second | p50 ms | p99 ms | CPU µs per request: http-server | rpc-server | Redis |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, row := range [][2]string{
		{"send", "send"},
		{"pull of 20", "pull"},
		{"mixed: nine pulls to one send", "mixed"},
		{"send, at half of full load", "send half"},
		{"send, 256 connections, which saturate it", "send saturated"},
		{"send, 2,560 connections: overload, accepted requests", "send overload"},
		{"send, Redis with an append-only file, fsync every second", "send durable"},
		{"floor: both hops without storage, send", "send floor"},
		{"floor: Hertz alone, send", "send hertz"},
	} {
		name := row[1]
		fmt.Fprintf(b, "| %s | %s | %.2f | %.2f | %s | %s | %s |\n", row[0], thousands(r.rate[name].median()),
			r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000,
			cpu(r.micros[name+" cpu http-server"]), cpu(r.micros[name+" cpu rpc-server"]), cpu(r.micros[name+" cpu redis"]))
	}
	fmt.Fprint(b, "\nUnder overload the other requests were refused at once, by status over all rounds:")
	for _, status := range slices.Sorted(maps.Keys(r.failed)) {
		fmt.Fprintf(b, " %s of %s", thousands(float64(r.failed[status])), status)
	}
	fmt.Fprintln(b, ". A rejected client retries after about the second in Retry-After.")
}

func (r *results) writeRatios(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## Ratios\n\n| | |\n| --- | --- |\n")
	rate := func(name string) series { return r.rate[name] }
	row := func(what string, value float64) { fmt.Fprintf(b, "| %s | %.2f |\n", what, value) }
	row("send / both hops without storage", ratio(rate("send"), rate("send floor")))
	row("send / Hertz alone", ratio(rate("send"), rate("send hertz")))
	row("page of a million messages / of a hundred, time", ratio(r.micros["page 1000000"], r.micros["page 100"]))
	row("p99 of accepted requests at 2,560 connections / at 256", ratio(r.micros["send overload p99"], r.micros["send saturated p99"]))
}

func (r *results) writeCurves(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## Latency of a send by offered load\n\nRequests are due on a fixed schedule, and late ones are counted from when they were due.\n\n"+
		"![latency by offered load](latency.svg)\n\n| of full load | per second | p50 ms | p99 ms |\n| --- | --- | --- | --- |\n")
	for _, fraction := range loadFractions {
		name := fmt.Sprint("send at ", fraction)
		fmt.Fprintf(b, "| %.0f %% | %s | %.2f | %.2f |\n", 100*fraction, thousands(r.rate[name].median()),
			r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000)
	}
	fmt.Fprint(b, "\n## Throughput by connections\n\n![throughput by connections](throughput.svg)\n\n| connections | send/s | p99 ms | pull/s | p99 ms |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range connectionCounts {
		send, pull := fmt.Sprint("send by ", c), fmt.Sprint("pull by ", c)
		fmt.Fprintf(b, "| %d | %s | %.2f | %s | %.2f |\n", c, thousands(r.rate[send].median()), r.micros[send+" p99"].median()/1000,
			thousands(r.rate[pull].median()), r.micros[pull+" p99"].median()/1000)
	}
	fmt.Fprint(b, "\n## A page of 20 by the length of its chat\n\nOne request after the other over one connection, from anywhere in the chat.\n\n"+
		"![page time by chat length](pages.svg)\n\n| messages | median µs |\n| --- | --- |\n")
	for _, n := range chatLengths {
		fmt.Fprintf(b, "| %s | %.0f |\n", thousands(float64(n)), r.micros[fmt.Sprint("page ", n)].median())
	}
	fmt.Fprint(b, "\n## Redis memory of a message\n\n| text bytes | Redis bytes |\n| --- | --- |\n")
	for _, size := range textSizes {
		fmt.Fprintf(b, "| %d | %.0f |\n", size, r.bytes[size])
	}
	fmt.Fprint(b, "\n## Comparing two commits\n\n"+
		"`make --silent bench-go COUNT=10 > old.txt` on one commit, `> new.txt` on the other, then `go run golang.org/x/perf/cmd/benchstat@latest old.txt new.txt`.\n"+
		"The Go benchmarks cover an append, a range read, and a whole send and pull through both hops, with allocations.\n")
}

func cpu(s series) string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", s.median())
}

// thousands writes 12345.6 as 12,346.
func thousands(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func (r *results) plotLatency(t *testing.T, path string) {
	p := newPlot("Latency of a send by offered load", "sends per second", "ms")
	var p50, p99 plotter.XYs
	for _, fraction := range loadFractions {
		name := fmt.Sprint("send at ", fraction)
		rate := r.rate[name].median()
		p50 = append(p50, plotter.XY{X: rate, Y: r.micros[name+" p50"].median() / 1000})
		p99 = append(p99, plotter.XY{X: rate, Y: r.micros[name+" p99"].median() / 1000})
	}
	save(t, p, path, "p99", p99, "p50", p50)
}

func (r *results) plotThroughput(t *testing.T, path string) {
	p := newPlot("Throughput by connections", "connections", "requests per second")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(connectionCounts)
	var sends, pulls plotter.XYs
	for _, c := range connectionCounts {
		sends = append(sends, plotter.XY{X: float64(c), Y: r.rate[fmt.Sprint("send by ", c)].median()})
		pulls = append(pulls, plotter.XY{X: float64(c), Y: r.rate[fmt.Sprint("pull by ", c)].median()})
	}
	save(t, p, path, "send", sends, "pull of 20", pulls)
}

func (r *results) plotPages(t *testing.T, path string) {
	p := newPlot("A page of 20 by the length of its chat", "messages in the chat", "median µs")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(chatLengths)
	var times plotter.XYs
	for _, n := range chatLengths {
		times = append(times, plotter.XY{X: float64(n), Y: r.micros[fmt.Sprint("page ", n)].median()})
	}
	save(t, p, path, "page of 20", times)
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	return p
}

func ticks(values []int) plot.ConstantTicks {
	var marks plot.ConstantTicks
	for _, n := range values {
		marks = append(marks, plot.Tick{Value: float64(n), Label: thousands(float64(n))})
	}
	return marks
}

func save(t *testing.T, p *plot.Plot, path string, lines ...any) {
	t.Helper()
	if err := plotutil.AddLinePoints(p, lines...); err != nil {
		t.Fatal(err)
	}
	p.Y.Min = 0
	var highest float64
	for _, line := range lines {
		if points, ok := line.(plotter.XYs); ok {
			highest = max(highest, slices.MaxFunc(points, func(a, b plotter.XY) int { return int(a.Y - b.Y) }).Y)
		}
	}
	p.Y.Max = 1.15 * highest
	if err := p.Save(16*vg.Centimeter, 9*vg.Centimeter, path); err != nil {
		t.Fatal(err)
	}
}
