package benchmarks

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pullchat/pullchat/internal/redistest"
)

// The parameters of identities and inboxes.
const (
	authSecret = "the secret of the benchmark: 32 bytes and more"
	rpcSecret  = "the benchmark's"

	inboxChats       = 1000
	inboxConnections = 16 // for as many requests as possible
	redisAway        = 25 * time.Millisecond
)

// startIdentified starts both servers with AUTH on, over the same Redis as the others.
func startIdentified(t *testing.T, programs string, redis *redistest.Server) stack {
	t.Helper()
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+redis.URL(), "AUTH=on", "RPC_SECRET="+rpcSecret)
	gateway := start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr, "RPC_SECRET="+rpcSecret,
		"AUTH=on", "AUTH_SECRET="+authSecret)
	s := newStack(gateway, rpc, server{name: "redis", pid: redis.PID()})
	s.secret = authSecret
	return s
}

// forms are the chats of sends with and without tokens.
var forms = []struct{ form, chats, what string }{
	{"pairs", "1000", "two-person chats"},
	{"private", "1", "one private room, of which all 64 senders are members"},
}

// within is the duration of a measurement. It is short in a trial run.
func (r *results) within(duration string) string {
	if r.brief {
		return "100ms"
	}
	return duration
}

// warmup is the duration before a measurement. A trial run has none, so that its first request counts however slow the
// machine is.
func (r *results) warmup(duration string) string {
	if r.brief {
		return "0s"
	}
	return duration
}

// identity measures sends with AUTH on and off, in turn and in both orders, so that drift affects both. It also
// measures logins.
func (r *results) identity(t *testing.T, programs string, off, on stack) {
	for _, f := range forms {
		for _, auth := range []string{"off", "on", "on", "off"} {
			s := map[string]stack{"off": off, "on": on}[auth]
			r.note("send "+f.form+" "+auth, pullchatBench(t, programs, s, "send", "--chats-are", f.form, "--chats", f.chats,
				"--connections", "64", "--warmup", r.warmup("500ms"), "--duration", r.within("1s")))
		}
	}
	r.note("login", pullchatBench(t, programs, on, "login", "--connections", "4", "--warmup", "0s", "--duration", r.within("1500ms")))
}

// inboxes measures the first page of 20 of an inbox of 1,000 chats, and all counts: one request at a time, and many.
func (r *results) inboxes(t *testing.T, programs string, s stack) {
	for _, kind := range []string{"inbox", "unread"} {
		for _, connections := range []int{1, inboxConnections} {
			r.note(fmt.Sprint(kind, " ", connections), pullchatBench(t, programs, s, r.inboxLoad(kind, connections)...))
		}
	}
}

func (r *results) inboxLoad(kind string, connections int) []string {
	chats := inboxChats
	if r.brief {
		chats /= 10
	}
	return []string{
		kind, "--chats", fmt.Sprint(chats), "--history", "5", "--connections", fmt.Sprint(connections),
		"--warmup", r.warmup("300ms"), "--duration", r.within("1s"),
	}
}

// trips measures how many round trips to Redis an inbox needs in sequence, by the added time when Redis is farther
// away.
func (r *results) trips(t *testing.T, programs string, redis *redistest.Server) {
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(proxies, "redis", "127.0.0.1:0", redis.Addr())
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL=redis://"+proxy.Listen+"/0")
	s := newStack(start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr))
	near, far := map[string]int64{}, map[string]int64{}
	for i, took := range []map[string]int64{near, far} {
		if i == 1 {
			toxic := fmt.Sprintf(`{"type": "latency", "stream": "downstream", "attributes": {"latency": %d}}`, redisAway.Milliseconds())
			if _, err := proxy.Toxics.AddToxicJson(bytes.NewReader([]byte(toxic))); err != nil {
				t.Fatal(err)
			}
		}
		for _, kind := range []string{"inbox", "unread"} {
			took[kind] = pullchatBench(t, programs, s, append(r.inboxLoad(kind, 1), "--history", "1", "--no-read-back")...).Latency.P50
		}
	}
	for kind := range near {
		r.micros[kind+" trips"] = series{float64(far[kind]-near[kind]) / float64(redisAway.Microseconds())}
	}
}

func (r *results) writeIdentity(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## Sends with AUTH on and off\n\nBoth in turn, off, on, on, off, in each round; tokens of as many users as connections. "+
		"Each ratio is of two runs that followed each other.\n\n"+
		"| 64 connections | AUTH | per second | p50 ms | p99 ms | CPU µs per request: http-server | rpc-server | Redis | on / off |\n"+
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range forms {
		for _, auth := range []string{"off", "on"} {
			name := "send " + f.form + " " + auth
			fmt.Fprintf(b, "| %s | %s | %s | %.2f | %.2f | %s | %s | %s |", f.what, auth, thousands(r.rate[name].median()),
				r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000,
				cpu(r.micros[name+" cpu http-server"]), cpu(r.micros[name+" cpu rpc-server"]), cpu(r.micros[name+" cpu redis"]))
			if auth == "on" {
				fmt.Fprintf(b, " %.2f", ratio(r.rate[name], r.rate["send "+f.form+" off"]))
			}
			fmt.Fprintln(b, " |")
		}
	}
	fmt.Fprintf(b, "\n%.0f logins a second (argon2id), p50 %.0f ms.\n", r.rate["login"].median(), r.micros["login p50"].median()/1000)
}

func (r *results) writeInboxes(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Inboxes\n\nOf a user with %[1]s chats, all with something unread: the first page of 20, and the counts of all.\n\n"+
		"| | one after the other: p50 ms | p99 ms | %[2]d at a time: per second | p50 ms | p99 ms | CPU µs per request: http-server | rpc-server | Redis | "+
		"ms more for each ms that Redis is away |\n"+
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", thousands(inboxChats), inboxConnections)
	for _, row := range [][2]string{{"`/api/inbox`", "inbox"}, {"`/api/unread`", "unread"}} {
		one, many := row[1]+" 1", fmt.Sprint(row[1], " ", inboxConnections)
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %s | %.2f | %.2f | %s | %s | %s | %.1f |\n", row[0],
			r.micros[one+" p50"].median()/1000, r.micros[one+" p99"].median()/1000, thousands(r.rate[many].median()),
			r.micros[many+" p50"].median()/1000, r.micros[many+" p99"].median()/1000,
			cpu(r.micros[many+" cpu http-server"]), cpu(r.micros[many+" cpu rpc-server"]), cpu(r.micros[many+" cpu redis"]),
			r.micros[row[1]+" trips"].median())
	}
	fmt.Fprint(b, "\nThe last column is how many round trips to Redis are waited for, one after the other. "+
		"`TestInboxTakesThreeRoundTrips` counts them: 3 at most for an inbox, at each Redis of a cluster too.\n")
}
