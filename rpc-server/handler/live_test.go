package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudwego/gopkg/protocol/thrift"
	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// line is a stream of Watch with its other end in a test's hands.
type line struct {
	rpc.IMService_WatchServer // unused services are nil
	up                        chan *rpc.WatchRequest
	down                      chan *rpc.WatchResponse
	broken                    chan struct{} // Send fails
}

func newLine() *line {
	return &line{up: make(chan *rpc.WatchRequest), down: make(chan *rpc.WatchResponse), broken: make(chan struct{})}
}

func (l *line) RecvMsg(_ context.Context, m any) error {
	request := <-l.up
	if request == nil {
		return io.EOF
	}
	return thrift.FastUnmarshal(thrift.FastMarshal(request), m.(thrift.FastCodec))
}

func (l *line) Send(_ context.Context, r *rpc.WatchResponse) error {
	select {
	case l.down <- r:
		return nil
	case <-l.broken:
		return errors.New("the gateway has gone")
	}
}

// watched is a chat.Live with one watch, which remembers.
type watched struct {
	chattest.Silent
	*events.Queue
	mutex    sync.Mutex
	followed []string
}

func (w *watched) Watch() chat.Watch { return w }

func (w *watched) Add(ids ...chat.ID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, id := range ids {
		w.followed = append(w.followed, id.String())
	}
}

func (w *watched) Remove(ids ...chat.ID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, id := range ids {
		w.followed = slices.DeleteFunc(w.followed, func(name string) bool { return name == id.String() })
	}
}

func (w *watched) now() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.followed)
}

// open begins a Watch; ended gets its result.
func open(t *testing.T, h *Handler, l *line) (ended <-chan error) {
	t.Helper()
	leaked := goleak.IgnoreCurrent()
	done := make(chan error, 1)
	go func() { done <- h.Watch(context.WithoutCancel(t.Context()), l) }()
	t.Cleanup(func() {
		h.EndWatches()
		close(l.up) // as Kitex does when Watch has returned
		goleak.VerifyNone(t, leaked)
	})
	return done
}

// TestWatchHears: each request is heard and answered; an invalid chat is skipped.
func TestWatchHears(t *testing.T) {
	live := &watched{Queue: events.New()}
	var log bytes.Buffer
	h := New(Services{Messages: chattest.OneByOne{Service: fake{}}, Live: live}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l := newLine()
	open(t, h, l)
	for _, step := range []struct {
		request rpc.WatchRequest
		want    []string
	}{
		{rpc.WatchRequest{}, nil},
		{rpc.WatchRequest{Add: []string{"bob:alice", "no chat", "room"}}, []string{"alice:bob", "room"}},
		{rpc.WatchRequest{Remove: []string{"alice:bob", "", "unknown"}}, []string{"room"}},
	} {
		l.up <- &step.request
		if answer := <-l.down; len(answer.Events) != 0 {
			t.Errorf("%v is answered by %v, want a response without events", &step.request, answer)
		}
		if got := live.now(); !slices.Equal(got, step.want) {
			t.Errorf("after %v there are %q, want %q", &step.request, got, step.want)
		}
	}
	if !strings.Contains(log.String(), "method=Watch") {
		t.Errorf("the log is %q, want that there was no chat", &log)
	}
	live.Put(chat.Event{Chat: chat.ID{}, Kind: chat.Hint, Position: 7})
	if told := <-l.down; len(told.Events) != 1 || told.Events[0].GetPosition() != 7 {
		t.Errorf("a hint is told as %v", told)
	}
}

// TestWatchFollowsSoManyChats: others are passed by, until there is room.
func TestWatchFollowsSoManyChats(t *testing.T) {
	live := &watched{Queue: events.New()}
	h := New(Services{Messages: chattest.OneByOne{Service: fake{}}, Live: live}, slog.New(slog.DiscardHandler))
	h.maxFollowed = 3
	l := newLine()
	open(t, h, l)
	for _, step := range []struct {
		request rpc.WatchRequest
		want    int
	}{
		{rpc.WatchRequest{Add: []string{"1", "2", "3", "4"}}, 3},
		{rpc.WatchRequest{Add: []string{"1"}}, 4}, // again: it is to be confirmed again
		{rpc.WatchRequest{Remove: []string{"1"}, Add: []string{"5", "6"}}, 3},
	} {
		l.up <- &step.request
		<-l.down
		if got := live.now(); len(got) != step.want {
			t.Errorf("after %v there are %q, want %d", &step.request, got, step.want)
		}
	}
}

// TestWatchEnds with the server, the gateway or the store, and leaves no goroutine.
func TestWatchEnds(t *testing.T) {
	for name, end := range map[string]func(*Handler, *line, *watched){
		"the server stops":                func(h *Handler, _ *line, _ *watched) { h.EndWatches() },
		"the gateway has closed":          func(_ *Handler, l *line, _ *watched) { l.up <- nil },
		"the gateway cannot be told":      func(_ *Handler, l *line, w *watched) { close(l.broken); w.Put(chat.Event{}) },
		"the store has closed its watch":  func(_ *Handler, _ *line, w *watched) { w.Close() },
		"the server has stopped, earlier": func(h *Handler, _ *line, _ *watched) { h.EndWatches(); h.EndWatches() },
	} {
		t.Run(name, func(t *testing.T) {
			live := &watched{Queue: events.New()}
			h := New(Services{Messages: chattest.OneByOne{Service: fake{}}, Live: live}, slog.New(slog.DiscardHandler))
			l := newLine()
			ended := open(t, h, l)
			l.up <- &rpc.WatchRequest{}
			<-l.down
			end(h, l, live)
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Watch() = %v, want nil", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Watch() does not return")
			}
			if _, err := live.Next(t.Context()); !errors.Is(err, events.ErrClosed) {
				t.Errorf("Next() of the store's watch = %v, want it closed", err)
			}
		})
	}
}

// TestLiveCalls reach the chat.Live, and each is answered and logged.
func TestLiveCalls(t *testing.T) {
	for method, call := range map[string]func(*Handler) (answer, error){
		"Signal": func(h *Handler) (answer, error) {
			return h.Signal(t.Context(), &rpc.SignalRequest{RequestId: &requestID})
		},
		"Read": func(h *Handler) (answer, error) {
			return h.Read(t.Context(), &rpc.ReadRequest{RequestId: &requestID, Cursor: -1})
		},
		"Attend": func(h *Handler) (answer, error) {
			return h.Attend(t.Context(), &rpc.AttendRequest{RequestId: &requestID})
		},
		"Present": func(h *Handler) (answer, error) {
			return h.Present(t.Context(), &rpc.PresentRequest{RequestId: &requestID})
		},
	} {
		t.Run(method, func(t *testing.T) {
			var log bytes.Buffer
			h := New(Services{Messages: chattest.OneByOne{Service: fake{}}, Live: chat.NewLiveService(nil, chat.Access{})}, // its store is not reached
				slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			response, err := call(h)
			if err != nil || response.GetCode() != int32(rpc.Code_INVALID_ARGUMENT) {
				t.Errorf("%s(empty) = %v, %v; want %d", method, response, err, rpc.Code_INVALID_ARGUMENT)
			}
			for _, want := range []string{"method=" + method, fmt.Sprintf("id=%q", requestID), "code=invalid_argument"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%s logs %s, want %s", method, &log, want)
				}
			}
		})
	}
}
