package projections

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestImport moves everything to another Redis. A worker there counts words anew. A webhook posts nothing before it is
// enabled, and then only messages sent since the import.
func TestImport(t *testing.T) {
	source := startStack(t)
	old := newReceiver(t)
	hook, err := source.client.CreateWebhook(t.Context(), client.NewWebhook{URL: old.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.client.PutWord(t.Context(), client.Word{Word: "message"}); err != nil {
		t.Fatal(err)
	}
	const before, after = 30, 20
	source.send(t, "before", before)
	await(t, "the source's events come", func() bool { return old.got() == before })
	await(t, "the source's words are counted", func() bool { return counted(t, source.client) == before })
	file := filepath.Join(t.TempDir(), "export.jsonl.gz")
	command(t, "export", file, "--with-secrets", "--redis-url", source.redis.URL())

	target := startStack(t, func(redis *redistest.Server) { command(t, "import", file, "--redis-url", redis.URL()) })
	target.send(t, "after", after)
	await(t, "words are counted", func() bool { return counted(t, target.client) == before+after })
	if got := old.got(); got != before {
		t.Errorf("a webhook that nobody enabled posted %d events, want %d", got, before)
	}
	if _, err := target.client.ChangeWebhook(t.Context(), hook.ID, client.WebhookChange{Enabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	target.send(t, "enabled", after)
	await(t, "events come", func() bool { return old.got() >= before+2*after })
	logs := map[string][]string{}
	for name, n := range map[string]int{"before": before, "after": after, "enabled": after} {
		for i := range n {
			logs[name] = append(logs[name], fmt.Sprintf("message %d", i))
		}
	}
	old.judge(t, "webhook", logs)
	if got := old.got(); got != before+2*after {
		t.Errorf("%d events came, want %d", got, before+2*after)
	}
}

// stack is a Redis, the servers and a worker.
type stack struct {
	redis  *redistest.Server
	client *client.Client
}

// startStack prepares the Redis before the servers start.
func startStack(t *testing.T, prepare ...func(*redistest.Server)) stack {
	t.Helper()
	redis := redistest.Start(t)
	for _, p := range prepare {
		p(redis)
	}
	rpc := programtest.Start(t, "rpc-server", "REDIS_URL="+redis.URL(), "WEBHOOK_ALLOW_PRIVATE=127.0.0.0/8")
	gateway := programtest.Start(t, "http-server", "RPC_SERVERS="+rpc.Addr())
	programtest.StartWorker(t, []string{rpc.Addr()})
	c, err := client.New("http://"+gateway.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return stack{redis, c}
}

func (s stack) send(t *testing.T, room string, n int) {
	t.Helper()
	for i := range n {
		if _, err := s.client.Send(t.Context(), client.Message{Chat: room, Sender: "ann", Text: fmt.Sprintf("message %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
}

func command(t *testing.T, arguments ...string) {
	t.Helper()
	if output, err := programtest.Command(t, "pullchat", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("pullchat %v: %v\n%s", arguments, err, output)
	}
}
