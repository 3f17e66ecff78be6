// Package projection runs consumers of all chats. A projection is one more cursor in each chat: it finds the chats that have
// moved, pulls each from the projection's cursor, hands the events to a Handler, and stores the cursor. Several workers share
// the partitions of a projection by leases.
//
// Each event is handled at least once, and those of a chat in their order. An event is repeated only after a failure of the
// handler or the worker, and then with the same id.
package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Source has the calls by which projections read chats and store their progress. rpcclient.Client implements it, in the
// name of a service.
type Source interface {
	chat.Projections
	Pull(context.Context, chat.PullRequest) (chat.Page, error)
}

// Event is a message of a chat, or a burst of messages of one sender.
type Event struct {
	ID       string         // "<chat>@<send_time>", of the last message; the same whenever the event is repeated
	Chat     string         // the canonical id
	Messages []chat.Message // oldest first; one without bursts
}

// Last is the event's last message.
func (e Event) Last() chat.Message { return e.Messages[len(e.Messages)-1] }

// Handler takes events of one chat, oldest first. It is called for several chats at the same time, never for one chat twice.
//
// After an error the events come again, later and later. An error of Reject puts the event among the dead letters instead.
// Handled says how many events went well before the error.
type Handler interface {
	Handle(ctx context.Context, events []Event) error
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, events []Event) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, events []Event) error { return f(ctx, events) }

// Counter is a Handler that only counts. Its counts are stored together with the cursor, so each event counts exactly once.
// Handle is called for revived dead letters only. After an error all of the events come again, also those before a Handled.
type Counter interface {
	Handler
	Count(ctx context.Context, events []Event) ([]chat.Count, error)
}

// Projection is a consumer of all chats.
type Projection struct {
	Name    string // 1 to 64 of a-z, 0-9, dot, hyphen, underscore
	Handler Handler
	Start   int64 // where it begins if it is new, in microseconds since 1970: 0 is the oldest messages, chat.StartNow only new ones

	Bursts      *Bursts                // gathers messages; nil: each message is an event
	Chats       func(chat string) bool // the chats of interest; nil: all
	Listed      []string               // the chats of interest by their ids, if they are few: workers share their partitions only
	Concurrency int                    // chats that are handled at the same time; 0 is 16

	// GiveUp is how long an event is tried again; 0 is for ever. Then it becomes a dead letter, unless GaveUp is set, which is
	// called instead, and may be called again.
	GiveUp time.Duration
	GaveUp func(ctx context.Context, since time.Time, err error)
	// FirstRetry and LastRetry are the pauses after the first and the last of many failures; 0 is 1 second and 5 minutes.
	FirstRetry, LastRetry time.Duration
}

// rejected is an error that trying again does not help.
type rejected struct{ error }

func (r rejected) Unwrap() error { return r.error }

// Reject marks an error that will not go away: the event becomes a dead letter.
func Reject(err error) error { return rejected{err} }

func isRejected(err error) bool {
	var r rejected
	return errors.As(err, &r)
}

// handled is an error after some events.
type handled struct {
	error
	n int
}

func (h handled) Unwrap() error { return h.error }

// Handled returns the error of the event with index n, where all before it were handled.
func Handled(n int, err error) error { return handled{err, n} }

// handledBefore returns how many events were handled before an error.
func handledBefore(err error) int {
	if h, ok := errors.AsType[handled](err); ok {
		return h.n
	}
	return 0
}

// Run runs projections until ctx ends. It is a worker with its own name and default settings.
func Run(ctx context.Context, source Source, log *slog.Logger, projections ...Projection) error {
	w, err := New(Config{Source: source, Log: log})
	if err != nil {
		return err
	}
	if err := w.Set(projections); err != nil {
		return err
	}
	return w.Run(ctx)
}

// Validate returns the fault of the projection, or nil.
func (p Projection) Validate() error {
	if err := chat.CheckProjectionName(p.Name); err != nil {
		return err
	}
	if p.Handler == nil {
		return fmt.Errorf("projection %s has no handler", p.Name)
	}
	if p.Bursts != nil {
		if err := p.Bursts.Validate(); err != nil {
			return fmt.Errorf("projection %s: %w", p.Name, err)
		}
	}
	return nil
}
