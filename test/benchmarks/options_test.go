package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/pullchat/pullchat/internal/porttest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// projectionRate is of the load under which the lag is measured.
const projectionRate = 1000

// TestOptions compares plain sends with sends to servers that count metrics, and to servers with a worker that runs five
// projections: words, two webhooks for messages and two for bursts. Before and after, it measures how long after its
// send_time a message reaches a webhook at 1,000 messages a second. make bench-options runs it.
func TestOptions(t *testing.T) {
	if os.Getenv("BENCHMARK_OPTIONS") == "" {
		t.Skip("BENCHMARK_OPTIONS is not set; make bench-options sets it")
	}
	programs := build(t)
	plain := startPlain(t, programs)
	measured := startPlain(t, programs, "METRICS_ADDR=127.0.0.1:0")
	with := startPlain(t, programs, "WEBHOOK_ALLOW_PRIVATE=127.0.0.0/8")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sink := start(t, "receiver", self, roleVariable+"=receiver")
	webhook := func(n int) {
		post(t, with.url+"/api/webhooks", "X-Request-ID", "bench", fmt.Sprintf(`{"url":"http://%s/%d","bursts":%v}`, sink.addr, n, n >= 2))
	}
	webhook(0)
	with.servers = append(with.servers, startWorker(t, programs, with.servers[1].addr), sink)
	r := newResults(roundsAsked())
	r.lag(t, "one", with, sink)
	for n := range 1000 {
		put(t, fmt.Sprintf("%s/api/words/word%d", with.url, n))
	}
	for n := range 3 {
		webhook(n + 1)
	}
	contests := []contest{{"plain", plain, luaSend, wrkConnections}, {"metrics", measured, luaSend, wrkConnections}, {"projections", with, luaSend, wrkConnections}}
	for range r.rounds {
		for _, c := range contests {
			awaitQuiet(t, sink)
			r.contend(t, c, wrkConnections[0], wrkFor)
		}
		slices.Reverse(contests)
	}
	r.lag(t, "five", with, sink)
	fmt.Println(r.options())
}

// startPlain starts a stack of one server of each kind.
func startPlain(t *testing.T, programs string, settings ...string) stack {
	t.Helper()
	redis := redistest.Start(t, "--appendonly", "no")
	rpc := start(t, "rpc-server", programs+"/rpc-server", append(settings, "REDIS_URL="+redis.URL())...)
	gateway := start(t, "http-server", programs+"/http-server", append(settings, "RPC_SERVERS="+rpc.addr)...)
	return newStack(gateway, rpc, server{name: "redis", pid: redis.PID()})
}

func startWorker(t *testing.T, programs, rpc string) server {
	t.Helper()
	addr := porttest.Hold(t)
	command := exec.Command(programs + "/worker")
	command.Env = append(os.Environ(), "LOG_LEVEL=warn", "RPC_SERVERS="+rpc, "METRICS_ADDR="+addr)
	run(t, command, addr)
	return server{name: "worker", addr: addr, pid: command.Process.Pid}
}

func put(t *testing.T, url string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	bodyOf(t, answer, err)
}

// lags are a receiver's measurements since the last call.
type lags struct {
	Events   int64 `json:"events"`
	P50      int64 `json:"p50"` // in microseconds
	P99      int64 `json:"p99"`
	Messages int64 `json:"messages"`
}

// lag sends at a fixed rate to many chats, and records the times from a message's position to its arrival.
func (r *results) lag(t *testing.T, name string, with stack, sink server) {
	t.Helper()
	awaitQuiet(t, sink)
	before := with.cpuTimes(t)
	lasts := r.lasts(10 * time.Second)
	paced(t, with, pace{16, projectionRate, lasts, func(n int) []byte {
		return sendTo(fmt.Sprint("wrk.", n*7%wrkChats), "a text with word7 in it")
	}})
	after := with.cpuTimes(t)
	measured := ask(t, sink, "/lag")
	sent := lasts.Seconds() * projectionRate
	for i, s := range with.servers {
		r.micros[name+" cpu "+s.name] = series{float64((after[i] - before[i]).Microseconds()) / sent}
	}
	r.micros[name+" p50"], r.micros[name+" p99"] = series{float64(measured.P50)}, series{float64(measured.P99)}
	r.rate[name+" events"] = series{float64(measured.Messages)}
}

