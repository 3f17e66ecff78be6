package webhook_test

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	rpcserver "github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/worker/webhook"
)

// TestMain has this process trust the certificate of httptest's servers.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		server := httptest.NewTLSServer(nil)
		defer server.Close()
		folder, err := os.MkdirTemp("", "webhook")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		file := filepath.Join(folder, "ca.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
			panic(err)
		}
		_ = os.Setenv("SSL_CERT_FILE", file)
		return m.Run()
	}())
}

// bed is an rpc-server with AUTH=on over a Redis of its own.
type bed struct {
	*rpcclient.Client
	t        *testing.T
	registry webhook.Registry // nil: the client
}

const secret = "what gateways know"

func newBed(t *testing.T) *bed {
	t.Helper()
	rpc, err := rpcserver.Listen(t.Context(), rpcserver.Config{
		RPCAddr: "127.0.0.1:0", RedisURL: redistest.Start(t).URL(), DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096, IdempotencyWindow: time.Hour,
		RefreshTokenTTL: time.Hour, MaxRoomMembers: 100, HintSweep: time.Second, Trust: rpcserver.Trust{Auth: "on", RPCSecret: secret},
		Webhooks: rpcserver.Webhooks{RoomWebhooks: 12, WebhookAllowPrivate: []string{"127.0.0.1/32"}},
	}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, rpc)
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{rpc.Addr().String()}, RPCSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	return &bed{Client: calls, t: t}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// as is a context of a user; of a service for "".
func (b *bed) as(user string) context.Context {
	if user == "" {
		return chat.WithCaller(b.t.Context(), chat.Caller{User: "tests", Service: true})
	}
	return chat.WithCaller(b.t.Context(), chat.Caller{User: user})
}

func (b *bed) create(user string, w chat.NewWebhook) chat.Webhook {
	b.t.Helper()
	made, err := b.CreateWebhook(b.as(user), w)
	if err != nil {
		b.t.Fatal(err)
	}
	return made
}

func (b *bed) change(c chat.WebhookChange) chat.Webhook {
	b.t.Helper()
	changed, err := b.ChangeWebhook(b.as(""), c)
	if err != nil {
		b.t.Fatal(err)
	}
	return changed
}

// room makes a room, and accounts of its members.
func (b *bed) room(id, admin string, members ...string) {
	b.t.Helper()
	for _, user := range append([]string{admin}, members...) {
		_, err := b.Register(b.as(""), chat.Registration{User: user, Password: "correct horse"})
		if err != nil && chat.CodeOf(err) != chat.Conflict {
			b.t.Fatal(err)
		}
	}
	if _, err := b.CreateRoom(b.as(""), chat.NewRoom{ID: id, As: admin, Users: members}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) changeRoom(room string, kind chat.ChangeKind, users ...string) {
	b.t.Helper()
	if _, err := b.ChangeRoom(b.as(""), chat.RoomChange{Room: room, Kind: kind, Users: users}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) send(name, sender, text string) int64 {
	b.t.Helper()
	receipt, err := b.Send(b.as(""), chat.Message{Chat: name, Sender: sender, Text: text})
	if err != nil {
		b.t.Fatal(err)
	}
	return receipt.SendTime
}

// work runs a worker with webhooks only, until the test or stop ends it.
func (b *bed) work(config webhook.Config) (sink *webhook.Sink, stop func()) {
	b.t.Helper()
	if config.WebhookTimeout == 0 {
		config.WebhookTimeout = 15 * time.Second
	}
	if config.WebhookGiveUp == 0 {
		config.WebhookGiveUp = time.Hour
	}
	config.FirstRetry, config.LastRetry = 20*time.Millisecond, 100*time.Millisecond
	worker, err := projection.New(projection.Config{Source: b.Client, Log: quiet(), Poll: 20 * time.Millisecond})
	if err != nil {
		b.t.Fatal(err)
	}
	sink = webhook.New(config, cmp.Or[webhook.Registry](b.registry, b.Client), &projection.Bursts{Messages: 3, Quiet: 300 * time.Millisecond, Longest: time.Second}, quiet())
	ctx, cancel := context.WithCancel(chat.WithCaller(context.Background(), chat.Caller{User: "worker", Service: true}))
	var running sync.WaitGroup
	running.Go(func() { _ = worker.Run(ctx) })
	running.Go(func() {
		_ = sink.Run(ctx, func() {
			if err := worker.Set(sink.Projections()); err != nil {
				b.t.Error(err)
			}
		})
	})
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	b.t.Cleanup(stop)
	return sink, stop
}

// delivery is a request that a receiver has got.
type delivery struct {
	ID   string
	Type string `json:"type"`
	Time string `json:"timestamp"`
	Data struct {
		Chat, Text, Sender, Event string
		SendTime                  int64 `json:"send_time"`
		Messages                  []struct{ Text string }
	} `json:"data"`
	signatures string
	body       []byte
	header     http.Header
}

// receiver is a server that records its requests, and gives the prepared answers.
type receiver struct {
	*httptest.Server
	t      *testing.T
	answer func(delivery) int // nil: 200

	mutex   sync.Mutex
	got     []delivery // that were answered with 200
	refused int
	came    chan struct{} // of room for one
}

func newReceiver(t *testing.T, answer func(delivery) int) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer, came: make(chan struct{}, 1)}
	r.Server = httptest.NewUnstartedServer(r)
	return r
}

func receive(t *testing.T, answer func(delivery) int) *receiver {
	t.Helper()
	r := newReceiver(t, answer)
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	d := delivery{ID: request.Header.Get("webhook-id"), body: body, header: request.Header, signatures: request.Header.Get("webhook-signature")}
	if err := json.Unmarshal(body, &d); err != nil || request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s with %s: %s, %v; want a POST of JSON", request.Method, request.Header, body, err)
	}
	status := http.StatusOK
	if r.answer != nil {
		status = r.answer(d)
	}
	r.mutex.Lock()
	if status == http.StatusOK {
		r.got = append(r.got, d)
	} else {
		r.refused++
	}
	r.mutex.Unlock()
	w.WriteHeader(status)
	select {
	case r.came <- struct{}{}:
	default:
	}
}

// wait waits until a receiver has the wanted requests.
func (r *receiver) wait(what string, has func([]delivery) bool) []delivery {
	r.t.Helper()
	late := time.NewTimer(60 * time.Second)
	defer late.Stop()
	for {
		r.mutex.Lock()
		got := slices.Clone(r.got)
		r.mutex.Unlock()
		if has(got) {
			return got
		}
		select {
		case <-r.came:
		case <-late.C:
			r.t.Fatalf("after 30s the receiver has not got %s, but %s", what, texts(got))
		}
	}
}

// texts waits for so many deliveries and returns their texts.
func (r *receiver) texts(n int) []string {
	r.t.Helper()
	return texts(r.wait("all", func(got []delivery) bool { return len(got) >= n }))
}

func texts(got []delivery) []string {
	var all []string
	for _, d := range got {
		all = append(all, d.Data.Text)
	}
	return all
}

// verified wants a delivery to be signed with a secret, by the library's own check.
func verified(t *testing.T, d delivery, secret string) {
	t.Helper()
	key, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = key.Verify(d.body, d.header)
	}
	if err != nil {
		t.Errorf("Verify(%s) = %v", d.body, err)
	}
}

// eventually polls a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(60 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after 30s it does not hold that %s", what)
		}
	}
}
