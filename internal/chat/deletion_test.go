package chat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// steps is a store of deletions that records its calls, and fails where a test says so.
type steps struct {
	*chattest.Store
	mutex sync.Mutex
	done  []string
	fails map[string]error
	block chan struct{} // nil: nothing waits
	busy  bool          // the messages change each time before they can be erased
}

func (s *steps) note(format string, args ...any) error {
	step := fmt.Sprintf(format, args...)
	s.mutex.Lock()
	s.done = append(s.done, step)
	err := s.fails[step]
	s.mutex.Unlock()
	if s.block != nil {
		<-s.block
	}
	if errors.Is(err, errPanics) {
		panic(err)
	}
	return err
}

// take returns the steps so far and forgets them. From now on those in fails fail.
func (s *steps) take(fails map[string]error) []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	done := s.done
	s.done, s.fails = nil, fails
	return done
}

var errPanics = errors.New("it panics")

func (s *steps) CloseAccount(ctx context.Context, user string) error {
	return errors.Join(s.note("close %s", user), s.Store.CloseAccount(ctx, user))
}

func (s *steps) EraseTexts(ctx context.Context, id chat.ID, user string, from int64) (int64, error) {
	if err := s.note("erase in %s", id); err != nil {
		return 0, err
	}
	if s.busy {
		return from, nil
	}
	return s.Store.EraseTexts(ctx, id, user, from)
}

func (s *steps) ForgetReader(ctx context.Context, id chat.ID, user string) error {
	if err := s.note("forget in %s", id); err != nil {
		return err
	}
	return s.Store.ForgetReader(ctx, id, user)
}

func (s *steps) EndDeletion(ctx context.Context, job chat.DeletionJob) error {
	if err := s.note("end"); err != nil {
		return err
	}
	return s.Store.EndDeletion(ctx, job)
}

// deletions is a domain of one user, ann, who has written in two chats.
type deletions struct {
	chattest.Domain
	steps  *steps
	failed chan error
}

