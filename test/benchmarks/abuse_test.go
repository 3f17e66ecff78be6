package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

const (
	abuseRooms     = 2000
	abuseIgnored   = 1000
	abuseWorkers   = 4 // that attack, each with one request after the other
	abuseStreams   = 500
	abuseLasts     = 4 * time.Second
	undisturbedFor = 2 * time.Second
)

// TestAbuse measures the sends of a bystander, alice to bob, undisturbed and while one user or stranger attacks. It prints
// the table of docs/security.md. The attacker runs on the same machine, and its own CPU is in the numbers.
func TestAbuse(t *testing.T) {
	if os.Getenv("BENCHMARK_ABUSE") == "" {
		t.Skip("BENCHMARK_ABUSE is not set; make bench-abuse sets it")
	}
	programs := build(t)
	redis := redistest.Start(t, "--appendonly", "no")
	a := newAbuse(t, startIdentified(t, programs, redis))
	a.prepare(t, redis.URL())
	type attack struct {
		name string
		one  func(n int64) (status int)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n| attack | its requests, answers | send p50, p99 before | during |\n| --- | --- | --- | --- |\n")
	for _, attack := range []attack{
		{fmt.Sprintf("`/api/unread` with %d rooms and %d ignored users", abuseRooms, abuseIgnored), func(int64) int {
			return a.ask("GET", "/api/unread", a.attacker, "")
		}},
		{"`/api/inbox` of the same user", func(int64) int { return a.ask("GET", "/api/inbox?limit=100", a.attacker, "") }},
		{"registrations from one address", func(n int64) int {
			return a.ask("POST", "/api/users", "", fmt.Sprintf(`{"user":"new%d","password":"correct horse"}`, n))
		}},
		{"adding one user to many rooms", func(n int64) int {
			return a.ask("POST", "/api/rooms", a.attacker, fmt.Sprintf(`{"id":"trap%d","users":["bob"]}`, n))
		}},
		{"signals in another user's name", func(int64) int {
			return a.ask("POST", "/api/signal", a.attacker, `{"chat":"alice:bob","sender":"alice","type":"typing"}`)
		}},
		{fmt.Sprintf("opening %d streams, and keeping them", abuseStreams), func(n int64) int {
			return a.open(t, fmt.Sprintf("/api/stream?chat=lobby%d", n))
		}},
		{"logins with wrong passwords", func(n int64) int {
			return a.ask("POST", "/api/login", "", fmt.Sprintf(`{"user":"user%d","password":"wrong horse"}`, n%50))
		}},
	} {
		before := a.bystand(time.Now().Add(undisturbedFor))
		answers, during := a.under(attack.one)
		a.closeStreams()
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", attack.name, answers, before, during)
		if during.sent == 0 {
			t.Errorf("%s: no send of the bystander was answered", attack.name)
		}
	}
	fmt.Println(b.String())
}

// abuse is a stack with a bystander and an attacker.
type abuse struct {
	url                 string
	client              *http.Client
	bystander, attacker string // tokens

	mutex   sync.Mutex
	streams []io.Closer
}

func newAbuse(t *testing.T, s stack) *abuse {
	t.Helper()
	keys, err := token.FromSecret(s.secret)
	if err != nil {
		t.Fatal(err)
	}
	a := &abuse{url: s.url, client: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * abuseWorkers, MaxConnsPerHost: 0},
	}}
	for user, into := range map[string]*string{"alice": &a.bystander, "mallory": &a.attacker} {
		if *into, err = keys.ForUser(user, "abuse", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// prepare gives the attacker the rooms, with five messages in each, and those who are ignored, below all bounds on requests.
func (a *abuse) prepare(t *testing.T, url string) {
	t.Helper()
	store, err := storage.Open(url, storage.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	each(abuseRooms, func(n int) {
		id, err := chat.ParseID(fmt.Sprint("mine", n))
		if err != nil {
			t.Error(err)
			return
		}
		_, _, err = store.EditRoom(context.Background(), chat.RoomEdit{
			Room: id, IfAdmins: -1, Visibility: chat.Private, Created: true, MaxMembers: 10,
			Set:     []chat.Member{{User: "mallory", Role: chat.Admin}},
			Notices: []chat.Message{{Sender: "mallory", Text: "mallory made this room", Notice: &chat.Notice{Event: chat.RoomCreated}}},
		})
		if err != nil {
			t.Error(err)
			return
		}
		appends := make([]chat.Append, 5)
		for i := range appends {
			appends[i] = chat.Append{Chat: id, Message: chat.Message{Sender: fmt.Sprint("friend", i), Text: strings.Repeat("x", 40)}}
		}
		for _, appended := range store.Append(context.Background(), appends) {
			if appended.Err != nil {
				t.Error(appended.Err)
			}
		}
	})
	each(abuseIgnored, func(n int) {
		if err := store.SetIgnored(context.Background(), chat.IgnoreRequest{User: "mallory", Other: fmt.Sprint("stranger", n), Ignore: true}); err != nil {
			t.Error(err)
		}
	})
}

// ask makes a request and returns its status, 0 where there was no answer.
func (a *abuse) ask(method, target, token, body string) int {
	response, err := a.do(method, target, token, body)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}

func (a *abuse) do(method, target, token, body string) (*http.Response, error) {
	request, err := http.NewRequest(method, a.url+target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return a.client.Do(request)
}

// open opens a stream of the attacker's, and keeps it.
func (a *abuse) open(t *testing.T, target string) int {
	t.Helper()
	a.mutex.Lock()
	enough := len(a.streams) >= abuseStreams
	a.mutex.Unlock()
	if enough {
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // the attacker keeps its streams open; no result waits for it
		return http.StatusOK
	}
	response, err := a.do("GET", target, a.attacker, "")
	if err != nil {
		return 0
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return response.StatusCode
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.streams = append(a.streams, response.Body)
	return response.StatusCode
}

func (a *abuse) closeStreams() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for _, stream := range a.streams {
		_ = stream.Close()
	}
	a.streams = nil
}

// latencies are those of the bystander's sends.
type latencies struct {
	sent, failed int
	p50, p99     time.Duration
}

func (l latencies) String() string {
	text := fmt.Sprintf("%.1f, %.1f ms", l.p50.Seconds()*1e3, l.p99.Seconds()*1e3)
	if l.failed > 0 {
		text += fmt.Sprintf(", %d of %d failed", l.failed, l.sent+l.failed)
	}
	return text
}

// bystand sends one message after the other until a time.
func (a *abuse) bystand(until time.Time) (l latencies) {
	var took []time.Duration
	for time.Now().Before(until) {
		began := time.Now()
		if a.ask("POST", "/api/send", a.bystander, `{"chat":"alice:bob","text":"hello"}`) != http.StatusOK {
			l.failed++
			continue
		}
		took = append(took, time.Since(began))
	}
	if l.sent = len(took); l.sent > 0 {
		slices.Sort(took)
		l.p50, l.p99 = took[l.sent/2], took[l.sent*99/100]
	}
	return l
}

// under is bystand while an attack goes on, with a summary of its answers.
func (a *abuse) under(one func(n int64) int) (answers string, during latencies) {
	until := time.Now().Add(abuseLasts)
	var n atomic.Int64
	var mutex sync.Mutex
	statuses := map[int]int{}
	var attack sync.WaitGroup
	for range abuseWorkers {
		attack.Go(func() {
			for time.Now().Before(until) {
				status := one(n.Add(1))
				mutex.Lock()
				statuses[status]++
				mutex.Unlock()
			}
		})
	}
	during = a.bystand(until)
	attack.Wait()
	var parts []string
	for status, count := range statuses {
		parts = append(parts, fmt.Sprintf("%d × %d", count, status))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", "), during
}
