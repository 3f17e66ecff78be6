package ratelimit

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// logins is a chat.Sessions where the password is "right".
type logins struct {
	chat.Sessions
	tried atomic.Int64
}

func (l *logins) Login(_ context.Context, c chat.Credentials) (chat.Session, error) {
	return chat.Session{User: c.User}, l.ChangePassword(context.Background(), chat.PasswordChange{Password: c.Password})
}

func (l *logins) ChangePassword(_ context.Context, p chat.PasswordChange) error {
	l.tried.Add(1)
	switch p.Password {
	case "right":
		return nil
	case "down":
		return chat.Errorf(chat.Unavailable, "down")
	}
	return chat.Errorf(chat.Unauthenticated, "wrong")
}

type attempt struct{ address, user, password string }

func (a attempt) at(g Guesses) chat.Code {
	_, err := g.Login(WithClient(context.Background(), a.address), chat.Credentials{User: a.user, Password: a.password})
	return chat.CodeOf(err)
}

func guesses(now *clock) (Guesses, *logins) {
	d := &logins{}
	g := NewGuesses(d, Rate{3, time.Minute})
	g.pairs.now, g.users.now, g.addresses.now = now.now, now.now, now.now
	return g, d
}

func TestGuesses(t *testing.T) {
	now := &clock{time.Unix(1_780_000_000, 0)}
	g, d := guesses(now)
	wrong := attempt{"1.1.1.1", "alice", "wrong"}
	for range 20 { // neither counts
		if code := (attempt{"1.1.1.1", "alice", "right"}).at(g); code != "" {
			t.Fatalf("a right password = %q", code)
		}
		if code := (attempt{"1.1.1.1", "alice", "down"}).at(g); code != chat.Unavailable {
			t.Fatalf("a server that is down = %q", code)
		}
	}
	for i, want := range []chat.Code{chat.Unauthenticated, chat.Unauthenticated, chat.Unauthenticated, chat.ResourceExhausted, chat.ResourceExhausted} {
		if code := wrong.at(g); code != want {
			t.Errorf("wrong password %d = %q, want %q", i+1, code, want)
		}
	}
	tried := d.tried.Load()
	for _, c := range []struct {
		attempt
		want chat.Code
	}{
		{attempt{"1.1.1.1", "alice", "right"}, chat.ResourceExhausted},
		{attempt{"1.1.1.1", "bob", "right"}, ""},
		{attempt{"1.1.1.1", "bob", "wrong"}, chat.Unauthenticated},
		{attempt{"2.2.2.2", "alice", "right"}, ""},
	} {
		if code := c.at(g); code != c.want {
			t.Errorf("then %+v = %q, want %q", c.attempt, code, c.want)
		}
	}
	if got := d.tried.Load() - tried; got != 3 {
		t.Errorf("%d were tried, want 3: what is refused is not", got)
	}
	err := g.ChangePassword(WithClient(context.Background(), "1.1.1.1"), chat.PasswordChange{User: "alice", Password: "right"})
	if chat.CodeOf(err) != chat.ResourceExhausted {
		t.Errorf("ChangePassword() = %v, want it to count as a login does", err)
	}
	now.Time = now.Add(20 * time.Second)
	if code := wrong.at(g); code != chat.Unauthenticated {
		t.Errorf("a wrong password after a third of the time = %q, want it tried", code)
	}
	if code := wrong.at(g); code != chat.ResourceExhausted {
		t.Errorf("a second one = %q, want it refused", code)
	}
}

// TestManyUsersOrAddresses have a limit too, ten times as wide.
func TestManyUsersOrAddresses(t *testing.T) {
	for name, at := range map[string]func(i int) attempt{
		"many users from one address": func(i int) attempt { return attempt{"1.1.1.1", fmt.Sprint("user-", i), "wrong"} },
		"one user from many":          func(i int) attempt { return attempt{fmt.Sprint("1.1.1.", i), "alice", "wrong"} },
	} {
		g, _ := guesses(&clock{time.Unix(1_780_000_000, 0)})
		for i := range 40 {
			want := chat.Unauthenticated
			if i >= 30 {
				want = chat.ResourceExhausted
			}
			if code := at(i).at(g); code != want {
				t.Errorf("%s: wrong password %d = %q, want %q", name, i+1, code, want)
			}
		}
		// Who was refused for one of the limits has used up nothing of the others.
		refused := at(39)
		if got, _ := allowed(g.pairs, pair(refused.address, refused.user), 4); got != 3 {
			t.Errorf("%s: a pair that was refused has %d guesses left, want 3", name, got)
		}
	}
}

// TestGuessesAtOnce are not free while the first of them are being judged.
func TestGuessesAtOnce(t *testing.T) {
	g, d := guesses(&clock{time.Unix(1_780_000_000, 0)})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { attempt{"1.1.1.1", "alice", "wrong"}.at(g) })
	}
	all.Wait()
	if got := d.tried.Load(); got != 3 {
		t.Errorf("%d of 50 guesses at once were tried, want 3", got)
	}
}

// TestProvenPairs: after a login of a user at an address, two kinds of wrong passwords do not lock that user out there: those
// for other users from the address, and those for the user from other addresses. Wrong passwords of the pair still count.
func TestProvenPairs(t *testing.T) {
	g, _ := guesses(&clock{time.Unix(1_780_000_000, 0)})
	home := attempt{"1.1.1.1", "alice", "right"}
	if code := home.at(g); code != "" {
		t.Fatalf("the first login = %q", code)
	}
	for i := range 100 {
		attempt{fmt.Sprint("9.9.9.", i), "alice", "wrong"}.at(g)
		attempt{"1.1.1.1", fmt.Sprint("user-", i), "wrong"}.at(g)
	}
	for _, c := range []struct {
		attempt
		want chat.Code
	}{
		{home, ""},
		{attempt{"2.2.2.2", "alice", "right"}, chat.ResourceExhausted}, // no login from there was seen
		{attempt{"1.1.1.1", "bob", "right"}, chat.ResourceExhausted},
		{attempt{"1.1.1.1", "alice", "wrong"}, chat.Unauthenticated},
		{attempt{"1.1.1.1", "alice", "wrong"}, chat.Unauthenticated},
		{attempt{"1.1.1.1", "alice", "wrong"}, chat.Unauthenticated},
		{home, chat.ResourceExhausted},
	} {
		if code := c.at(g); code != c.want {
			t.Errorf("%+v = %q, want %q", c.attempt, code, c.want)
		}
	}
}

// TestInvalidNames are refused before they are counted.
func TestInvalidNames(t *testing.T) {
	g, d := guesses(&clock{time.Unix(1_780_000_000, 0)})
	for range 200 {
		for _, name := range []string{"", "a b", "a:b", "\xff", "."} {
			if code := (attempt{"1.1.1.1", name, "wrong"}).at(g); code != chat.InvalidArgument {
				t.Errorf("a login of %q = %q, want invalid_argument", name, code)
			}
		}
	}
	if g.pairs.clients.Len()+g.users.clients.Len()+g.addresses.clients.Len() != 0 || d.tried.Load() != 0 {
		t.Errorf("names that nobody can have are counted, and %d tried", d.tried.Load())
	}
}
