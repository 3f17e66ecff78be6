package handler_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/logging"
)

// TestMain silences Hertz, whose logger is one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

const maxBodyBytes = 256

// recording is a chat.Service that records its calls.
type recording struct {
	mutex sync.Mutex
	asked []any
	err   error
}

func (r *recording) record(request any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.asked = append(r.asked, request)
}

// take returns the calls since the last time: nil, or one request.
func (r *recording) take(t *testing.T) any {
	t.Helper()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	asked := r.asked
	r.asked = nil
	switch len(asked) {
	case 0:
		return nil
	case 1:
		return asked[0]
	}
	t.Fatalf("the service was asked %d times by one request: %v", len(asked), asked)
	return nil
}

func (r *recording) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	r.record(m)
	return chat.Receipt{SendTime: chat.MaxSendTime, Duplicate: m.ID == "again"}, r.err
}

func (r *recording) Pull(_ context.Context, request chat.PullRequest) (chat.Page, error) {
	r.record(request)
	if request.Chat == "empty" {
		return chat.Page{}, r.err
	}
	return chat.Page{
		Messages: []chat.Message{
			{Chat: request.Chat, Text: request.Chat, Sender: "alice", SendTime: 1},
			{Chat: request.Chat, Text: "2", Sender: "bob", ID: "b", SendTime: chat.MaxSendTime},
		},
		HasMore: true, NextCursor: chat.MaxCursor,
	}, r.err
}

func (r *recording) Ready(context.Context) error {
	r.record("ready")
	return r.err
}

// start runs a gateway over a Service until the test ends, and returns its address.
func start(t *testing.T, service chat.Service) string {
	t.Helper()
	server, err := gateway.Listen(gateway.Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: maxBodyBytes}, chat.Services{Messages: service, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return server.Addr().String()
}