func newDeletions(t *testing.T, fails map[string]error) deletions {
	t.Helper()
	store := &steps{Store: chattest.NewStore(chattest.StoreOptions{}), fails: fails}
	d := deletions{steps: store, failed: make(chan error, 100)}
	d.Domain = chattest.NewDomain(store, chattest.DomainOptions{
		Access: chat.Access{Required: true}, Limits: chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100},
		Rooms:    chat.RoomOptions{DefaultLimit: 10, MaxLimit: 10, MaxMembers: 10},
		Accounts: chat.AccountOptions{DefaultLimit: 10, MaxLimit: 10, SessionLasts: time.Hour},
		Failed:   func(_ string, err error) { d.failed <- err },
	})
	for _, user := range []string{"ann", "bob"} {
		if _, err := d.Accounts.Register(t.Context(), chat.Registration{User: user, Password: goodPassword}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ann:bob", "ann:cid"} {
		if _, err := d.Messages.Send(as("ann"), chat.Message{Chat: name, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// jobs returns the jobs that are due after a time.
func (d deletions) jobs(t *testing.T, after time.Duration) []chat.DeletionJob {
	t.Helper()
	time.Sleep(after) // in a bubble of synctest
	due, err := d.steps.DueDeletions(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

// TestDeletionOfWhatChanges: messages that change all the time are erased later, and the deletion does not wait for them.
func TestDeletionOfWhatChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeletions(t, nil)
		defer func() { _ = d.Deleter.Close() }()
		d.steps.busy = true
		if complete, err := d.Accounts.DeleteAccount(as("ann"), chat.Deletion{Erase: true}); complete || err != nil {
			t.Errorf("DeleteAccount() = %v, %v; want that it is not complete yet", complete, err)
		}
		if due := d.jobs(t, chat.DeletionLease); !slices.Equal(due, []chat.DeletionJob{{User: "ann", Erase: true}}) {
			t.Errorf("the jobs are %v, want that of ann", due)
		}
	})
}

// TestDeletionSteps: the steps are made in order, and a failure in one chat leaves the job due and the others done.
func TestDeletionSteps(t *testing.T) {
	t.Parallel()
	away := chat.Errorf(chat.Unavailable, "away")
	for _, c := range []struct {
		name     string
		fails    map[string]error
		erase    bool
		complete bool
		want     []string
		due      []chat.DeletionJob // after the lease of the first run
	}{
		{"", nil, false, true, []string{"close ann", "close ann", "forget in ann:bob", "forget in ann:cid", "end"}, nil},
		{"with erase", nil, true, true, []string{
			"close ann", "close ann", "erase in ann:bob", "forget in ann:bob", "erase in ann:cid", "forget in ann:cid", "end",
		}, nil},
		{"that fails in one chat", map[string]error{"forget in ann:bob": away}, false, false, []string{
			"close ann", "close ann", "forget in ann:bob", "forget in ann:cid",
		}, []chat.DeletionJob{{User: "ann"}}},
		{"that fails to erase", map[string]error{"erase in ann:bob": away}, true, false, []string{
			"close ann", "close ann", "erase in ann:bob", "erase in ann:cid", "forget in ann:cid",
		}, []chat.DeletionJob{{User: "ann", Erase: true}}},
		{"that fails at the end", map[string]error{"end": away}, false, false, []string{
			"close ann", "close ann", "forget in ann:bob", "forget in ann:cid", "end",
		}, []chat.DeletionJob{{User: "ann"}}},
		{"that panics", map[string]error{"forget in ann:bob": errPanics}, false, false, []string{
			"close ann", "close ann", "forget in ann:bob",
		}, []chat.DeletionJob{{User: "ann"}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDeletions(t, c.fails)
			defer func() { _ = d.Deleter.Close() }()
			complete, err := d.Accounts.DeleteAccount(as("ann"), chat.Deletion{Erase: c.erase})
			if complete != c.complete || err != nil {
				t.Errorf("DeleteAccount() %s = %v, %v; want %v", c.name, complete, err, c.complete)
			}
			if !slices.Equal(d.steps.done, c.want) {
				t.Errorf("a deletion %s makes the steps %q, want %q", c.name, d.steps.done, c.want)
			}
			synctest.Wait() // the failure is told after the answer
			if failed := len(d.failed) > 0; failed == c.complete {
				t.Errorf("a deletion %s tells of a failure: %v, want %v", c.name, failed, !c.complete)
			}
			if due := d.jobs(t, chat.DeletionLease); !slices.Equal(due, c.due) {
				t.Errorf("after a deletion %s these jobs are due: %+v, want %+v", c.name, due, c.due)
			}
			if c.complete {
				want := []chat.DeletionJob{{User: "ann", Erase: c.erase, Last: true}}
				if due := d.jobs(t, chat.DeletionSettles); !slices.Equal(due, want) {
					t.Errorf("when no token can be valid these jobs are due: %+v, want %+v", due, want)
				}
			}
		})
	}
}

// TestDeletionGoesOnLater: a search completes another server's deletion, and the second run follows an hour later.
func TestDeletionGoesOnLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeletions(t, map[string]error{"end": chat.Errorf(chat.Unavailable, "away")})
		defer func() { _ = d.Deleter.Close() }()
		if complete, err := d.Accounts.DeleteAccount(as("ann"), chat.Deletion{}); complete || err != nil {
			t.Fatalf("DeleteAccount() = %v, %v; want it incomplete", complete, err)
		}
		d.steps.take(nil)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Deleter.Search().Run(ctx) })
		time.Sleep(2 * chat.DeletionLease)
		synctest.Wait()
		if done, want := d.steps.take(nil), []string{"close ann", "forget in ann:bob", "forget in ann:cid", "end"}; !slices.Equal(done, want) {
			t.Errorf("Run() makes the steps %q, want %q", done, want)
		}
		time.Sleep(chat.DeletionSettles + chat.DeletionLease)
		synctest.Wait()
		if done, want := d.steps.take(nil), []string{"forget in ann:bob", "forget in ann:cid", "end"}; !slices.Equal(done, want) {
			t.Errorf("an hour later Run() makes the steps %q, want %q", done, want)
		}
		if chats, err := d.steps.ChatsOf(ctx, "ann"); err != nil || len(chats) != 0 {
			t.Errorf("ChatsOf(ann) after the last run = %v, %v; want none", chats, err)
		}
		stop()
		running.Wait()
	})
}

