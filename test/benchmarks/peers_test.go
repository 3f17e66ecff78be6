package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/porttest"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

const (
	wrkChats  = 1000 // among which each wrk load is spread
	wrkUsers  = 64   // whose tokens the loads with AUTH=on carry, in turn
	pageSize  = 20   // messages in a page
	history   = 40   // messages in each chat, channel and key that is read
	textBytes = 40   // of each message

	centrifugoKey  = "k"
	centrifugoPath = ".bin/centrifugo" // installed there by the Makefile
)

// peers are Pullchat and the programs compared with it. Each has its own Redis.
type peers struct {
	pullchat, identified stack // with AUTH=off and AUTH=on, over one Redis
	hertz                stack // http-server alone, with a service that answers at once
	webdis, centrifugo   stack
	cluster              stack // Pullchat over a cluster; only where startCluster was called

	redis     *redistest.Server // Pullchat's
	plain     *redistest.Server // webdis's
	entrySize int               // bytes of a stored message
	tokens    []string          // of the users w0, w1, …
	runs      int               // of wrk so far
}

// startPeers starts the programs compared with Pullchat and fills their data. identified and pullchat run already.
func startPeers(t *testing.T, redis *redistest.Server, pullchat, identified stack) *peers {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &peers{pullchat: pullchat, identified: identified, redis: redis, plain: redistest.Start(t, "--appendonly", "no")}
	p.hertz = newStack(start(t, "http-server", self, roleVariable+"=http"))
	p.webdis = newStack(startWebdis(t, p.plain.Addr()), server{name: "redis", pid: p.plain.PID()})
	own := redistest.Start(t, "--appendonly", "no")
	p.centrifugo = newStack(startCentrifugo(t, own.URL()), server{name: "redis", pid: own.PID()})

	p.fillPullchat(t)
	p.fillWebdis(t)
	p.fillCentrifugo(t)
	return p
}

// startCluster starts another Pullchat, over a cluster of three masters with a replica each.
func (p *peers) startCluster(t *testing.T, programs string) {
	t.Helper()
	cluster := redistest.StartCluster(t, "--appendonly", "no")
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+cluster.URL())
	servers := []server{start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr), rpc}
	for _, node := range cluster.Servers() {
		servers = append(servers, server{name: "redis", pid: node.PID()})
	}
	p.cluster = newStack(servers...)
}

// startCentrifugo runs Centrifugo over the Redis at url, with histories as long as those read here. Followers need no
// token.
func startCentrifugo(t *testing.T, url string) server {
	t.Helper()
	program, err := filepath.Abs("../../" + centrifugoPath)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; make bench and make bench-quick install it", err)
	}
	addr := porttest.Hold(t)
	host, port, _ := net.SplitHostPort(addr)
	config := filepath.Join(t.TempDir(), "centrifugo.json")
	content := fmt.Sprintf(`{
		"http_server": {"address": %q, "port": %q}, "http_api": {"key": %q}, "log": {"level": "error"},
		"engine": {"type": "redis", "redis": {"address": %q}},
		"client": {"allow_anonymous_connect_without_token": true, "allowed_origins": ["*"]},
		"channel": {"without_namespace": {
			"history_size": 1000, "history_ttl": "3600s", "allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true}}}`,
		host, port, centrifugoKey, url)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--config", config)
	command.Stderr = os.Stderr
	run(t, command, addr)
	return server{name: "centrifugo", addr: addr, pid: command.Process.Pid}
}

