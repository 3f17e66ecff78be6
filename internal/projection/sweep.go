package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// sweep compares all chats of a partition with their cursors, page by page, one page in a tick. It is shared by all projections
// that have a lease on the partition when it begins.
type sweep struct {
	query chat.MovedSince
	began time.Time
}

// sweepOn goes on with the sweep under way, or begins that of the partition that has waited longest.
func (w *Worker) sweepOn(ctx context.Context, runners []*runner, began time.Time) error {
	if w.sweep == nil {
		number, found := w.dueSweep(runners)
		if !found {
			return nil
		}
		w.sweep = &sweep{query: chat.MovedSince{Partition: number, Limit: pageOfSweep}, began: began}
	}
	wanted := false
	for _, r := range runners {
		if !r.hasRoom() {
			return nil // moved chats come first
		}
		wanted = r.sweeps(w.sweep.query.Partition) || wanted
	}
	if !wanted { // the leases are lost
		w.sweep = nil
		return nil
	}
	moved, err := w.config.Source.Moved(ctx, []chat.MovedSince{w.sweep.query})
	if err == nil && len(moved) != 1 {
		err = fmt.Errorf("%d pages of moved chats came for a partition", len(moved))
	}
	if err != nil {
		return err
	}
	complete := len(moved[0]) < w.sweep.query.Limit
	for _, r := range runners {
		r.swept(w.sweep, moved[0], complete, began)
	}
	if complete {
		w.sweep = nil
	} else {
		w.sweep.query = next(w.sweep.query, moved[0], pageOfSweep)
	}
	return nil
}

// dueSweep returns the partition whose last sweep is longest ago, if it is due.
func (w *Worker) dueSweep(runners []*runner) (number int, due bool) {
	oldest := time.Now().Add(-w.config.Sweep)
	for _, r := range runners {
		r.mutex.Lock()
		for n, p := range r.leases {
			if p.swept.Before(oldest) && p.scanned > 0 {
				number, due, oldest = n, true, p.swept
			}
		}
		r.mutex.Unlock()
	}
	return number, due
}

// sweeps reports whether r has a lease on a partition.
func (r *runner) sweeps(number int) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.leases[number] != nil
}

// swept takes a page of a sweep, which was read after began.
func (r *runner) swept(s *sweep, moved []chat.MovedChat, complete bool, began time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p := r.leases[s.query.Partition]
	if p == nil {
		return
	}
	p.scanned = min(p.scanned, r.noteAll(p, moved, began, true))
	if complete && p.leased.Before(s.began) {
		p.swept = s.began
	}
}
