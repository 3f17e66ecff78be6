package benchmarks

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pullchat/pullchat/pullchat/bench"
)

// load runs pullchat bench against a stack and returns its report. Any fault in the read-back fails the test, except
// for servers without storage.
func load(t *testing.T, programs string, s stack, storage bool, kind string, connections int, rate float64, seconds time.Duration) bench.Report {
	t.Helper()
	arguments := []string{
		kind, "--connections", fmt.Sprint(connections), "--rate", fmt.Sprint(rate),
		"--warmup", "1s", "--duration", seconds.String(), "--history", "40", "--chats", "1000",
	}
	if !storage {
		arguments = append(arguments, "--no-read-back")
	}
	return pullchatBench(t, programs, s, arguments...)
}

// pullchatBench runs pullchat bench against a stack. A message that is missing, doubled or out of order fails the test.
func pullchatBench(t *testing.T, programs string, s stack, arguments ...string) bench.Report {
	t.Helper()
	arguments = append([]string{"bench", "--json", "--server", s.url}, arguments...)
	for _, process := range s.processes {
		arguments = append(arguments, "--cpu", process)
	}
	command := exec.Command(filepath.Join(programs, "pullchat"), arguments...)
	if s.secret != "" {
		command.Env = append(os.Environ(), "AUTH_SECRET="+s.secret)
	}
	output, err := command.Output()
	var report bench.Report
	if json.Unmarshal(output, &report) != nil || report.Succeeded == 0 && report.Connections > 0 {
		t.Fatalf("pullchat %s: %v\n%s", arguments, err, output)
	}
	if report.ReadBack.Faults() > 0 || report.Live != nil && report.Live.Faults() > 0 {
		t.Errorf("pullchat %s: read-back %+v, watchers %+v", arguments, report.ReadBack, report.Live)
	}
	return report
}

func number(t *testing.T, expression *regexp.Regexp, text []byte) float64 {
	t.Helper()
	match := expression.FindSubmatch(text)
	if match == nil {
		t.Fatalf("no %s in\n%s", expression, text)
	}
	value, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// series is the measurements of one figure, one for each round.
type series []float64

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// ratio is the median of the rounds' ratios: both sides of each were measured in one round.
func ratio(a, b series) float64 {
	var ratios series
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, a[i]/b[i])
	}
	return ratios.median()
}