// fillPullchat sends the messages of the pulled chats, and creates the private rooms.
func (p *peers) fillPullchat(t *testing.T) {
	t.Helper()
	store, err := storage.Open(p.redis.URL(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range wrkChats {
		fill(t, store, fmt.Sprint("history.", n), history, textBytes)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	p.entrySize = entrySize(t, p.redis)

	keys, err := token.FromSecret(authSecret)
	if err != nil {
		t.Fatal(err)
	}
	for n := range wrkUsers {
		signed, err := keys.ForUser(fmt.Sprint("w", n), "bench", 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		p.tokens = append(p.tokens, signed)
	}
	service, err := keys.ForService("bench", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	programtest.Accounts(t, p.identified.url, "bob")
	for n := range wrkUsers {
		programtest.Accounts(t, p.identified.url, fmt.Sprint("w", n))
	}
	each(wrkChats, func(n int) {
		body := fmt.Sprintf(`{"id":"private.%[1]d.%[2]d","visibility":"private","users":["w%[1]d","bob"]}`, n%wrkUsers, n)
		post(t, fmt.Sprintf("%s/api/rooms?as=w%d", p.identified.url, n%wrkUsers), "Authorization", "Bearer "+service, body)
	})
}

// fillWebdis fills the sorted sets with entries of the same number and size as Pullchat's chats.
func (p *peers) fillWebdis(t *testing.T) {
	t.Helper()
	var commands [][]string
	for n := range wrkChats {
		for i := range history {
			commands = append(commands, []string{"ZADD", fmt.Sprint("history.", n), fmt.Sprint(i), fmt.Sprintf("%0*d", p.entrySize, i)})
		}
	}
	pipelined(t, p.plain.Addr(), 100, commands)
	answer := get(t, p.webdis.url+"/ZRANGEBYSCORE/history.7/0/+inf/LIMIT/0/21")
	if entries := bytes.Count(answer, []byte(`"`)) / 2; entries != pageSize+2 { // with the name of the command
		t.Fatalf("webdis answers %s", answer)
	}
}

// fillCentrifugo fills the channels' histories, and checks Centrifugo's answers.
func (p *peers) fillCentrifugo(t *testing.T) {
	t.Helper()
	each(wrkChats, func(n int) {
		publish := fmt.Sprintf(`{"publish":{"channel":"history.%d","data":{"sender":"alice","text":"%s"}}}`, n, strings.Repeat("x", textBytes))
		commands := strings.TrimSuffix(strings.Repeat(publish+",", history), ",")
		p.askCentrifugo(t, "batch", `{"commands":[`+commands+`]}`)
	})
	if answer := p.askCentrifugo(t, "history", `{"channel":"history.7","limit":20}`); bytes.Count(answer, []byte(`"data":`)) != pageSize {
		t.Fatalf("Centrifugo answers %s", answer)
	}
	if answer := p.askCentrifugo(t, "publish", `{"channel":"wrk.7","data":{}}`); !bytes.Contains(answer, []byte(`"offset":1`)) {
		t.Fatalf("Centrifugo answers %s", answer)
	}
}

func (p *peers) askCentrifugo(t *testing.T, method, body string) []byte {
	answer := post(t, p.centrifugo.url+"/api/"+method, "X-API-Key", centrifugoKey, body)
	if bytes.Contains(answer, []byte(`"error"`)) {
		t.Errorf("Centrifugo answers to %s: %s", method, answer)
	}
	return answer
}

// each calls do for 0 to n-1, a few at a time.
func each(n int, do func(int)) {
	next := make(chan int)
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	running.Wait()
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	answer, err := http.Get(url) //nolint:gosec // one of the servers that the test has started
	return bodyOf(t, answer, err)
}

func post(t *testing.T, url, header, value, body string) []byte {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(header, value)
	answer, err := http.DefaultClient.Do(request)
	return bodyOf(t, answer, err)
}

// bodyOf returns the body of an answer. An answer without success fails the test, which continues.
func bodyOf(t *testing.T, answer *http.Response, err error) []byte {
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Errorf("%s answers %s %s, %v", answer.Request.URL, answer.Status, body, err)
	}
	return body
}

// quoted formats strings as a list in Lua.
func quoted(list []string) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings are no error
	}
	return "{" + strings.Trim(string(text), "[]") + "}"
}
