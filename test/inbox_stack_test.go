package test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// inboxStack is both servers over a Redis.
type inboxStack struct {
	t     *testing.T
	url   string
	store *storage.Store
}

func startInboxStack(t *testing.T, redisURL string) inboxStack {
	t.Helper()
	return startStack(t, redisURL, storage.Options{IdempotencyWindow: time.Hour})
}

func startStack(t *testing.T, redisURL string, options storage.Options) inboxStack {
	t.Helper()
	store, err := storage.Open(redisURL, options)
	if err != nil {
		t.Fatal(err)
	}
	messages := chat.NewMessageService(store, chat.Access{}, conformance.Limits)
	messages.ReaderStore = store
	rpc, err := service.ListenOver(handler.Services{Messages: messages, Live: chat.NewLiveService(store, chat.Access{}), Inboxes: chat.NewInboxService(store, chat.Access{Rooms: store}, conformance.Limits)}, store, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, rpc)
	return inboxStack{t, startInboxGateway(t, rpc.Addr().String()), store}
}

// members has a user become a member of a room, or be one no longer.
func (s inboxStack) members(room, user string, event chat.NoticeEvent) {
	s.t.Helper()
	id, _ := chat.ParseID(room)
	edit := chat.RoomEdit{
		Room: id, IfAdmins: -1, MaxMembers: 10,
		Notices: []chat.Message{{Text: string(event), Sender: user, Notice: &chat.Notice{Event: event, Users: []string{user}}}},
	}
	if event == chat.MemberLeft {
		edit.Remove = []string{user}
	} else {
		edit.Set = []chat.Member{{User: user, Role: chat.PlainMember}}
	}
	if outcome, _, err := s.store.EditRoom(s.t.Context(), edit); err != nil || outcome != chat.Edited {
		s.t.Fatal(outcome, err)
	}
}

func startInboxGateway(t *testing.T, rpc string) string {
	t.Helper()
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{rpc}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	server, err := gateway.Listen(gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 64 << 10}, chat.Services{Messages: calls, Live: calls, Inboxes: calls}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return "http://" + server.Addr().String()
}

// ask makes a request and decodes its answer, which must be 200.
func (s inboxStack) ask(method, path, body string) (answer map[string]any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s = %d %s", method, path, response.StatusCode, text)
	}
	return answer
}

func (s inboxStack) send(chat, sender, text string) {
	s.t.Helper()
	s.ask("POST", "/api/send", fmt.Sprintf(`{"chat":%q,"sender":%q,"text":%q}`, chat, sender, text))
}

func (s inboxStack) want(path, want string) {
	s.t.Helper()
	answer := s.ask("GET", path, "")
	for part := range strings.FieldsSeq(want) {
		field, value, _ := strings.Cut(part, "=")
		if got := strings.ReplaceAll(fmt.Sprint(pick(answer, field)), " ", ","); got != value {
			s.t.Errorf("%s of GET %s = %s, want %s; in %v", field, path, got, value, answer)
		}
	}
}

// pick returns a field by its path, "chats.chat": of all elements where there are several.
func pick(from any, path string) any {
	name, rest, _ := strings.Cut(path, ".")
	switch from := from.(type) {
	case map[string]any:
		if path == "" {
			return from
		}
		return pick(from[name], rest)
	case []any:
		if path == "" {
			return from
		}
		all := []any{}
		for _, one := range from {
			all = append(all, pick(one, path))
		}
		return all
	}
	return from
}

// feed has the events of a stream.
type feed struct {
	t      *testing.T
	mutex  sync.Mutex
	texts  []string
	id     string
	change chan struct{}
	end    context.CancelFunc
	ended  chan struct{}
}

func newFeed(t *testing.T) (context.Context, *feed) {
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	f := &feed{t: t, change: make(chan struct{}, 1), end: end, ended: make(chan struct{})}
	t.Cleanup(f.close)
	return ctx, f
}

func (f *feed) close() {
	f.end()
	<-f.ended
}

func (f *feed) took(id string, data []byte) {
	var page struct {
		Messages []struct{ Text string }
	}
	_ = json.Unmarshal(data, &page)
	f.mutex.Lock()
	if id != "" {
		f.id = id
	}
	for _, m := range page.Messages {
		f.texts = append(f.texts, m.Text)
	}
	f.mutex.Unlock()
	select {
	case f.change <- struct{}{}:
	default:
	}
}

// until waits for a text, and returns all up to then.
func (f *feed) until(text string) []string {
	f.t.Helper()
	over := time.After(30 * time.Second)
	for {
		f.mutex.Lock()
		texts := slices.Clone(f.texts)
		f.mutex.Unlock()
		if slices.Contains(texts, text) {
			return texts
		}
		select {
		case <-f.change:
		case <-over:
			f.t.Fatalf("%q has not come in 10 s; what came is %q", text, texts)
		}
	}
}

func (s inboxStack) stream(query, lastEventID string) *feed {
	s.t.Helper()
	ctx, f := newFeed(s.t)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/stream?"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", lastEventID)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		close(f.ended)
		s.t.Fatalf("GET /api/stream?%s = %d", query, response.StatusCode)
	}
	go func() {
		defer close(f.ended)
		defer func() { _ = response.Body.Close() }()
		id := ""
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "id":
				id = value
			case "data":
				f.took(id, []byte(value))
				id = ""
			}
		}
	}()
	return f
}

func (s inboxStack) socket(watch string) *feed {
	s.t.Helper()
	ctx, f := newFeed(s.t)
	ws, _, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/api/ws", nil)
	if err == nil {
		err = ws.Write(ctx, websocket.MessageText, []byte(watch))
	}
	if err != nil {
		close(f.ended)
		s.t.Fatal(err)
	}
	go func() {
		defer close(f.ended)
		defer func() { _ = ws.CloseNow() }()
		for {
			_, text, err := ws.Read(ctx)
			if err != nil {
				return
			}
			f.took("", text)
		}
	}()
	return f
}
