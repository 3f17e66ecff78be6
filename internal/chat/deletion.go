package chat

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Deletion asks for a user's permanent deletion.
type Deletion struct {
	User     string // "" is the caller
	Password string // authenticates the user if there is no caller
	Erase    bool   // also the texts of the user's messages
	Session  string // of the caller's token; "" if unknown
}

// DeletionJob is the remaining work for a user whose account is closed.
type DeletionJob struct {
	User  string
	Erase bool
	// Last marks the second run, when no token of the user can be valid any more. It removes what such a token did after
	// the first run.
	Last bool
}

// DeletionStore is the store of deletions. Its methods are idempotent.
type DeletionStore interface {
	// KeepDeletion stores the job, so that it survives a crash, and leases it to the caller for DeletionLease.
	KeepDeletion(context.Context, DeletionJob) error
	// CloseAccount closes an account permanently, ends its sessions, and removes it from ListUsers.
	CloseAccount(ctx context.Context, user string) error
	// ChatsOf returns all chats that a user was in, wrote to or read.
	ChatsOf(ctx context.Context, user string) ([]ID, error)
	// EraseTexts erases the texts of a user's messages in one part of a chat's log, from a position on. It returns the start
	// of the next part, or 0 at the end.
	EraseTexts(ctx context.Context, id ID, user string, from int64) (next int64, err error)
	// ForgetReader removes the cursors of a user and the user's devices in a chat.
	ForgetReader(ctx context.Context, id ID, user string) error
	// EndDeletion removes a user's lists. After the first run the job is due again in DeletionSettles, and the list of the
	// user's chats stays until then. After the last run the account is Kept, unless the texts were erased.
	EndDeletion(context.Context, DeletionJob) error
	// DueDeletions returns up to limit jobs without a lease, and leases them to the caller for DeletionLease. It drops a job
	// that another job of the user includes.
	DueDeletions(ctx context.Context, limit int) ([]DeletionJob, error)
}

const (
	// DeletionLease is the lease of a job. Two servers running one job do no harm.
	DeletionLease = time.Minute
	// DeletionSettles is the delay of a job's second run: an access token is valid until it expires.
	DeletionSettles = time.Hour
	// deletionAnswers bounds how long a request waits for its deletion.
	deletionAnswers = time.Second
	// deletionsAtOnce bounds the running jobs; Run finds the others later.
	deletionsAtOnce  = 4
	deletionsLookFor = 20 * time.Second
)

// Deleter deletes users. Another Deleter can continue its jobs.
type Deleter struct {
	store  DeletionStore
	rooms  Rooms
	failed func(user string, err error)

	life    context.Context // of the jobs
	end     context.CancelFunc
	mutex   sync.Mutex
	doing   map[string]bool // users with a running job, at most deletionsAtOnce
	working sync.WaitGroup
}

