// Package bench puts load on a Pullchat through HTTP, and then reads back every acknowledged message.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Kind is a kind of load.
type Kind string

// The kinds of load.
const (
	Send  Kind = "send"  // messages, to chats at random
	Pull  Kind = "pull"  // pages of chats with a history, from anywhere in it
	Mixed Kind = "mixed" // nine pulls to one send; most pulls read the newest page, as users do
	Live  Kind = "live"  // messages, to chats that are watched

	Inbox  Kind = "inbox"  // the first page of the inbox of a user in all the chats
	Unread Kind = "unread" // all counts of that user
	Login  Kind = "login"  // logins of one user
)

// Options configure a run.
type Options struct {
	Server      string // "http://127.0.0.1:8080"
	Kind        Kind
	Connections int           // each with one request at a time; a rejected one waits as asked. Live: may be 0
	Chats       int           // among which the load is spread
	TextBytes   int           // of each message
	History     int           // messages that a chat has before a pull or mixed run
	Limit       int           // messages in a page
	Duration    time.Duration // of the measurement
	Warmup      time.Duration // before it, not counted
	Rate        float64       // requests per second in all, on a fixed schedule; 0 means without a schedule
	Watchers    int           // of a live run, assigned to the chats in turn
	Transport   Transport     // of the watchers
	Processes   []Process     // their CPU time is measured
	NoReadBack  bool          // for a server that stores nothing
	ChatsAre    Form          // "" is Open; Inbox and Unread always use Pairs
	Tokens      Tokens        // nil: requests carry no tokens

	settle, deliverWithin time.Duration // of a live run; 0 is settleFor and deliverWithin
}

// Run makes the load and returns the measurements. It writes a progress line each second. An error means that the run
// was not made; failed requests and faults of the read-back are in the Report.
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
	name      string // prefix of the chats, unique to this run
	progress  io.Writer
	histories []sent // the result of fillHistories
	workers   []*worker
	again     again
}

// prepare creates the data for a load.
func (r *run) prepare(ctx context.Context) error {
	if r.Kind == Inbox || r.Kind == Unread || r.Kind == Login {
		return r.prepareAgain(ctx)
	}
	if r.ChatsAre == Private || r.ChatsAre != Pairs && r.Tokens != nil {
		if err := r.createRooms(ctx); err != nil {
			return err
		}
	}
	if r.Kind == Pull || r.Kind == Mixed {
		return r.fillHistories(ctx)
	}
	return nil
}
