package budgets

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/service"
)

const authSecret = "the secret of the budgets: 32 bytes or more"

// answers is a chat.Service that answers at once, and allocates nothing.
type answers struct{ page chat.Page }

func (answers) Send(context.Context, chat.Message) (chat.Receipt, error) {
	return chat.Receipt{SendTime: 1_780_000_000_000_000}, nil
}

func (a answers) Pull(context.Context, chat.PullRequest) (chat.Page, error) { return a.page, nil }

func (answers) Ready(context.Context) error { return nil }

// httpAllocations are those of an http-server for one request.
func httpAllocations(t *testing.T, s shape) float64 {
	t.Helper()
	service := answers{page: chat.Page{NextCursor: 1}}
	if s == pullOf20 {
		for n := range 20 {
			service.page.Messages = append(service.page.Messages, chat.Message{
				Chat: s.chat(0), Sender: "alice", Text: text, SendTime: 1_780_000_000_000_000 + int64(n),
			})
		}
	}
	return requestAllocations(t, s, service, chattest.Silent{}, nil)
}

// wholeAllocations are those of an http-server and an rpc-server over Redis for one request.
func wholeAllocations(t *testing.T, redis *redistest.Server, s shape) float64 {
	t.Helper()
	config := service.Config{
		RPCAddr: "127.0.0.1:0", RedisURL: redis.URL() + "/1", DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096,
		IdempotencyWindow: time.Hour, MaxRoomMembers: 100, RefreshTokenTTL: time.Hour, HintSweep: 10 * time.Second,
	}
	const secret = "between us"
	if s.identified() {
		config.Trust = service.Trust{Auth: "on", RPCSecret: secret}
	}
	server, err := service.Listen(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{server.Addr().String()}, RPCSecret: config.Trust.RPCSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	return requestAllocations(t, s, calls, calls, calls)
}

// requestAllocations are those of one request to an http-server over a service in this process. rooms is the
// RoomService, or nil.
func requestAllocations(t *testing.T, s shape, service chat.Service, live chat.Live, rooms chat.Rooms) float64 {
	t.Helper()
	config := gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 64 << 10}
	authorization := ""
	if s.identified() {
		config.Auth, config.Token, config.AccessTokenTTL = "on", token.Config{AuthSecret: authSecret}, time.Hour
		keys, err := token.FromSecret(authSecret)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := keys.ForUser("alice", "session", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		authorization = "Authorization: Bearer " + signed + "\r\n"
	}
	admission, _ := rooms.(chat.Admission)
	server, err := gateway.Listen(config, chat.Services{Messages: service, Live: live, Rooms: rooms, Admission: admission}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	c := dial(t, server.Addr().String())
	if rooms != nil && s == privateSend {
		for n := range chats {
			body := fmt.Sprintf(`{"id":"%s","visibility":"private"}`, s.chat(n))
			c.ask(t, "201", fmt.Appendf(nil, "POST /api/rooms HTTP/1.1\r\nHost: budgets\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
				authorization, len(body), body))
		}
	}
	if rooms != nil && s == pullOf20 {
		for n := range chats * filled {
			c.ask(t, "200", s.request(n, false, ""))
		}
	}
	const warm, runs = 100, 70
	var requests [][]byte                          // prepared: the client's allocations do not count
	for n := range warm + timesMeasured*(runs+1) { // each measurement makes one more to warm up
		requests = append(requests, s.request(n, s.pulls(), authorization))
	}
	for range warm {
		c.ask(t, "200", requests[0])
		requests = requests[1:]
	}
	return allocations(runs, func() {
		c.ask(t, "200", requests[0])
		requests = requests[1:]
	})
}

// request is the nth one in HTTP.
func (s shape) request(n int, pull bool, authorization string) []byte {
	if pull {
		return fmt.Appendf(nil, "GET /api/pull?chat=%s&cursor=0&limit=20 HTTP/1.1\r\nHost: budgets\r\n\r\n", s.chat(n))
	}
	body := fmt.Sprintf(`{"chat":"%s","sender":"alice","text":"%s"}`, s.chat(n), text)
	if s == sendWithID {
		body = strings.TrimSuffix(body, "}") + fmt.Sprintf(`,"id":"http-%08d"}`, n)
	}
	return fmt.Appendf(nil, "POST /api/send HTTP/1.1\r\nHost: budgets\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
		authorization, len(body), body)
}

// client speaks HTTP over one connection and allocates nothing.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}
}

var contentLength = []byte("Content-Length: ")

// ask makes a request, which must get the given status.
func (c *client) ask(t *testing.T, status string, request []byte) {
	if _, err := c.conn.Write(request); err != nil {
		t.Fatal(err)
	}
	length, wrong := -1, false
	for first := true; ; first = false {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			t.Fatal(err)
		}
		if first && string(line[9:12]) != status {
			wrong = true
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				t.Fatal(err)
			}
		}
		if len(line) == 2 {
			break
		}
	}
	if wrong {
		body, err := io.ReadAll(io.LimitReader(c.reader, int64(length)))
		t.Fatalf("%s is answered with %s, %v", request, body, err)
	}
	if _, err := c.reader.Discard(length); err != nil {
		t.Fatal(err)
	}
}
