package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// picky is a chat.Service that refuses the chat "bad" and fails for "down".
type picky struct{ fake }

func (picky) verdict(name string) error {
	switch name {
	case "bad":
		return chat.Errorf(chat.InvalidArgument, "bad")
	case "down":
		return chat.Errorf(chat.Unavailable, "down")
	}
	return nil
}

func (p picky) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	return chat.Receipt{SendTime: int64(len(m.Text))}, p.verdict(m.Chat)
}

func (p picky) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	return chat.Page{NextCursor: r.Cursor}, p.verdict(r.Chat)
}

// TestBatches: every request has its own answer, in its place, and its own line in the log under its own id.
func TestBatches(t *testing.T) {
	var out bytes.Buffer
	handler := New(Services{Messages: chattest.OneByOne{Service: picky{}}, Live: chattest.Silent{}}, slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	chats := []string{"room", "bad", "down", "room"}
	var sends []*rpc.SendRequest
	var pulls []*rpc.PullRequest
	for i, name := range chats {
		id := fmt.Sprint("id-", i)
		sends = append(sends, &rpc.SendRequest{Message: &rpc.Message{Chat: name, Text: "text"[:i+1]}, RequestId: &id})
		pulls = append(pulls, &rpc.PullRequest{Chat: name, Cursor: int64(i + 1), RequestId: &id})
	}
	codes := []rpc.Code{rpc.Code_OK, rpc.Code_INVALID_ARGUMENT, rpc.Code_UNAVAILABLE, rpc.Code_OK}
	levels := []string{"DEBUG", "DEBUG", "WARN", "DEBUG"}

	sent, err := handler.SendBatch(t.Context(), &rpc.SendBatchRequest{Requests: sends})
	if err != nil || len(sent.Responses) != len(chats) {
		t.Fatalf("SendBatch() = %v, %v; want %d answers", sent, err, len(chats))
	}
	for i, got := range sent.Responses {
		if got.Code != int32(codes[i]) || got.Code == 0 && got.GetSendTime() != int64(i+1) {
			t.Errorf("SendBatch() answers %d with %v, want code %d and its own send_time", i, got, codes[i])
		}
	}
	pulled, err := handler.PullBatch(t.Context(), &rpc.PullBatchRequest{Requests: pulls})
	if err != nil || len(pulled.Responses) != len(chats) {
		t.Fatalf("PullBatch() = %v, %v; want %d answers", pulled, err, len(chats))
	}
	for i, got := range pulled.Responses {
		if got.Code != int32(codes[i]) || got.Code == 0 && got.GetNextCursor() != int64(i+1) {
			t.Errorf("PullBatch() answers %d with %v, want code %d and its own cursor", i, got, codes[i])
		}
	}
	log := json.NewDecoder(&out)
	for _, method := range []string{"Send", "Pull"} {
		for i := range chats {
			var line struct{ Level, Method, ID string }
			if err := log.Decode(&line); err != nil {
				t.Fatalf("the log has no line of %s %d: %v", method, i, err)
			}
			if line.Level != levels[i] || line.Method != method || line.ID != fmt.Sprint("id-", i) {
				t.Errorf("the log has %+v for %s %d, want %s and its own id", line, method, i, levels[i])
			}
		}
	}
}

func TestBatchesOfNothing(t *testing.T) {
	handler := New(Services{Messages: chattest.OneByOne{Service: picky{}}, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
	for name, request := range map[string]*rpc.SendBatchRequest{"nil": nil, "empty": {}} {
		if got, err := handler.SendBatch(t.Context(), request); err != nil || len(got.Responses) != 0 {
			t.Errorf("SendBatch(%s) = %v, %v; want no answers", name, got, err)
		}
	}
	for name, request := range map[string]*rpc.PullBatchRequest{"nil": nil, "empty": {}} {
		if got, err := handler.PullBatch(t.Context(), request); err != nil || len(got.Responses) != 0 {
			t.Errorf("PullBatch(%s) = %v, %v; want no answers", name, got, err)
		}
	}
	// Thrift can leave out a message.
	if got, err := handler.SendBatch(t.Context(), &rpc.SendBatchRequest{Requests: []*rpc.SendRequest{{}, {}}}); err != nil || len(got.Responses) != 2 {
		t.Errorf("SendBatch(nothing, twice) = %v, %v; want two answers", got, err)
	}
}
