package faults

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/pullchat/pullchat/internal/programtest"
)

// sample is a process's usage at one moment.
type sample struct {
	at   time.Duration
	name string
	pid  int
	took [4]float64 // in the order of measures
}

// measures are the sampled values, each with the increase beyond a quarter that counts as growth.
var measures = [4]struct {
	name  string
	slack float64
}{{"RSS MB", 8}, {"descriptors", 20}, {"threads", 5}, {"goroutines", 20}}

type samples []sample

// sampler samples processes once a second from /proc.
type sampler struct {
	end   chan struct{}
	ended chan struct{}

	mutex   sync.Mutex
	watched map[string]*programtest.Process
	taken   samples
}

func startSampling(t *testing.T) *sampler {
	t.Helper()
	s := &sampler{end: make(chan struct{}), ended: make(chan struct{}), watched: make(map[string]*programtest.Process)}
	go s.run(time.Now())
	return s
}

// watch adds a process under a name.
func (s *sampler) watch(name string, process *programtest.Process) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.watched[name] = process
}

// stop ends the sampling and returns the samples.
func (s *sampler) stop() samples {
	close(s.end)
	<-s.ended
	return s.taken
}

func (s *sampler) run(began time.Time) {
	defer close(s.ended)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.end:
			return
		case <-tick.C:
		}
		s.mutex.Lock()
		watched := maps.Clone(s.watched)
		s.mutex.Unlock()
		for name, process := range watched {
			pid := process.PID()
			if took, ok := look(pid, process.Debug()); ok { // else it was killed or is stopped
				s.taken = append(s.taken, sample{at: time.Since(began), name: name, pid: pid, took: took})
			}
		}
	}
}

// look reads a process's usage from proc(5) and its debug server.
func look(pid int, debug string) (took [4]float64, ok bool) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return took, false
	}
	descriptors, err := os.ReadDir(filepath.Join(folder, "fd"))
	if err != nil {
		return took, false
	}
	goroutines, err := countGoroutines(debug)
	if err != nil {
		return took, false
	}
	field := func(name string) float64 {
		_, after, _ := strings.Cut(string(status), "\n"+name+":")
		value, _ := strconv.ParseFloat(strings.Fields(after + " 0")[0], 64)
		return value
	}
	return [4]float64{field("VmRSS") / 1024, float64(len(descriptors)), field("Threads"), goroutines}, true
}

// countGoroutines reads the first line of the profile, "goroutine profile: total 42".
func countGoroutines(debug string) (n float64, err error) {
	asking := http.Client{Timeout: 500 * time.Millisecond}
	defer asking.CloseIdleConnections()
	response, err := asking.Get("http://" + debug + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = fmt.Fscanf(response.Body, "goroutine profile: total %g", &n)
	return n, err
}

// growths returns the measures that were higher in the last third of a process's life than in the second. The first
// third fills caches and connections.
func (s samples) growths(name string) []string {
	var own samples
	for _, one := range s {
		if one.name == name {
			own = append(own, one)
		}
	}
	if len(own) < 9 || own[0].pid != own[len(own)-1].pid {
		return []string{fmt.Sprintf("%s has %d samples of one process, want at least 9", name, len(own))}
	}
	var growths []string
	second, last := own[len(own)/3:2*len(own)/3], own[2*len(own)/3:]
	for i, measure := range measures {
		before, after := second.median(i), last.median(i)
		if after > 1.25*before+measure.slack {
			growths = append(growths, fmt.Sprintf("%s: %s grew from %.0f to %.0f", name, measure.name, before, after))
		}
	}
	return growths
}

func (s samples) median(measure int) float64 {
	var values []float64
	for _, one := range s {
		values = append(values, one.took[measure])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// write makes soak.csv and a picture of each measure.
func (s samples) write(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var csv strings.Builder
	csv.WriteString("seconds,process,pid,rss_mb,descriptors,threads\n")
	lines := make(map[string][3]plotter.XYs)
	for _, one := range s {
		fmt.Fprintf(&csv, "%.0f,%s,%d,%.1f,%.0f,%.0f\n", one.at.Seconds(), one.name, one.pid, one.took[0], one.took[1], one.took[2])
		line := lines[one.name]
		for i := range line {
			line[i] = append(line[i], plotter.XY{X: one.at.Seconds(), Y: one.took[i]})
		}
		lines[one.name] = line
	}
	if err := os.WriteFile(filepath.Join(folder, "soak.csv"), []byte(csv.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, file := range []string{"soak-rss.svg", "soak-descriptors.svg", "soak-threads.svg", "soak-goroutines.svg"} {
		p := plot.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text = measures[i].name+" under faults", "seconds", measures[i].name
		p.Add(plotter.NewGrid())
		var named []any
		for _, name := range slices.Sorted(maps.Keys(lines)) {
			named = append(named, name, lines[name][i])
		}
		if err := plotutil.AddLines(p, named...); err != nil {
			t.Fatal(err)
		}
		p.Y.Min, p.Y.Max, p.Legend.Top = 0, 1.4*p.Y.Max, true
		if err := p.Save(18*vg.Centimeter, 9*vg.Centimeter, filepath.Join(folder, file)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGrowths(t *testing.T) {
	t.Parallel()
	series := func(values ...float64) samples {
		var s samples
		for i, v := range values {
			s = append(s, sample{at: time.Duration(i) * time.Second, name: "p", pid: 7, took: [4]float64{50, v, 12, 40}})
		}
		return s
	}
	for _, c := range []struct {
		name   string
		series samples
		want   int
	}{
		{"flat", series(100, 100, 100, 100, 100, 100, 100, 100, 100), 0},
		{"filling at first", series(10, 50, 90, 100, 100, 100, 100, 100, 100), 0},
		{"a peak", series(100, 100, 100, 100, 100, 100, 100, 900, 100), 0},
		{"leaking", series(100, 130, 160, 190, 220, 250, 280, 310, 340), 1},
		{"too few", series(100, 100), 1},
	} {
		if got := c.series.growths("p"); len(got) != c.want {
			t.Errorf("growths(%s) = %v, want %d", c.name, got, c.want)
		}
	}
	server := programtest.Start(t, "rpc-server", "REDIS_URL=redis://127.0.0.1:1")
	if took, ok := look(server.PID(), server.Debug()); !ok || slices.Min(took[:]) <= 0 {
		t.Errorf("look(rpc-server) = %v, %v; want something of each", took, ok)
	}
}
