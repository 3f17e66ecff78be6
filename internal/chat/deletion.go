package chat

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Deletion asks for a user to be deleted for good.
type Deletion struct {
	User     string // "" is the caller
	Password string // says that it is she, where no caller does
	Erase    bool   // the texts of her messages too
	Session  string // that the caller's token is of; "" where that is not known
}

// DeletionJob is what is left to do for a user whose account is gone.
type DeletionJob struct {
	User  string
	Erase bool
	// Last is the second time that it is done, when no token of hers can be good any more: after it there is nothing to be
	// found of what she did meanwhile.
	Last bool
}

// DeletionStore is what deletions need of a store. Whatever it does may be done again.
type DeletionStore interface {
	// KeepDeletion keeps the job, so that it is done also after a crash. It is nobody else's for DeletionLease.
	KeepDeletion(context.Context, DeletionJob) error
	// CloseAccount closes an account for ever, with its sessions and its place among the users.
	CloseAccount(ctx context.Context, user string) error
	// ChatsOf returns all chats in which a user was, has written or has read.
	ChatsOf(ctx context.Context, user string) ([]ID, error)
	// EraseTexts erases the texts of a user's messages in a part of a chat's log that begins at a position, and returns where
	// the next part begins, or 0.
	EraseTexts(ctx context.Context, id ID, user string, from int64) (next int64, err error)
	// ForgetReader removes where a user and her devices stand in a chat.
	ForgetReader(ctx context.Context, id ID, user string) error
	// EndDeletion removes a user's lists. After the first time the job is due again in DeletionSettles, and the list of her
	// chats stays until then. After the last time her account is Kept unless her texts were erased.
	EndDeletion(context.Context, DeletionJob) error
	// DueDeletions returns up to limit jobs that nobody is doing, which are then the caller's for DeletionLease. Of a user's
	// jobs it forgets those that another one includes.
	DueDeletions(ctx context.Context, limit int) ([]DeletionJob, error)
}

const (
	// DeletionLease is how long a job is left to the one who does it. Two who do it harm nothing.
	DeletionLease = time.Minute
	// DeletionSettles is when a deletion is done again: an access token is good until it expires.
	DeletionSettles = time.Hour
	// deletionAnswers is how long a request waits for its deletion.
	deletionAnswers = time.Second
	// deletionsAtOnce is how many are under way; others wait until they are looked for.
	deletionsAtOnce  = 4
	deletionsLookFor = 20 * time.Second
)

// Deleter deletes users. What it has begun, another one goes on with.
type Deleter struct {
	store  DeletionStore
	rooms  Rooms
	failed func(user string, err error)

	life    context.Context // of its work
	end     context.CancelFunc
	mutex   sync.Mutex
	doing   map[string]bool // users, deletionsAtOnce at most
	working sync.WaitGroup
}

// NewDeleter returns a Deleter that leaves rooms; failed hears of what is tried again, of a user or, where it could not be
// looked for what others have left, of "".
func NewDeleter(store DeletionStore, rooms Rooms, failed func(user string, err error)) *Deleter {
	d := &Deleter{store: store, rooms: rooms, failed: failed, doing: map[string]bool{}}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// Close ends the work and waits until it has ended. What is left is done by another Deleter, or when there is one again.
func (d *Deleter) Close() error {
	d.end()
	d.working.Wait()
	return nil
}

// Run does what others have left, until ctx ends.
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

// delete closes an account and says whether the rest could be done while a request waits. What is left is done all the
// same. The job is kept first: what is left of an account is found by it after a crash.
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

// begin does a job in the background, unless too many are being done, or one of the same user. The channel says whether
// it could be done.
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

// survive makes an error of a panic: nobody else would, and the next server would do the same job.
func (d *Deleter) survive(ctx context.Context, job DeletionJob) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return d.work(ctx, job)
}

// work does a job: the rooms are left first, so that nothing new comes while the rest is removed. What fails in one chat
// keeps the others from nothing, but the job stays.
func (d *Deleter) work(ctx context.Context, job DeletionJob) error {
	if !job.Last { // also where a server died before it had
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

// leave has the user be no member of a room.
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

// clear removes what a user has left in one chat.
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

// WithDeleter has the AccountService delete accounts too; without it, they do not. It is called before the first call.
func (p *AccountService) WithDeleter(d *Deleter) *AccountService {
	p.deleter = d
	return p
}

// DeleteAccount implements Sessions.
func (p *AccountService) DeleteAccount(ctx context.Context, r Deletion) (complete bool, err error) {
	if p.deleter == nil {
		return false, Errorf(NotFound, "this server deletes no accounts")
	}
	by := callerOf(ctx)
	if r.User, err = p.access.owner("user", r.User, by); err != nil {
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
			return false, Errorf(Conflict, "user %s was deleted with her texts kept, and it is not known any more where they are", r.User)
		}
	}
	return p.deleter.delete(ctx, DeletionJob{User: r.User, Erase: r.Erase})
}
