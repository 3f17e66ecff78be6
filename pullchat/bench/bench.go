// Package bench puts load on a Pullchat through HTTP, and afterwards reads back everything that was acknowledged.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Kind is what the load is made of.
type Kind string

// The kinds of load.
const (
	Send  Kind = "send"  // messages, to chats at random
	Pull  Kind = "pull"  // pages of chats with a history, from anywhere in it
	Mixed Kind = "mixed" // nine pulls to one send; most pulls read the newest page, as people do
	Live  Kind = "live"  // messages, to chats that are watched

	Inbox  Kind = "inbox"  // the first page of the inbox of a user who has all the chats
	Unread Kind = "unread" // all counts of that user
	Login  Kind = "login"  // logins of one user
)

// Options describe a run.
type Options struct {
	Server      string // "http://127.0.0.1:8080"
	Kind        Kind
	Connections int           // each with one request at a time; one that is refused waits as it is told. Live: may be 0
	Chats       int           // that the load is spread over
	TextBytes   int           // of each message
	History     int           // messages that a chat has before a pull or mixed run
	Limit       int           // messages in a page
	Duration    time.Duration // of the measurement
	Warmup      time.Duration // before it, not counted
	Rate        float64       // requests per second in all, on a fixed schedule; 0 is as fast as answers come
	Watchers    int           // of a live run, over the chats in turn
	Door        Door          // of the watchers
	Processes   []Process     // whose CPU time is counted
	NoReadBack  bool          // for a server that stores nothing
	ChatsAre    Form          // "" is Open; of Inbox and Unread they are Pairs always
	Tokens      Tokens        // nil: requests carry no tokens

	settle, deliverWithin time.Duration // of a live run; 0 is settleFor and deliverWithin
}

// Run makes the load and returns what was measured, with progress lines to progress once a second. The error says
// what kept the run from being made; failed requests and faults found by the read-back are in the Report.
func Run(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	server, err := newTarget(o.Server)
	if err != nil {
		return nil, err
	}
	if o.Kind == Inbox || o.Kind == Unread {
		o.ChatsAre = Pairs
	}
	o.settle, o.deliverWithin = cmp.Or(o.settle, settleFor), cmp.Or(o.deliverWithin, deliverWithin)
	r := &run{Options: o, target: server, name: fmt.Sprintf("bench%08x", rand.Uint32()), progress: progress}
	if err := r.prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare the load: %w", err)
	}
	var watching *watchers
	if o.Kind == Live {
		if watching, err = r.startWatchers(ctx); err != nil {
			return nil, err
		}
		defer watching.close()
	}
	report, err := r.measure(ctx)
	if err != nil {
		return nil, err
	}
	if watching != nil {
		report.Live = watching.report()
	}
	if o.NoReadBack || o.Kind == Login {
		return report, nil
	}
	if report.ReadBack, err = r.readBack(ctx); err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	return report, nil
}

// run is one run under way.
type run struct {
	Options
	target    *target
	name      string // prefix of the chats, of this run alone
	progress  io.Writer
	histories []sent // what fillHistories stored
	workers   []*worker
	again     again
}

// prepare makes what a load goes to.
func (r *run) prepare(ctx context.Context) error {
	if r.Kind == Inbox || r.Kind == Unread || r.Kind == Login {
		return r.prepareAgain(ctx)
	}
	if r.ChatsAre == Private {
		if err := r.createRooms(ctx); err != nil {
			return err
		}
	}
	if r.Kind == Pull || r.Kind == Mixed {
		return r.fillHistories(ctx)
	}
	return nil
}
