// Package deletion runs the deletions of users in the background. Package chat has the rules.
package deletion

import (
	"context"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// answers bounds how long a request waits for its deletion.
	answers = time.Second
	// atOnce bounds the running jobs; the search finds the others later.
	atOnce = 4
	// lookFor is the pause between two searches for jobs that other servers left.
	lookFor = 20 * time.Second
	// searchTimeout bounds one search, and jobTimeout one run of a job, which is due again after that.
	searchTimeout = 10 * time.Second
	jobTimeout    = time.Hour
)

// Deleter is a chat.Deleter. Another Deleter can continue its jobs.
type Deleter struct {
	Observe background.Observe // of the jobs; nil: no calls. It is set before the first job

	store  chat.DeletionStore
	rooms  chat.Rooms
	failed func(user string, err error)

	runner background.Runner
	mutex  sync.Mutex
	doing  map[string]bool // users with a running job, at most atOnce
}

var _ chat.Deleter = (*Deleter)(nil)

// New returns a Deleter that leaves rooms through rooms. It calls failed for each error that is retried, with the user of
// the job, or "" if the search for due jobs failed.
func New(store chat.DeletionStore, rooms chat.Rooms, failed func(user string, err error)) *Deleter {
	return &Deleter{store: store, rooms: rooms, failed: failed, doing: map[string]bool{}}
}

// Close stops the jobs and waits for them. Another or a later Deleter continues them.
func (d *Deleter) Close() error {
	d.runner.Stop()
	return nil
}

// Search is the job that continues deletions which other Deleters left.
func (d *Deleter) Search() background.Job {
	return background.Job{
		Name: "deletion_search", Every: lookFor, Timeout: searchTimeout,
		Failed: func(err error) { d.failed("", err) },
		Step: func(ctx context.Context) error {
			due, err := d.store.DueDeletions(ctx, atOnce)
			for _, job := range due {
				d.begin(job)
			}
			return err
		},
	}
}

// Delete implements chat.Deleter.
func (d *Deleter) Delete(ctx context.Context, job chat.DeletionJob) (complete bool, err error) {
	if err := d.store.KeepDeletion(ctx, job); err != nil {
		return false, err
	}
	if err := d.store.CloseAccount(ctx, job.User); err != nil {
		return false, err
	}
	done := d.begin(job)
	timer := time.NewTimer(answers)
	defer timer.Stop()
	select {
	case complete = <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
	return complete, nil
}

// begin runs a job in the background, unless too many run or one of the same user does. The channel receives true if the
// job succeeds, else false.
func (d *Deleter) begin(job chat.DeletionJob) <-chan bool {
	done := make(chan bool, 1)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.doing[job.User] || len(d.doing) == atOnce {
		done <- false
		return done
	}
	d.doing[job.User] = true
	started := d.runner.Start(background.Job{
		Name: "deletion", Observe: d.Observe, Once: true, Timeout: jobTimeout,
		Failed: func(err error) { d.failed(job.User, err) },
		Step: func(ctx context.Context) error {
			succeeded := false
			defer func() { // also after a panic, which would otherwise crash each server in turn
				d.ended(job.User)
				done <- succeeded
			}()
			err := chat.RunDeletion(ctx, d.store, d.rooms, job)
			succeeded = err == nil
			return err
		},
	})
	if !started {
		delete(d.doing, job.User)
		done <- false
	}
	return done
}

func (d *Deleter) ended(user string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.doing, user)
}
