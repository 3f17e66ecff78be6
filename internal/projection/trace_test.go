package projection_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestTrace: each call of a handler is traced, within its span, and ends with the handler's own error.
func TestTrace(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	type span struct{}
	var mutex sync.Mutex
	var ends []error
	away := errors.New("away")
	begin := func(ctx context.Context, name string, events int) (context.Context, func(error)) {
		if name != "p" || events != 1 {
			t.Errorf("a span of %s has %d events", name, events)
		}
		return context.WithValue(ctx, span{}, true), func(err error) {
			mutex.Lock()
			defer mutex.Unlock()
			ends = append(ends, err)
		}
	}
	calls := 0
	handler := projection.HandlerFunc(func(ctx context.Context, _ []projection.Event) error {
		if ctx.Value(span{}) == nil {
			t.Error("the handler is not within the span")
		}
		if calls++; calls == 1 {
			return projection.Handled(0, away)
		}
		return nil
	})
	b.send("room", "hello")
	w, err := projection.New(projection.Config{Source: b, Log: quiet(), Poll: 10 * time.Millisecond, Trace: begin})
	if err == nil {
		err = w.Set([]projection.Projection{{Name: "p", Handler: handler, FirstRetry: time.Millisecond}})
	}
	if err != nil {
		t.Fatal(err)
	}
	b.start(w)
	await(t, "the event is handled", func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		return slices.Equal(ends, []error{away, nil})
	})
}
