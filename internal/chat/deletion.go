package chat

import (
	"context"
	"errors"
	"fmt"
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
	// Last marks the second run, when no token of the user can be valid any more. It removes data that such a token
	// wrote after the first run.
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
	// of the next part, from where some were changed meanwhile, or 0 at the end.
	EraseTexts(ctx context.Context, id ID, user string, from int64) (next int64, err error)
	// ForgetReader removes the cursors of a user and the user's devices in a chat.
	ForgetReader(ctx context.Context, id ID, user string) error
	// ForgetReported erases from open reports the texts of messages of a user, and the user's own reasons.
	ForgetReported(ctx context.Context, user string) error
	// EndDeletion removes a user's lists. After the first run the job is due again in DeletionSettles, and the list of the
	// user's chats stays until then. After the last run the account is Kept, unless the texts were erased.
	EndDeletion(context.Context, DeletionJob) error
	// DueDeletions returns up to limit jobs without a lease, and leases them to the caller for DeletionLease. It drops a job
	// that keeps the texts if another job of the user erases them.
	DueDeletions(ctx context.Context, limit int) ([]DeletionJob, error)
}

const (
	// DeletionLease is the lease of a job. Two servers running one job do no harm.
	DeletionLease = time.Minute
	// DeletionSettles is the delay of a job's second run: an access token is valid until it expires.
	DeletionSettles = time.Hour
)

// Deleter runs deletions in the background.
type Deleter interface {
	// Delete closes an account and reports whether the job completed while the request waited. Otherwise it continues in
	// the background. The job is stored first, so that it survives a crash.
	Delete(context.Context, DeletionJob) (complete bool, err error)
}

// RunDeletion runs a job, which must be leased to the caller. It leaves the rooms first, so that no new message arrives
// during the rest. A failure in one chat does not stop the others, but the job stays due.
func RunDeletion(ctx context.Context, store DeletionStore, rooms Rooms, job DeletionJob) error {
	ctx = WithCaller(ctx, Caller{User: job.User, Service: true})
	if !job.Last { // again, in case a server died before it had
		if err := store.CloseAccount(ctx, job.User); err != nil {
			return err
		}
	}
	chats, err := store.ChatsOf(ctx, job.User)
	if err != nil {
		return err
	}
	kept := time.Now()
	keep := func() error {
		if time.Since(kept) < DeletionLease/3 {
			return nil
		}
		kept = time.Now()
		return store.KeepDeletion(ctx, job)
	}
	var failed error
	for _, step := range []func(ID) error{
		func(id ID) error { return leaveForGood(ctx, rooms, job, id) },
		func(id ID) error { return clearChat(ctx, store, job, id, keep) },
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
	if failed == nil && job.Erase {
		failed = store.ForgetReported(ctx, job.User)
	}
	if failed != nil {
		return failed
	}
	return store.EndDeletion(ctx, job)
}

// leaveForGood ends the user's membership in a room.
func leaveForGood(ctx context.Context, rooms Rooms, job DeletionJob, id ID) error {
	if _, _, pair := id.Users(); pair {
		return nil
	}
	_, err := rooms.ChangeRoom(ctx, RoomChange{Room: id.String(), Kind: LeaveRoom, As: job.User})
	if CodeOf(err) == NotFound {
		return nil
	}
	return err
}

// maxReread bounds how often one part of a log is read because messages in it were changed meanwhile.
const maxReread = 100

// clearChat removes the user's cursors, and with Erase the texts, from one chat.
func clearChat(ctx context.Context, store DeletionStore, job DeletionJob, id ID, keep func() error) error {
	again := 0
	for from, more := int64(1), job.Erase; more; more = from > 0 {
		next, err := store.EraseTexts(ctx, id, job.User, from)
		if err != nil {
			return err
		}
		if again++; next != from {
			again = 0
		}
		if again == maxReread {
			return Errorf(Unavailable, "the messages of %s in %s change too often to be erased; retrying", job.User, id)
		}
		from = next
		if err := keep(); err != nil {
			return err
		}
	}
	return store.ForgetReader(ctx, id, job.User)
}

// DeleteAccount implements Sessions.
func (s *AccountService) DeleteAccount(ctx context.Context, r Deletion) (complete bool, err error) {
	if s.Deleter == nil {
		return false, Errorf(NotFound, "this server deletes no accounts")
	}
	by := callerOf(ctx)
	if r.User, err = s.Access.owner("user", r.User, by); err != nil {
		return false, err
	}
	known := by.User != "" || by.Service
	if !known && r.Password == "" {
		return false, Errorf(Unauthenticated, "password is missing; without a token it authenticates the user")
	}
	if by.User != "" && !by.Service && r.Session != "" {
		if err := s.CheckSession(ctx, r.User, r.Session); err != nil {
			return false, err
		}
	}
	if !known || r.Password != "" {
		if _, err := s.verify(ctx, Credentials{User: r.User, Password: r.Password}); err != nil {
			return false, err
		}
	}
	if r.Erase {
		account, err := s.read(ctx, r.User)
		switch {
		case err != nil:
			return false, err
		case account.Kept:
			return false, Errorf(Conflict, "user %s was deleted without erase, and the server no longer knows the user's chats", r.User)
		}
	}
	complete, err = s.Deleter.Delete(ctx, DeletionJob{User: r.User, Erase: r.Erase})
	return complete, orNil(err)
}
