package benchmarks

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/pullchat/bench"
)

// The parameters of live delivery.
const (
	liveWatchers, liveRate = 100, 1000 // each watches a chat of its own
	fanOut, fanOutRate     = 1000, 100 // all watch one chat
	idleWatchers           = 10_000
)

var (
	liveTransports = []bench.Transport{bench.SSE, bench.WebSocket, bench.LongPoll}
	transportNames = map[bench.Transport]string{bench.SSE: "`/api/stream`", bench.WebSocket: "`/api/ws`", bench.LongPoll: "`/api/pull?wait=`"}
)

// live measures the time from a send's answer to its watcher over each transport, and one chat with many watchers.
func (r *results) live(t *testing.T, programs string, real stack, redis *redistest.Server) {
	for _, over := range liveTransports {
		report := liveLoad(t, programs, real, "--transport", string(over), "--watchers", fmt.Sprint(liveWatchers), "--chats", fmt.Sprint(liveWatchers),
			"--connections", "16", "--rate", fmt.Sprint(liveRate), "--duration", "4s")
		r.noteLive("live "+string(over), report)
		before := rangeReads(t, redis)
		report = liveLoad(t, programs, real, "--transport", string(over), "--watchers", fmt.Sprint(fanOut), "--chats", "1",
			"--connections", "4", "--rate", fmt.Sprint(fanOutRate), "--duration", "4s", "--no-read-back")
		name := "fan-out " + string(over)
		r.noteLive(name, report)
		r.rate[name+" reads"] = append(r.rate[name+" reads"], (rangeReads(t, redis)-before)*fanOut/float64(report.Live.Expected))
		r.rate[name+" pages"] = append(r.rate[name+" pages"], float64(report.Live.Delivered)/float64(report.Live.Pages))
	}
}

// idle measures the cost of idle watchers on a gateway of their own.
func (r *results) idle(t *testing.T, programs, rpc string) {
	for _, over := range liveTransports[:2] {
		gateway := start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc)
		report := liveLoad(t, programs, newStack(gateway), "--transport", string(over), "--watchers", fmt.Sprint(idleWatchers),
			"--chats", fmt.Sprint(idleWatchers), "--connections", "0", "--duration", "10s", "--no-read-back")
		r.micros["idle "+string(over)] = series{report.Live.Memory[0].PerWatcher}
		r.micros["idle "+string(over)+" cores"] = series{report.CPU[0].Utilisation}
	}
}

func (r *results) noteLive(name string, report bench.Report) {
	r.note(name+" send", report)
	r.micros[name+" p50"] = append(r.micros[name+" p50"], float64(report.Live.Latency.P50))
	r.micros[name+" p99"] = append(r.micros[name+" p99"], float64(report.Live.Latency.P99))
	r.rate[name] = append(r.rate[name], float64(report.Live.Delivered)/(report.Seconds+1)) // with the second of warm-up
}

// liveLoad runs pullchat bench live.
func liveLoad(t *testing.T, programs string, s stack, arguments ...string) bench.Report {
	t.Helper()
	report := pullchatBench(t, programs, s, append([]string{"live", "--warmup", "1s"}, arguments...)...)
	if report.Live == nil {
		t.Fatalf("pullchat bench live %s says nothing of watchers: %+v", arguments, report)
	}
	return report
}

var rangeCalls = regexp.MustCompile(`cmdstat_zrange:calls=(\d+)`)

// rangeReads returns how many range reads Redis has served.
func rangeReads(t *testing.T, redis *redistest.Server) float64 {
	t.Helper()
	stats, err := redis.Do("INFO commandstats")
	if err != nil {
		t.Fatal(err)
	}
	match := rangeCalls.FindStringSubmatch(stats)
	if match == nil {
		return 0
	}
	calls, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func (r *results) writeLive(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Live delivery\n\nFrom the answer to a send until its watcher has it: %s sends a second, %d watchers, each of a chat of its own. "+
		"Every message came to every watcher, once and in order.\n\n"+
		"| transport | p50 ms | p99 ms | CPU µs per message: http-server | rpc-server | Redis |\n| --- | --- | --- | --- | --- | --- |\n", thousands(liveRate), liveWatchers)
	for _, over := range liveTransports {
		name := "live " + string(over)
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %s | %s | %s |\n", transportNames[over], r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000,
			cpu(r.micros[name+" send cpu http-server"]), cpu(r.micros[name+" send cpu rpc-server"]), cpu(r.micros[name+" send cpu redis"]))
	}
	fmt.Fprintf(b, "\nOne chat, %s watchers, %d messages a second: what comes while a watcher is written to is in its next page.\n\n"+
		"| transport | deliveries per second | messages in a page | Redis range reads per message | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- |\n", thousands(fanOut), fanOutRate)
	for _, over := range liveTransports {
		name := "fan-out " + string(over)
		fmt.Fprintf(b, "| %s | %s | %.1f | %.2f | %.1f | %.1f |\n", transportNames[over], thousands(r.rate[name].median()), r.rate[name+" pages"].median(),
			r.rate[name+" reads"].median(), r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000)
	}
	fmt.Fprintf(b, "\n%s idle connections to one http-server, each to a chat of its own:\n\n| transport | memory of each | cores |\n| --- | --- | --- |\n", thousands(idleWatchers))
	for _, over := range liveTransports[:2] {
		name := "idle " + string(over)
		fmt.Fprintf(b, "| %s | %.1f KB | %.3f |\n", transportNames[over], r.micros[name].median()/1000, r.micros[name+" cores"].median())
	}
}
