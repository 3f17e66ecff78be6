package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

const (
	// causeText is in the cause of every error: for the log only.
	causeText = "10.0.0.7:6379: connection refused"
	// secretText is in every message: not even for the log.
	secretText = "the text of a message"
)

// fake is a chat.Service whose every method answers with err.
type fake struct{ err error }

func (f fake) Send(context.Context, chat.Message) (chat.Receipt, error) {
	return chat.Receipt{SendTime: 7, Duplicate: true}, f.err
}

func (f fake) Pull(context.Context, chat.PullRequest) (chat.Page, error) {
	return chat.Page{Messages: []chat.Message{{Chat: "room", Text: secretText, Sender: "alice", SendTime: 7}}, NextCursor: 8}, f.err
}

func (f fake) Ready(context.Context) error { return f.err }

// answer has the common fields of the responses of all methods.
type answer interface {
	GetCode() int32
	GetMsg() string
}

var requestID = "id of the request"

var methods = map[string]func(context.Context, *Handler) (answer, error){
	"Send": func(ctx context.Context, h *Handler) (answer, error) {
		return h.Send(ctx, &rpc.SendRequest{Message: &rpc.Message{Chat: "room", Text: secretText, Sender: "alice"}, RequestId: &requestID})
	},
	"Pull": func(ctx context.Context, h *Handler) (answer, error) {
		return h.Pull(ctx, &rpc.PullRequest{Chat: "room", RequestId: &requestID})
	},
	"Ready": func(ctx context.Context, h *Handler) (answer, error) {
		return h.Ready(ctx, &rpc.ReadyRequest{RequestId: &requestID})
	},
}

// TestEveryCallIsLogged: one line, at a level that says who has to look at it.
func TestEveryCallIsLogged(t *testing.T) {
	levels := map[chat.Code]string{
		"":                    "DEBUG",
		chat.Internal:         "ERROR",
		chat.Unavailable:      "WARN",
		chat.DeadlineExceeded: "WARN",
	}
	for _, code := range append(chat.Codes(), "") {
		want, special := levels[code]
		if !special {
			want = "DEBUG" // the client's mistake: the gateway has a line for it
		}
		var service fake
		if code != "" {
			service.err = chat.Wrap(errors.New(causeText), code, "told to fail")
		}
		for method, call := range methods {
			t.Run(fmt.Sprintf("%s %s", method, code), func(t *testing.T) {
				line, response := logged(t, service, call, slog.LevelDebug)
				if line["level"] != want || line["msg"] != "call" || line["method"] != method || line["id"] != "id of the request" {
					t.Errorf("%s with code %q logs %v, want %s and the request's id", method, code, line, want)
				}
				if _, has := line["duration_ms"].(float64); !has {
					t.Errorf("%s logs %v, want its duration", method, line)
				}
				if code == "" {
					if _, has := line["error"]; has || response.GetCode() != 0 || response.GetMsg() != "success" {
						t.Errorf("%s = %v and logs %v, want success", method, response, line)
					}
					return
				}
				if line["code"] != string(code) || !strings.Contains(line["error"].(string), causeText) {
					t.Errorf("%s with code %s logs %v, want the code and the cause", method, code, line)
				}
				if response.GetCode() == 0 || response.GetMsg() != "told to fail" || strings.Contains(fmt.Sprint(response), causeText) {
					t.Errorf("%s with code %s = %v, want the message and nothing of the cause", method, code, response)
				}
			})
		}
	}
}

// TestQuietCalls: at the default level, successful calls are not logged here.
func TestQuietCalls(t *testing.T) {
	for _, err := range []error{nil, chat.Errorf(chat.InvalidArgument, "text is empty")} {
		for method, call := range methods {
			if line, _ := logged(t, fake{err}, call, slog.LevelInfo); line != nil {
				t.Errorf("%s with %v logs %v, want nothing", method, err, line)
			}
		}
	}
}

// TestAnUnexpectedErrorIsInternal: also one that is no *chat.Error.
func TestAnUnexpectedErrorIsInternal(t *testing.T) {
	for method, call := range methods {
		line, response := logged(t, fake{errors.New(causeText)}, call, slog.LevelInfo)
		if line["level"] != "ERROR" || !strings.Contains(line["error"].(string), causeText) {
			t.Errorf("%s logs %v, want an error with its cause", method, line)
		}
		if response.GetCode() != int32(rpc.Code_INTERNAL) || strings.Contains(response.GetMsg(), causeText) {
			t.Errorf("%s = %v, want %d without the cause", method, response, rpc.Code_INTERNAL)
		}
	}
}

// TestWithoutARequestID: clients of the IDL other than our gateway send none.
func TestWithoutARequestID(t *testing.T) {
	var out bytes.Buffer
	handler := New(Services{Messages: chattest.OneByOne{Service: fake{}}, Live: chattest.Silent{}}, slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if _, err := handler.Ready(t.Context(), nil); err != nil {
		t.Errorf("Ready() = %v, want nil", err)
	}
	if strings.Contains(out.String(), `"id"`) {
		t.Errorf("Ready() logs %s, want no id", &out)
	}
}

// TestNilRequests: Thrift can leave out every field.
func TestNilRequests(t *testing.T) {
	core := chat.NewMessageService(nil, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 1}) // its store is not reached
	handler := New(Services{Messages: core, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
	for name, request := range map[string]*rpc.SendRequest{"nil": nil, "no message": {}} {
		if response, err := handler.Send(t.Context(), request); err != nil || response.Code != int32(rpc.Code_INVALID_ARGUMENT) {
			t.Errorf("Send(%s) = %v, %v; want %d", name, response, err, rpc.Code_INVALID_ARGUMENT)
		}
	}
	if response, err := handler.Pull(t.Context(), nil); err != nil || response.Code != int32(rpc.Code_INVALID_ARGUMENT) {
		t.Errorf("Pull(nil) = %v, %v; want %d", response, err, rpc.Code_INVALID_ARGUMENT)
	}
}

// logged calls a method and returns its line of the log, nil if it has none, and its answer.
func logged(t *testing.T, service chat.Service, call func(context.Context, *Handler) (answer, error), level slog.Level) (map[string]any, answer) {
	t.Helper()
	var out bytes.Buffer
	handler := New(Services{Messages: chattest.OneByOne{Service: service}, Live: chattest.Silent{}}, slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level})))
	response, err := call(t.Context(), handler)
	if err != nil {
		t.Fatalf("the method's error = %v; errors belong into the answer", err)
	}
	switch n := strings.Count(out.String(), "\n"); {
	case n == 0:
		return nil, response
	case n > 1 || strings.Contains(out.String(), secretText):
		t.Errorf("the log is %s\nwant one line, without the text", &out)
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("the log is %s: %v", &out, err)
	}
	return line, response
}
