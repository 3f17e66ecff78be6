package benchmarks

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// contest is a wrk load on one stack. Its figures are under "wrk NAME CONNECTIONS".
type contest struct {
	name        string
	on          stack
	script      string
	connections []int
}

// contests are all loads of a round. Compared ones are neighbours.
func (p *peers) contests() []contest {
	p.runs++
	as := "tokens = " + quoted(p.tokens) + "\nusers = " + fmt.Sprint(wrkUsers) + "\n" + luaSendAs
	one := wrkConnections[:1]
	contests := []contest{
		{"publish", p.centrifugo, luaPublish, wrkConnections},
		{"send", p.pullchat, luaSend, wrkConnections},
		{"zadd", p.webdis, fmt.Sprintf("n = %d\n", p.runs*10_000_000) + luaZADD, wrkConnections},
		{"hertz", p.hertz, luaSend, wrkConnections},
		{"send id", p.pullchat, fmt.Sprintf("prefix = '%08x'\n", time.Now().Unix()%(1<<24)*100+int64(p.runs)) + luaSendID, one},
		{"send pair", p.identified, "chat = 'w%d:p%d'\n" + as, one},
		{"send private", p.identified, "chat = 'private.%d.%d'\n" + as, one},
		{"history", p.centrifugo, luaHistory, wrkConnections},
		{"pull", p.pullchat, luaPull, wrkConnections},
		{"range", p.webdis, luaZRANGE, wrkConnections},
	}
	if p.cluster.url != "" {
		contests = append(contests, contest{"send cluster", p.cluster, luaSend, one})
	}
	return contests
}

// peers is one round of all contests. Every second round reverses the order, so that the effects of one contest on the
// next reach both sides of a ratio.
func (r *results) peers(t *testing.T, p *peers, round int) {
	t.Helper()
	contests := p.contests()
	if round%2 == 1 {
		slices.Reverse(contests)
	}
	for n := range wrkConnections {
		for _, c := range contests {
			if n < len(c.connections) {
				r.contend(t, c, c.connections[n], wrkFor)
			}
		}
	}
	r.plainZADD(t, p.plain, p.entrySize)
}

// wrkFor is how long each contest is measured.
const wrkFor = 1250 * time.Millisecond

// warm runs every contest briefly: chats get their first message, connections are made, scripts are loaded.
func (p *peers) warm(t *testing.T) {
	t.Helper()
	for _, c := range p.contests() {
		newResults(1).contend(t, c, c.connections[0], 500*time.Millisecond)
	}
}

var requestsMade = regexp.MustCompile(`(\d+) requests in `)

// contend runs wrk on a stack, and records the requests per second and each process's CPU per request, including wrk's.
func (r *results) contend(t *testing.T, c contest, connections int, lasts time.Duration) {
	t.Helper()
	before := c.on.cpuTimes(t)
	output, generator := runWrk(t, strings.TrimPrefix(c.on.url, "http://"), c.script, connections, lasts)
	after := c.on.cpuTimes(t)
	name := fmt.Sprint("wrk ", c.name, " ", connections)
	requests := number(t, requestsMade, output)
	r.rate[name] = append(r.rate[name], number(t, requestsPerSecond, output))
	used := map[string]time.Duration{"wrk": generator}
	for i, s := range c.on.servers {
		used[s.name] += after[i] - before[i] // a cluster has several servers of one name
	}
	for process, took := range used {
		key := name + " cpu " + process
		r.micros[key] = append(r.micros[key], float64(took.Microseconds())/requests)
	}
}

// runWrk runs wrk with a Lua script that makes the requests, and returns its report and its CPU time. wrk's own
// durations are whole seconds, so it is interrupted when the time is up and still reports. An answer without success
// fails the test.
func runWrk(t *testing.T, addr, script string, connections int, lasts time.Duration) (report []byte, used time.Duration) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrk.lua")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("wrk", "-t1", "-c", fmt.Sprint(connections), "-d", "60s", "-s", path, "http://"+addr)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(lasts, func() { _ = command.Process.Signal(os.Interrupt) })
	defer stop.Stop()
	err := command.Wait()
	if err != nil || notSuccess.Match(output.Bytes()) {
		t.Fatalf("wrk: %v\n%s", err, &output)
	}
	return output.Bytes(), command.ProcessState.UserTime() + command.ProcessState.SystemTime()
}

var (
	requestsPerSecond = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	notSuccess        = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)|Socket errors: `)
)

// The scripts prepare 1,000 requests and make them in turn.
const (
	luaTurn = `
local n = 0
function request() n = (n + 7) % 1000; return requests[n] end`

	luaSend = `
requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("POST", "/api/send", {["Content-Type"] = "application/json", ["Host"] = "bench"},
      string.format('{"chat":"wrk.%d","sender":"alice","text":"%s"}', i, string.rep("x", 40)))
  end
end` + luaTurn

	// luaSendAs takes chat (a format for the numbers of a user and a chat), tokens and users. Each chat has one sender.
	luaSendAs = `
requests = {}
function init()
  for i = 0, 999 do
    local user = i % users
    local id = string.format(chat, user, i)
    requests[i] = wrk.format("POST", "/api/send",
      {["Content-Type"] = "application/json", ["Host"] = "bench", ["Authorization"] = "Bearer " .. tokens[user + 1]},
      string.format('{"chat":"%s","sender":"w%d","text":"%s"}', id, user, string.rep("x", 40)))
  end
end` + luaTurn

	// luaSendID takes a prefix of eight bytes that is unique to the run, so that no id is used twice.
	luaSendID = `
local heads = {}
function init()
  for i = 0, 999 do
    local body = string.format('{"chat":"wrk.%d","sender":"alice","text":"%s","id":"%s', i, string.rep("x", 40), prefix)
    heads[i] = "POST /api/send HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " .. #body + 11 ..
      "\r\n\r\n" .. body
  end
end
local n = 0
function request() n = n + 1; return heads[n * 7 % 1000] .. string.format('%09d"}', n) end`

	luaPull = `
requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("GET", "/api/pull?chat=history." .. i .. "&cursor=0&limit=20", {["Host"] = "bench"})
  end
end` + luaTurn

	// luaZADD takes n, unique to the run: every member is new, as every message is. Its length is that of a stored
	// message of 40 bytes.
	luaZADD = `
function request()
  n = n + 1
  return wrk.format("GET", string.format("/ZADD/wrk.%d/%d/%016d%s", (n * 7) % 1000, n, n, string.rep("x", 56)), {["Host"] = "bench"})
end`

	luaZRANGE = `
requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("GET", "/ZRANGEBYSCORE/history." .. i .. "/0/+inf/LIMIT/0/21", {["Host"] = "bench"})
  end
end` + luaTurn

	luaPublish = `
requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("POST", "/api/publish", {["Content-Type"] = "application/json", ["Host"] = "bench", ["X-API-Key"] = "k"},
      string.format('{"channel":"wrk.%d","data":{"sender":"alice","text":"%s"}}', i, string.rep("x", 40)))
  end
end` + luaTurn

	luaHistory = `
requests = {}
function init()
  for i = 0, 999 do
    requests[i] = wrk.format("POST", "/api/history", {["Content-Type"] = "application/json", ["Host"] = "bench", ["X-API-Key"] = "k"},
      string.format('{"channel":"history.%d","limit":20}', i))
  end
end` + luaTurn
)
