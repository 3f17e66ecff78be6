package benchmarks

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
)

// TestQuick compares sends and pulls with the peers', BENCHMARK_ROUNDS times, and prints the results. make bench-quick
// runs it.
func TestQuick(t *testing.T) {
	if os.Getenv("BENCHMARK_QUICK") == "" {
		t.Skip("BENCHMARK_QUICK is not set; make bench-quick sets it")
	}
	programs := build(t)
	redis := redistest.Start(t, "--appendonly", "no")
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+redis.URL())
	gateway := start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr)
	p := startPeers(t, redis, newStack(gateway, rpc, server{name: "redis", pid: redis.PID()}), startIdentified(t, programs, redis))
	r := newResults(roundsAsked())
	p.warm(t)
	for round := range r.rounds {
		r.peers(t, p, round)
	}
	var b bytes.Buffer
	r.writePeers(&b)
	fmt.Println(strings.ReplaceAll(b.String(), "`", ""))
}

// contested are the rows of the table: description and name of a contest, and the front process.
var contested = [][3]string{
	{"Pullchat: send", "send", "http-server"},
	{"Centrifugo: publish, with history", "publish", "centrifugo"},
	{"webdis: ZADD", "zadd", "webdis"},
	{"Pullchat: pull of 20", "pull", "http-server"},
	{"Centrifugo: history of 20", "history", "centrifugo"},
	{"webdis: ZRANGEBYSCORE LIMIT 21", "range", "webdis"},
	{"http-server alone: send", "hertz", "http-server"},
	{"Pullchat: send with an id", "send id", "http-server"},
	{"Pullchat, AUTH=on: send in a two-person chat", "send pair", "http-server"},
	{"Pullchat, AUTH=on: send in a private room", "send private", "http-server"},
	{"Pullchat on a cluster of three masters, each with a replica: send", "send cluster", "http-server"},
}

// writePeers writes the comparison with the peers: figures and ratios.
func (r *results) writePeers(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Beside Centrifugo and webdis\n\nUnder wrk with one thread, %s chats, texts of %d bytes, in turn. Each has a Redis of its own; "+
		"Centrifugo keeps histories of 1,000 there, webdis turns one HTTP request into one Redis command. Medians of %d rounds.\n\n"+
		"| | connections | per second | CPU µs per request: front | rpc-server | Redis | wrk |\n| --- | --- | --- | --- | --- | --- | --- |\n",
		thousands(wrkChats), textBytes, r.rounds)
	for _, row := range contested {
		for _, connections := range wrkConnections {
			name := fmt.Sprint("wrk ", row[1], " ", connections)
			if len(r.rate[name]) == 0 {
				continue
			}
			fmt.Fprintf(b, "| %s | %d | %s |", row[0], connections, thousands(r.rate[name].median()))
			for _, process := range []string{row[2], "rpc-server", "redis", "wrk"} {
				fmt.Fprintf(b, " %s |", cpu(r.micros[name+" cpu "+process]))
			}
			fmt.Fprintln(b)
		}
	}
	fmt.Fprintf(b, "| Redis alone: ZADD of the same bytes, %d in a pipeline | | %s | | | %s | |\n", plainDepth,
		thousands(r.rate["plain zadd"].median()), cpu(r.micros["plain zadd cpu redis"]))
	fmt.Fprint(b, "\n| ratio | 64 connections | 256 connections | goal |\n| --- | --- | --- | --- |\n")
	for _, row := range r.peerRatios() {
		fmt.Fprintf(b, "| %s |", row.what)
		for _, value := range row.values {
			fmt.Fprintf(b, " %s |", value)
		}
		fmt.Fprintf(b, " %s |\n", row.goal)
	}
}

// comparison is one row of ratios, at each of wrkConnections.
type comparison struct {
	what   string
	values []string
	goal   string
}

func (r *results) peerRatios() []comparison {
	rate := func(name string) func(int) series {
		return func(connections int) series { return r.rate[fmt.Sprint("wrk ", name, " ", connections)] }
	}
	used := func(name, process string) func(int) series {
		return func(connections int) series {
			return r.micros[fmt.Sprint("wrk ", name, " ", connections, " cpu ", process)]
		}
	}
	plain := func(int) series { return r.micros["plain zadd cpu redis"] }
	var rows []comparison
	for _, row := range []struct {
		what, goal string
		a, b       func(connections int) series
	}{
		{"send / Centrifugo publish with history", "≥ 1.6, ≥ 1.8", rate("send"), rate("publish")},
		{"pull of 20 / Centrifugo history of 20", "≥ 2.5", rate("pull"), rate("history")},
		{"send / webdis ZADD", "≥ 0.50, ≥ 0.60", rate("send"), rate("zadd")},
		{"pull of 20 / webdis ZRANGEBYSCORE", "≥ 0.65, ≥ 0.75", rate("pull"), rate("range")},
		{"Redis CPU of a send / of a plain pipelined ZADD", "≤ 2.5", used("send", "redis"), plain},
		{"http-server CPU of a send / alone", "≤ 2.0, ≤ 1.8", used("send", "http-server"), used("hertz", "http-server")},
		{"rpc-server CPU of a send / http-server alone", "≤ 0.5 at 256", used("send", "rpc-server"), used("hertz", "http-server")},
		{"send with an id / plain send", "≥ 0.85", rate("send id"), rate("send")},
		{"AUTH=on, two-person chat / plain send", "≥ 0.85", rate("send pair"), rate("send")},
		{"AUTH=on, private room / plain send", "≥ 0.85", rate("send private"), rate("send")},
		{"cluster of three masters / one Redis", "", rate("send cluster"), rate("send")},
	} {
		c, measured := comparison{what: row.what, goal: row.goal}, false
		for _, connections := range wrkConnections {
			value := ""
			if a, b := row.a(connections), row.b(connections); len(a) > 0 && len(b) > 0 {
				value, measured = fmt.Sprintf("%.2f", ratio(a, b)), true
			}
			c.values = append(c.values, value)
		}
		if measured {
			rows = append(rows, c)
		}
	}
	return rows
}