// awaitQuiet returns when no event has come for a second: the projections have caught up.
func awaitQuiet(t *testing.T, sink server) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		<-tick.C
		if ask(t, sink, "/lag").Events == 0 {
			return
		}
	}
	t.Fatal("the projections do not catch up")
}

func ask(t *testing.T, s server, path string) (l lags) {
	t.Helper()
	if err := json.Unmarshal(get(t, "http://"+s.addr+path), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// options formats the comparison.
func (r *results) options() string {
	var b bytes.Buffer
	run := func(name string) string { return fmt.Sprint("wrk ", name, " ", wrkConnections[0]) }
	fmt.Fprintf(&b, "\nSends over %d connections, medians of %d rounds.\n\n"+
		"| | per second | of plain | CPU µs per send: http-server | rpc-server | Redis | of plain | worker | receiver |\n"+
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", wrkConnections[0], r.rounds)
	servers := func(name string) (sum series) {
		sum = make(series, r.rounds)
		for _, process := range []string{"http-server", "rpc-server", "redis"} {
			for i, micros := range r.micros[run(name)+" cpu "+process] {
				sum[i] += micros
			}
		}
		return sum
	}
	for _, name := range []string{"plain", "metrics", "projections"} {
		fmt.Fprintf(&b, "| %s | %s | %.2f |", name, thousands(r.rate[run(name)].median()), ratio(r.rate[run(name)], r.rate[run("plain")]))
		for _, process := range []string{"http-server", "rpc-server", "redis"} {
			fmt.Fprintf(&b, " %s |", cpu(r.micros[run(name)+" cpu "+process]))
		}
		fmt.Fprintf(&b, " %.2f |", ratio(servers(name), servers("plain")))
		for _, process := range []string{"worker", "receiver"} {
			fmt.Fprintf(&b, " %s |", cpu(r.micros[run(name)+" cpu "+process]))
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "\nFrom send_time to a webhook, at %d messages a second in %d chats:\n\n"+
		"| projections | events | p50 | p99 | CPU µs per message: http-server | rpc-server | Redis | worker | receiver |\n"+
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", projectionRate, wrkChats)
	for _, name := range []string{"one", "five"} {
		fmt.Fprintf(&b, "| %s | %s | %.0f ms | %.0f ms |", name, thousands(r.rate[name+" events"].median()), r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000)
		for _, process := range []string{"http-server", "rpc-server", "redis", "worker", "receiver"} {
			fmt.Fprintf(&b, " %s |", cpu(r.micros[name+" cpu "+process]))
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// receiver is the server of webhooks: it measures how late messages come. Bursts are late by design, and not measured.
type receiver struct {
	mutex     sync.Mutex
	events    int64
	latencies *hdrhistogram.Histogram
}

func newReceiver() http.Handler {
	r := &receiver{latencies: newLatencies()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", r.take)
	mux.HandleFunc("GET /lag", r.tell)
	return mux
}

func (r *receiver) take(w http.ResponseWriter, request *http.Request) {
	now := time.Now().UnixMicro()
	var event struct {
		Type string
		Data struct {
			SendTime int64 `json:"send_time"`
		}
	}
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = json.Unmarshal(body, &event)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.events++
	if event.Type == "message" {
		_ = r.latencies.RecordValue(max(1, now-event.Data.SendTime))
	}
}

func (r *receiver) tell(w http.ResponseWriter, _ *http.Request) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_ = json.NewEncoder(w).Encode(lags{r.events, r.latencies.ValueAtQuantile(50), r.latencies.ValueAtQuantile(99), r.latencies.TotalCount()})
	r.events = 0
	r.latencies.Reset()
}