// TestSlowDeletions: a request does not wait longer than a second, and Close stops the job and waits for it.
func TestSlowDeletions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeletions(t, nil)
		d.steps.block = make(chan struct{})
		began := time.Now()
		unblocked := make(chan struct{})
		go func() { // the first step, which the request makes itself
			d.steps.block <- struct{}{}
			close(unblocked)
		}()
		complete, err := d.Accounts.DeleteAccount(as("ann"), chat.Deletion{})
		<-unblocked
		if took := time.Since(began); complete || err != nil || took != time.Second {
			t.Errorf("DeleteAccount() = %v, %v after %v; want it incomplete after a second", complete, err, took)
		}
		close(d.steps.block)
		if err := d.Deleter.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if due := d.jobs(t, chat.DeletionLease); len(due) != 1 {
			t.Errorf("after Close() these jobs are due: %+v, want the one that was not done", due)
		}
	})
}

func TestWhoMayDelete(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		ask  chat.Deletion
		want chat.Code
	}{
		{"a user", as("ann"), chat.Deletion{}, ""},
		{"a user by name", as("ann"), chat.Deletion{User: "ann"}, ""},
		{"another user", as("bob"), chat.Deletion{User: "ann"}, chat.PermissionDenied},
		{"a user with the password", as("ann"), chat.Deletion{Password: goodPassword}, ""},
		{"a user with a wrong password", as("ann"), chat.Deletion{Password: "wrong horse"}, chat.Unauthenticated},
		{"a user whose session has ended", as("ann"), chat.Deletion{Session: "AAAAAAAAAAAAAAAAAAAAAA"}, chat.TokenInvalid},
		{"a service", asService(), chat.Deletion{User: "ann"}, ""},
		{"a service for a user that never was", asService(), chat.Deletion{User: "eve"}, ""},
		{"a service for no user", asService(), chat.Deletion{}, chat.InvalidArgument},
		{"an anonymous caller", context.Background(), chat.Deletion{User: "ann", Password: goodPassword}, chat.Unauthenticated},
	} {
		d := newDomain(t, nil)
		d.register(t, "ann", "bob")
		complete, err := d.Accounts.DeleteAccount(c.ctx, c.ask)
		wantCode(t, c.name+": DeleteAccount()", err, c.want)
		_, login := d.Accounts.Login(t.Context(), chat.Credentials{User: "ann", Password: goodPassword})
		deleted := chat.CodeOf(login) == chat.Unauthenticated
		if want := c.want == "" && c.ask.User != "eve"; deleted != want || complete != (c.want == "") {
			t.Errorf("%s: ann was deleted: %v, want %v", c.name, deleted, want)
		}
	}
}

// TestAfterADeletion: tokens are refused, the name stays taken, and texts cannot be erased once the user's chats are
// forgotten.
func TestAfterADeletion(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob")
	session, err := d.Accounts.Login(t.Context(), chat.Credentials{User: "ann", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	if complete, err := d.Accounts.DeleteAccount(as("ann"), chat.Deletion{}); !complete || err != nil {
		t.Fatalf("DeleteAccount() = %v, %v", complete, err)
	}
	_, refresh := d.Accounts.Refresh(t.Context(), chat.RefreshRequest{Token: session.RefreshToken})
	_, send := d.Messages.Send(as("ann"), chat.Message{Chat: "ann:bob", Text: "x"})
	_, create := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club"})
	_, inbox := d.Inboxes.Inbox(as("ann"), chat.InboxRequest{})
	for method, err := range map[string]error{"Refresh": refresh, "Send": send, "CreateRoom": create, "Inbox": inbox, "Enter": d.Rooms.Enter(as("ann"), nil)} {
		wantCode(t, method+"() with a token of a deleted user", err, chat.TokenInvalid)
	}
	_, register := d.Accounts.Register(t.Context(), chat.Registration{User: "ann", Password: goodPassword})
	wantCode(t, "Register() of a deleted user", register, chat.Conflict)
	complete, err := d.Accounts.DeleteAccount(asService(), chat.Deletion{User: "ann", Erase: true})
	if !complete || err != nil {
		t.Errorf("DeleteAccount(erase) before the last run = %v, %v; want it complete", complete, err)
	}
	if err := d.store.EndDeletion(t.Context(), chat.DeletionJob{User: "ann", Last: true}); err != nil {
		t.Fatal(err)
	}
	_, err = d.Accounts.DeleteAccount(asService(), chat.Deletion{User: "ann", Erase: true})
	wantCode(t, "DeleteAccount(erase) after the last run", err, chat.Conflict)
}
