package rpcclient

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// asked is a chat.Live that returns prepared answers and records its calls.
type asked struct {
	chattest.Silent
	err   error
	calls chan any
}

func (a *asked) Signal(_ context.Context, s chat.Signal) error {
	a.calls <- s
	return a.err
}

func (a *asked) Read(_ context.Context, r chat.ReadRequest) (int64, error) {
	a.calls <- r
	return chat.MaxCursor, a.err
}

func (a *asked) ReportPresence(_ context.Context, gateway string, present []chat.Attendance) error {
	a.calls <- append([]chat.Attendance{{Chat: gateway}}, present...)
	return a.err
}

func (a *asked) Present(_ context.Context, id string) ([]string, error) {
	a.calls <- id
	return []string{"alice", "bob/phone"}, a.err
}

var (
	aSignal  = chat.Signal{Chat: "bob:alice", Sender: "bob", Type: "typing", Data: "é"}
	aReading = chat.ReadRequest{Chat: "bob:alice", Reading: chat.Reading{Reader: "bob/phone", Cursor: 7}, Force: true}
	theEnd   = chat.ReadRequest{Chat: "bob:alice", Reading: chat.Reading{Reader: "bob/phone"}, End: true}
	present  = []chat.Attendance{{Chat: "room", Readers: []string{"alice", "bob"}}}
)

// liveCall is a method, with its answer, and the call that a server should get.
type liveCall struct {
	call       func(context.Context, *Client) (any, error)
	asks, want any
	repeated   bool // where it may have arrived
}

var liveCalls = map[string]liveCall{
	"Signal": {func(ctx context.Context, c *Client) (any, error) { return nil, c.Signal(ctx, aSignal) }, aSignal, nil, false},
	"Read": {
		func(ctx context.Context, c *Client) (any, error) { return c.Read(ctx, aReading) },
		aReading, int64(chat.MaxCursor), true,
	},
	"Read to the end": {
		func(ctx context.Context, c *Client) (any, error) { return c.Read(ctx, theEnd) },
		theEnd, int64(chat.MaxCursor), true,
	},
	"ReportPresence": {
		func(ctx context.Context, c *Client) (any, error) {
			return nil, c.ReportPresence(ctx, "gateway", present)
		},
		append([]chat.Attendance{{Chat: "gateway"}}, present...), nil, true,
	},
	"Present": {
		func(ctx context.Context, c *Client) (any, error) { return c.Present(ctx, "room") },
		"room",
		[]string{"alice", "bob/phone"},
		true,
	},
}

func TestLiveCallsComeThrough(t *testing.T) {
	t.Parallel()
	live := &asked{calls: make(chan any, 1)}
	client := connect(t, serveHub(t, live))
	for method, c := range liveCalls {
		got, err := c.call(t.Context(), client)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s() = %v, %v; want %v", method, got, err, c.want)
		}
		if asked := <-live.calls; !reflect.DeepEqual(asked, c.asks) {
			t.Errorf("%s() reached the server as %+v, want %+v", method, asked, c.asks)
		}
	}
}

func TestErrorsOfLiveCalls(t *testing.T) {
	t.Parallel()
	refusing := &asked{err: chat.Wrap(errors.New("10.0.0.7"), chat.ResourceExhausted, "too often"), calls: make(chan any, len(liveCalls))}
	client := connect(t, serveHub(t, refusing))
	hung := connect(t, silent(t))
	for method, c := range liveCalls {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			if _, err := c.call(t.Context(), client); chat.CodeOf(err) != chat.ResourceExhausted || err.Error() != "resource_exhausted: too often" {
				t.Errorf("%s() = %v, want resource_exhausted: too often", method, err)
			}
			start := time.Now()
			_, err := c.call(t.Context(), hung)
			if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(err.Error(), "try again") || time.Since(start) >= patienceOfClients {
				t.Errorf("%s() = %v after %v, want unavailable within %v", method, err, time.Since(start), patienceOfClients)
			}
		})
	}
}

// TestWhichLiveCallsAreRepeated: one of two servers closes after reading.
func TestWhichLiveCallsAreRepeated(t *testing.T) {
	t.Parallel()
	for method, c := range liveCalls {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			live := &asked{calls: make(chan any, 1)}
			closes := closing(t)
			client := connectAll(t, closes, serveHub(t, live))
			client.servers.stop() // no probe changes the order of the servers
			client.servers.running.Wait()
			for _, one := range *client.servers.current.Load() {
				one.away.Store(one.addr != closes)
			}
			_, err := c.call(t.Context(), client)
			if c.repeated != (err == nil) || c.repeated != (len(live.calls) == 1) {
				t.Errorf("%s() = %v, and the other server was asked %d times; want it repeated: %v", method, err, len(live.calls), c.repeated)
			}
		})
	}
}