// NewDeleter returns a Deleter that leaves rooms through rooms. It calls failed for each error that it will retry, with the
// user of the job, or "" if the search for due jobs failed.
func NewDeleter(store DeletionStore, rooms Rooms, failed func(user string, err error)) *Deleter {
	d := &Deleter{store: store, rooms: rooms, failed: failed, doing: map[string]bool{}}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// Close stops the jobs and waits for them. Another or a later Deleter continues them.
func (d *Deleter) Close() error {
	d.end()
	d.working.Wait()
	return nil
}

// Run continues jobs that other Deleters left, until ctx ends.
func (d *Deleter) Run(ctx context.Context) {
	tick := time.NewTicker(deletionsLookFor)
	defer tick.Stop()
	for {
		jobs, err := d.store.DueDeletions(ctx, deletionsAtOnce)
		if err != nil && ctx.Err() == nil {
			d.failed("", err)
		}
		for _, job := range jobs {
			d.begin(job)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// delete closes an account and reports whether the job completed while the request waited. Otherwise it continues in the
// background. The job is stored first, so that it survives a crash.
func (d *Deleter) delete(ctx context.Context, job DeletionJob) (complete bool, err error) {
	if err := d.store.KeepDeletion(ctx, job); err != nil {
		return false, AsError(err)
	}
	if err := d.store.CloseAccount(ctx, job.User); err != nil {
		return false, AsError(err)
	}
	done := d.begin(job)
	timer := time.NewTimer(deletionAnswers)
	defer timer.Stop()
	select {
	case complete = <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
	return complete, nil
}

// begin runs a job in the background, unless too many run or one of the same user does. The channel reports whether the
// job succeeded.
func (d *Deleter) begin(job DeletionJob) <-chan bool {
	done := make(chan bool, 1)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.doing[job.User] || len(d.doing) == deletionsAtOnce {
		done <- false
		return done
	}
	d.doing[job.User] = true
	d.working.Go(func() {
		err := d.survive(WithCaller(d.life, Caller{User: job.User, Service: true}), job)
		d.mutex.Lock()
		delete(d.doing, job.User)
		d.mutex.Unlock()
		if err != nil {
			d.failed(job.User, err)
		}
		done <- err == nil
	})
	return done
}

// survive converts a panic into an error; otherwise one job could crash each server in turn.
func (d *Deleter) survive(ctx context.Context, job DeletionJob) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return d.work(ctx, job)
}

// work runs a job. It leaves the rooms first, so that nothing new arrives during the rest. A failure in one chat does not
// stop the others, but the job stays due.
func (d *Deleter) work(ctx context.Context, job DeletionJob) error {
	if !job.Last { // again, in case a server died before it had
		if err := d.store.CloseAccount(ctx, job.User); err != nil {
			return err
		}
	}
	chats, err := d.store.ChatsOf(ctx, job.User)
	if err != nil {
		return err
	}
	kept := time.Now()
	keep := func() error {
		if time.Since(kept) < DeletionLease/3 {
			return nil
		}
		kept = time.Now()
		return d.store.KeepDeletion(ctx, job)
	}
	var failed error
	for _, step := range []func(ID) error{
		func(id ID) error { return d.leave(ctx, job, id) },
		func(id ID) error { return d.clear(ctx, job, id, keep) },
	} {
		for _, id := range chats {
			if err := keep(); err != nil {
				return err
			}
			if err := step(id); err != nil {
				failed = errors.Join(failed, fmt.Errorf("in %s: %w", id, err))
			}
			if ctx.Err() != nil {
				return errors.Join(failed, ctx.Err())
			}
		}
	}
	if failed != nil {
		return failed
	}
	return d.store.EndDeletion(ctx, job)
}

// leave ends the user's membership in a room.
func (d *Deleter) leave(ctx context.Context, job DeletionJob, id ID) error {
	if _, _, pair := id.Users(); pair {
		return nil
	}
	_, err := d.rooms.ChangeRoom(ctx, RoomChange{Room: id.String(), Kind: LeaveRoom, As: job.User})
	if CodeOf(err) == NotFound {
		return nil
	}
	return err
}

// clear removes the user's cursors, and with Erase the texts, from one chat.
func (d *Deleter) clear(ctx context.Context, job DeletionJob, id ID, keep func() error) error {
	for from, more := int64(1), job.Erase; more; more = from > 0 {
		var err error
		if from, err = d.store.EraseTexts(ctx, id, job.User, from); err != nil {
			return err
		}
		if err := keep(); err != nil {
			return err
		}
	}
	return d.store.ForgetReader(ctx, id, job.User)
}

// DeleteAccount implements Sessions.
func (p *AccountService) DeleteAccount(ctx context.Context, r Deletion) (complete bool, err error) {
	if p.Deleter == nil {
		return false, Errorf(NotFound, "this server deletes no accounts")
	}
	by := callerOf(ctx)
	if r.User, err = p.Access.owner("user", r.User, by); err != nil {
		return false, err
	}
	known := by.User != "" || by.Service
	if !known && r.Password == "" {
		return false, Errorf(Unauthenticated, "password is missing: without a token it says who is to be deleted")
	}
	if by.User != "" && !by.Service && r.Session != "" {
		if err := p.CheckSession(ctx, r.User, r.Session); err != nil {
			return false, err
		}
	}
	if !known || r.Password != "" {
		if _, err := p.verify(ctx, Credentials{User: r.User, Password: r.Password}); err != nil {
			return false, err
		}
	}
	if r.Erase {
		account, err := p.read(ctx, r.User)
		switch {
		case err != nil:
			return false, err
		case account.Kept:
			return false, Errorf(Conflict, "user %s was deleted without erase, and the server no longer knows the user's chats", r.User)
		}
	}
	return p.Deleter.delete(ctx, DeletionJob{User: r.User, Erase: r.Erase})
}
