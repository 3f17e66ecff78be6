package budgets

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// shape is a kind of request. Its string is part of messages' and chats' names.
type shape string

const (
	plainSend     shape = "plain send"
	sendWithID    shape = "send with an id"
	privateSend   shape = "send into a private room"
	firstMessage  shape = "first message of a chat"
	pullOf20      shape = "pull of 20"
	pullOfNothing shape = "pull of nothing"
)

func (s shape) pulls() bool { return s == pullOf20 || s == pullOfNothing }

// identified reports whether requests have callers, as with AUTH=on. Without callers, membership is not checked.
func (s shape) identified() bool { return s == privateSend }

const (
	chats  = batchSize // addressed by requests in turn
	filled = 40        // messages in each pulled chat
)

var text = strings.Repeat("x", 40)

// chat is the nth request's chat. Names have one length, so that all requests have the same size.
func (s shape) chat(n int) string {
	switch s {
	case firstMessage:
		return fmt.Sprintf("alice:bob.%06d", n)
	case privateSend:
		return fmt.Sprintf("private.%02d", n%chats)
	case pullOfNothing:
		return fmt.Sprintf("nothing.%02d", n%chats)
	case pullOf20:
		return fmt.Sprintf("filled.%02d", n%chats)
	default:
		return fmt.Sprintf("room.%02d", n%chats)
	}
}

func (s shape) send(n int) *rpc.SendRequest {
	message := &rpc.Message{Chat: s.chat(n), Sender: "alice", Text: text}
	if s == sendWithID {
		id := fmt.Sprintf("id-%08d", n)
		message.Id = &id
	}
	request := &rpc.SendRequest{Message: message}
	if s.identified() {
		user := "alice"
		request.Caller = &rpc.Caller{User: &user}
	}
	return request
}

func (s shape) pull(n int) *rpc.PullRequest {
	return &rpc.PullRequest{Chat: s.chat(n), Limit: 20, Entries: new(true)} // as gateways ask
}

// prefixes are as long as a Store's default prefix.
var prefixes atomic.Int64

// server is an rpc-server's handler over its own Store.
type server struct {
	*handler.Handler
	shape shape
	store *storage.Store
	next  int // number of the next request
}

// open returns a server that has already answered requests of the shape.
func open(t *testing.T, redisURL string, s shape) *server {
	t.Helper()
	store, err := storage.Open(redisURL, storage.Options{IdempotencyWindow: time.Hour, Prefix: fmt.Sprintf("%02x", prefixes.Add(1))})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.KeepRetention().Step(context.Background()); err != nil { // as servers do first
		t.Fatal(err)
	}
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}
	core := chat.NewMessageService(store, chat.Access{Required: s.identified()}, limits)
	core.ReaderStore = store
	o := &server{Handler: handler.New(handler.Services{Messages: core, Live: chat.NewLiveService(store, chat.Access{})}, slog.New(slog.DiscardHandler)), shape: s, store: store}
	if s == privateSend {
		roomService := chat.NewRoomService(store, chat.Access{Required: true, Rooms: store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 100})
		as := chat.WithCaller(context.Background(), chat.Caller{User: "alice"})
		for n := range chats {
			if _, err := roomService.CreateRoom(as, chat.NewRoom{ID: s.chat(n), Visibility: chat.Private, Users: []string{"bob"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s == pullOf20 {
		for n := range chats * filled {
			o.must(t, s.send(n))
		}
	}
	o.makeBatch(t)
	o.makeBatch(t)
	o.makeOne(t)
	return o
}

// makeOne makes one request.
func (o *server) makeOne(t *testing.T) {
	if o.shape.pulls() {
		response, err := o.Pull(context.Background(), o.shape.pull(o.next))
		o.checkPage(t, response, err)
	} else {
		o.must(t, o.shape.send(o.next))
	}
	o.next++
}

func (o *server) must(t *testing.T, request *rpc.SendRequest) {
	response, err := o.Send(context.Background(), request)
	if err != nil || response.Code != 0 {
		t.Fatalf("%s: %v, %v", o.shape, response, err)
	}
}

// makeBatch makes batchSize requests at once.
func (o *server) makeBatch(t *testing.T) {
	ctx := context.Background()
	if o.shape.pulls() {
		batch := &rpc.PullBatchRequest{Requests: make([]*rpc.PullRequest, batchSize)}
		for i := range batch.Requests {
			batch.Requests[i] = o.shape.pull(o.next + i)
		}
		response, err := o.PullBatch(ctx, batch)
		for _, each := range response.GetResponses() {
			o.checkPage(t, each, err)
		}
	} else {
		batch := &rpc.SendBatchRequest{Requests: make([]*rpc.SendRequest, batchSize)}
		for i := range batch.Requests {
			batch.Requests[i] = o.shape.send(o.next + i)
		}
		response, err := o.SendBatch(ctx, batch)
		for _, each := range response.GetResponses() {
			if err != nil || each.Code != 0 {
				t.Fatalf("%s: %v, %v", o.shape, each, err)
			}
		}
	}
	o.next += batchSize
}

func (o *server) checkPage(t *testing.T, response *rpc.PullResponse, err error) {
	want := 0
	if o.shape == pullOf20 {
		want = 20
	}
	entries := 0 // each after its length
	for rest := response.GetEntries(); len(rest) >= 4; entries++ {
		rest = rest[4+binary.BigEndian.Uint32(rest):]
	}
	if err != nil || response.Code != 0 || entries != want {
		t.Fatalf("%s: %v, %v", o.shape, response, err)
	}
}
