package storage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var errDied = errors.New("the server died")

// dying is a DeletionStore whose server dies before one of its calls.
type dying struct {
	chat.DeletionStore

	left *int
	how  func() error // nil is errDied
}

func (d dying) die() error {
	if *d.left--; *d.left >= 0 {
		return nil
	}
	if d.how != nil {
		return d.how()
	}
	return errDied
}

func (d dying) ChatsOf(ctx context.Context, user string) ([]chat.ID, error) {
	if err := d.die(); err != nil {
		return nil, err
	}
	return d.DeletionStore.ChatsOf(ctx, user)
}

func (d dying) EraseTexts(ctx context.Context, id chat.ID, user string, from int64) (int64, error) {
	if err := d.die(); err != nil {
		return 0, err
	}
	return d.DeletionStore.EraseTexts(ctx, id, user, from)
}

func (d dying) ForgetReader(ctx context.Context, id chat.ID, user string) error {
	if err := d.die(); err != nil {
		return err
	}
	return d.DeletionStore.ForgetReader(ctx, id, user)
}

func (d dying) EndDeletion(ctx context.Context, job chat.DeletionJob) error {
	if err := d.die(); err != nil {
		return err
	}
	return d.DeletionStore.EndDeletion(ctx, job)
}

// TestDeletionGoesOn: wherever the server dies that has begun, another one finishes.
func TestDeletionGoesOn(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	for calls := 0; ; calls++ {
		left := calls
		r := newRegistry(t, url, func(s *Store) chat.DeletionStore { return dying{DeletionStore: s, left: &left} })
		r.live()
		complete, err := r.accounts.DeleteAccount(as("ann"), chat.Deletion{Erase: true})
		if err != nil {
			t.Fatalf("DeleteAccount() = %v", err)
		}
		if complete {
			if calls < 10 {
				t.Errorf("it was complete after %d calls", calls)
			}
			return
		}
		if err := <-r.failed; !errors.Is(err, errDied) {
			t.Fatalf("it failed with %v", err)
		}
		if _, err := r.accounts.Login(context.Background(), chat.Credentials{User: "ann", Password: password}); chat.CodeOf(err) != chat.Unauthenticated {
			t.Errorf("Login() after the crash = %v", err)
		}
		left = 1 << 30
		r.finish()
		r.wantGone(true)
		equal(t, "ann's keys", r.keysOf("ann"), []string{"account"})
	}
}

// TestTheLastRunIsNotLost: a server searches for jobs while another one ends the first run, which makes the last one due.
func TestTheLastRunIsNotLost(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	for _, erase := range []bool{false, true} {
		r, ctx := newRegistry(t, url, soundly), context.Background()
		first := chat.DeletionJob{User: "ann", Erase: erase}
		last := chat.DeletionJob{User: "ann", Erase: erase, Last: true}
		for _, job := range []chat.DeletionJob{first, last} { // the user was deleted, and an hour later once more
			if err := r.store.KeepDeletion(ctx, job); err != nil {
				t.Fatal(err)
			}
		}
		r.due()
		other, jobs := openAt(t, url, r.store.options), 0
		hookAll(t, r.store, &trips{crash: func(commands string, done bool) bool {
			if done || !strings.Contains(commands, "zrem") && !strings.Contains(commands, "zadd") {
				return false
			}
			if jobs++; jobs == 2 { // the first run is leased, and the last one is next
				if err := other.EndDeletion(ctx, first); err != nil {
					t.Error(err)
				}
			}
			return false
		}})
		if _, err := r.store.DueDeletions(ctx, 10); err != nil || jobs != 2 {
			t.Errorf("DueDeletions() = %v, after %d jobs; want 2", err, jobs)
		}
		left, err := r.store.redis.ZRange(ctx, r.store.keys.Deletions(), 0, -1).Result()
		if want := []string{layout.FormatJob(last)}; err != nil || !slices.Equal(left, want) {
			t.Errorf("the jobs are %q, %v; want %q", left, err, want)
		}
	}
}

// TestDeletionOfWhatCannotBeRead: one chat that fails keeps the others from nothing, and the job stays.
func TestDeletionOfWhatCannotBeRead(t *testing.T) {
	r := newRegistry(t, redistest.Start(t).URL(), soundly)
	r.live()
	broken := r.store.keys.Log(chattest.ID(t, "ann:bob"))
	if err := r.store.redis.ZAdd(context.Background(), broken, redis.Z{Score: 1, Member: "what"}).Err(); err != nil {
		t.Fatal(err)
	}
	if complete, err := r.accounts.DeleteAccount(as("ann"), chat.Deletion{Erase: true}); err != nil || complete {
		t.Errorf("DeleteAccount() = %v, %v; want it to go on", complete, err)
	}
	if err := <-r.failed; !strings.Contains(err.Error(), "in ann:bob") {
		t.Errorf("it failed with %v", err)
	}
	for _, room := range []string{"hers", "his", "left", "open"} {
		for _, m := range r.log(room) {
			if m.Sender == "ann" && m.Notice == nil && !m.Erased {
				t.Errorf("in %s there is %+v", room, m)
			}
		}
	}
	if err := r.store.redis.ZRem(context.Background(), broken, "what").Err(); err != nil {
		t.Fatal(err)
	}
	r.finish()
	r.wantGone(true)
}

// TestDeletionThatPanics ends no server: it is tried again like one that failed.
func TestDeletionThatPanics(t *testing.T) {
	left := 2
	how := func() error { panic("a bug") }
	r := newRegistry(t, redistest.Start(t).URL(), func(s *Store) chat.DeletionStore { return dying{s, &left, how} })
	r.live()
	if complete, err := r.accounts.DeleteAccount(as("ann"), chat.Deletion{}); err != nil || complete {
		t.Errorf("DeleteAccount() = %v, %v; want it to go on", complete, err)
	}
	if err := <-r.failed; !strings.Contains(err.Error(), "panic: a bug") {
		t.Errorf("it failed with %v", err)
	}
	left = 1 << 30
	r.finish()
	r.wantGone(false)
}
