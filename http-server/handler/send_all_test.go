package handler_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// judging is a chat.Service that answers a send with the position len(sent), or with the error that its text names.
type judging struct {
	recording

	sent map[string][]string // texts of each chat, as they came
}

func (j *judging) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.sent[m.Chat] = append(j.sent[m.Chat], m.Text)
	switch code, fails := strings.CutPrefix(m.Text, "!"); {
	case code == "panic":
		panic("as it was told")
	case fails:
		return chat.Receipt{}, chat.Errorf(chat.Code(code), "told to fail")
	}
	return chat.Receipt{SendTime: int64(len(j.sent[m.Chat])), Duplicate: m.ID == "again"}, nil
}

const asJSON = "Content-Type: application/json\r\n"

func TestSendOfAnArray(t *testing.T) {
	t.Parallel()
	unavailable := `{"status":"failed","code":"unavailable","message":"told to fail","retry_after":1}`
	notSent := `{"status":"failed","code":"unavailable","message":"it was not sent, because a message before it failed; try again","retry_after":1}`
	for _, c := range []struct{ name, body, want, sent string }{
		{
			"in order", ` [{"chat":"a","text":"1"},{"chat":"b","text":"2"},{"chat":"a","text":"3","id":"again"}]`,
			`[{"status":"success","send_time":1},{"status":"success","send_time":1},{"status":"success","send_time":2,"duplicate":true}]`, "a:1,3 b:2",
		},
		{
			"one is refused", `[{"chat":"a","text":"!conflict"},{"chat":"a","txt":"2"},{"chat":"a","text":3},[],{"chat":"a","text":"4"}]`,
			`[{"status":"failed","code":"conflict","message":"told to fail"},` +
				`{"status":"failed","code":"invalid_argument","message":"unknown field \"txt\": did you mean \"text\"?"},` +
				`{"status":"failed","code":"invalid_argument","message":"text is not a string"},` +
				`{"status":"failed","code":"invalid_argument","message":"the body is not a JSON object like {\"chat\":\"alice:bob\"}"},` +
				`{"status":"success","send_time":2}]`, "a:!conflict,4",
		},
		{
			"the server is away", `[{"chat":"a:b","text":"!unavailable"},{"chat":"b:a","text":"2"},{"chat":"c","text":"3"}]`,
			"[" + unavailable + "," + notSent + `,{"status":"success","send_time":1}]`, "a:b:!unavailable c:3",
		},
		{
			"a panic", `[{"chat":"a","text":"!panic"},{"chat":"a","text":"2"}]`,
			`[{"status":"failed","code":"internal","message":"internal error; the server's log has the cause under this request's id"},` + notSent + "]", "a:!panic",
		},
	} {
		service := &judging{sent: map[string][]string{}}
		got := exchange(t, start(t, service), request("POST", "/api/send", asJSON, c.body))
		if got.status != http.StatusOK || strings.TrimSpace(got.body) != c.want {
			t.Errorf("%s: the answer is %d\n%s, want\n%s", c.name, got.status, got.body, c.want)
		}
		var sent []string
		for name, texts := range service.sent {
			sent = append(sent, name+":"+strings.Join(texts, ","))
		}
		slices.Sort(sent)
		if all := strings.Join(sent, " "); all != c.sent {
			t.Errorf("%s: %s was sent, want %s", c.name, all, c.sent)
		}
	}
}

func TestArraysThatAreRefused(t *testing.T) {
	t.Parallel()
	service := &judging{sent: map[string][]string{}}
	addr := start(t, service)
	for name, c := range map[string]struct{ header, body string }{
		"none":         {asJSON, "[]"},
		"too many":     {asJSON, "[" + strings.Repeat("1,", 100) + "1]"},
		"no JSON":      {asJSON, `[{"chat":"a","text":"1"}`},
		"one key":      {asJSON + "Idempotency-Key: 1\r\n", `[{"chat":"a","text":"1"}]`},
		"another type": {"Content-Type: text/csv\r\n", `[{"chat":"a","text":"1"}]`},
	} {
		got := exchange(t, addr, request("POST", "/api/send", c.header, c.body))
		if oneShape(t, got); got.status != http.StatusBadRequest && got.status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: the answer is %d %s, want a refusal", name, got.status, got.body)
		}
	}
	if len(service.sent) > 0 {
		t.Errorf("%v was sent, want nothing", service.sent)
	}
}

// TestEachMessageOfAnArrayCounts: towards the limit of the address, and towards that of the sender.
func TestEachMessageOfAnArrayCounts(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"address", "user"} {
		service := &judging{sent: map[string][]string{}}
		config := gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 1000, RateLimitBy: by, RateLimit: ratelimit.Rate{Requests: 3, Per: time.Hour}}
		server, err := gateway.Listen(config, chat.Services{Messages: service, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		chattest.Run(t, server)
		message := `{"chat":"a","sender":"ann","text":"1"}`
		got := exchange(t, server.Addr().String(), request("POST", "/api/send", asJSON, "["+message+strings.Repeat(","+message, 4)+"]"))
		if stored, limited := strings.Count(got.body, `"success"`), strings.Count(got.body, `"resource_exhausted"`); stored != 3 || limited != 2 {
			t.Errorf("by %s: the answer is %d %s, want three messages stored and two refused", by, got.status, got.body)
		}
	}
}
