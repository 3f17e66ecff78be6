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

	settle, deliverWithin time.Duration // of a live run; 0 is settleFor and deliverWithin
}

// Run makes the load and returns what was measured, with progress lines to progress once a second. The error says
// what kept the run from being made; failed requests and faults found by the read-back are in the Report.
func Run(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	server, err := newTarget(o.Server)
	if err != nil {
		return nil, err
	}
	o.settle, o.deliverWithin = cmp.Or(o.settle, settleFor), cmp.Or(o.deliverWithin, deliverWithin)
	r := &run{Options: o, target: server, name: fmt.Sprintf("bench%08x", rand.Uint32()), progress: progress}
	if o.Kind == Pull || o.Kind == Mixed {
		if err := r.fillHistories(ctx); err != nil {
			return nil, fmt.Errorf("fill the histories: %w", err)
		}
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
	if o.NoReadBack {
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
}

func (r *run) chat(n int) string { return fmt.Sprintf("%s.%d", r.name, n) }
