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

// load runs pullchat bench against a stack and returns its report. Any fault in the read-back fails the test, but
// for servers without storage, which have nothing to read back.
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

var (
	requestsPerSecond = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	notSuccess        = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

// wrk runs wrk with a Lua script that makes the requests, and returns successful requests per second.
func wrk(t *testing.T, addr, script string, connections int, seconds time.Duration) float64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrk.lua")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command("wrk", "-t1", "-c", fmt.Sprint(connections), "-d", seconds.String(), "-s", path, "http://"+addr).CombinedOutput()
	if err != nil || notSuccess.Match(output) {
		t.Fatalf("wrk: %v\n%s", err, output)
	}
	return number(t, requestsPerSecond, output)
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

// The scripts prepare 1,000 requests and make them in turn.
const (
	luaSend = `
local requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("POST", "/api/send", {["Content-Type"] = "application/json", ["Host"] = "bench"},
      string.format('{"chat":"wrk.%d","sender":"alice","text":"%s"}', i, string.rep("x", 40)))
  end
end
local n = 0
function request() n = (n + 7) % 1000; return requests[n] end`

	luaPull = `
local requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("GET", "/api/pull?chat=history." .. i .. "&cursor=0&limit=20", {["Host"] = "bench"})
  end
end
local n = 0
function request() n = (n + 7) % 1000; return requests[n] end`

	// Every member is new, as every message is; its length is that of a stored message of 40 bytes.
	luaZADD = `
local n = 0
function request()
  n = n + 1
  return wrk.format("GET", string.format("/ZADD/wrk.%d/%d/%016d%s", (n * 7) % 1000, n, n, string.rep("x", 56)), {["Host"] = "bench"})
end`

	luaZRANGE = `
local requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("GET", "/ZRANGEBYSCORE/" .. keys[i] .. "/0/+inf/LIMIT/0/21", {["Host"] = "bench"})
  end
end
local n = 0
function request() n = (n + 7) % 1000; return requests[n] end`
)

// series is what was measured of one thing, once a round.
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
