package storage_test

import (
	"context"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/names"
	"github.com/pullchat/pullchat/internal/redistest"
)

func TestAccountsOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	conformance.RunAccounts(t, func(t *testing.T, clock *conformance.Clock) conformance.AccountService {
		return accountsIn(t, "redis://"+miniredis.RunT(t).Addr(), clock)
	})
}

func TestAccountsOnRealRedis(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	conformance.RunAccounts(t, func(t *testing.T, clock *conformance.Clock) conformance.AccountService {
		return accountsIn(t, url, clock)
	})
}

func TestAccountsOnCluster(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t).URL()
	conformance.RunAccounts(t, func(t *testing.T, clock *conformance.Clock) conformance.AccountService {
		return accountsIn(t, url, clock)
	})
}

func accountsIn(t *testing.T, url string, clock *conformance.Clock) *chat.AccountService {
	options := conformance.AccountLimits
	options.Now = clock.Now
	accounts := chat.NewAccountService(open(t, url, conformance.Options{Clock: clock}), chat.Access{Names: names.Rules{}}, &chattest.PlainHasher{}, options)
	return accounts
}

// TestWhatACrashLeaves: a user who is in the list and has no account is not there, and can register.
func TestWhatACrashLeaves(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	accounts := accountsIn(t, url, conformance.NewClock())
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	direct := redis.NewClient(options)
	defer func() { _ = direct.Close() }()
	if err := direct.ZAdd(t.Context(), "test:"+t.Name()+":users", redis.Z{Member: "alice"}).Err(); err != nil {
		t.Fatal(err)
	}
	if page, err := accounts.Accounts(t.Context(), chat.AccountsRequest{}); err != nil || len(page.Accounts) != 0 {
		t.Errorf("Accounts() = %+v, %v; want none", page, err)
	}
	if _, err := accounts.Account(t.Context(), "alice"); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("Account(alice) = %v, want not_found", err)
	}
	if _, err := accounts.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"}); err != nil {
		t.Errorf("Register(alice) = %v, want nil", err)
	}
}

// TestSessionsExpireInRedis: a session that is not refreshed expires.
func TestSessionsExpireInRedis(t *testing.T) {
	t.Parallel()
	embedded := miniredis.RunT(t)
	accounts := accountsIn(t, "redis://"+embedded.Addr(), conformance.NewClock())
	if _, err := accounts.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Login(t.Context(), chat.Credentials{User: "alice", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	key := "test:" + t.Name() + ":u:{alice}:sessions"
	if got := embedded.TTL(key); got != conformance.AccountLimits.SessionLasts {
		t.Errorf("the sessions expire in %v, want %v", got, conformance.AccountLimits.SessionLasts)
	}
	embedded.FastForward(conformance.AccountLimits.SessionLasts)
	if embedded.Exists(key) {
		t.Error("the sessions are still there when they have expired")
	}
}

// TestAccountsWithoutRedis: every method says that it cannot, and no secret.
func TestAccountsWithoutRedis(t *testing.T) {
	t.Parallel()
	embedded := miniredis.RunT(t)
	accounts := accountsIn(t, "redis://"+embedded.Addr(), conformance.NewClock())
	ctx := context.WithoutCancel(t.Context())
	if _, err := accounts.Register(ctx, chat.Registration{User: "alice", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	session, err := accounts.Login(ctx, chat.Credentials{User: "alice", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	embedded.Close()
	for name, call := range map[string]func() error{
		"Register": func() error {
			_, err := accounts.Register(ctx, chat.Registration{User: "bob", Password: "correct horse"})
			return err
		},
		"Account":  func() error { _, err := accounts.Account(ctx, "alice"); return err },
		"Accounts": func() error { _, err := accounts.Accounts(ctx, chat.AccountsRequest{}); return err },
		"Known":    func() error { _, err := accounts.Known(ctx, []string{"alice"}); return err },
		"Login": func() error {
			_, err := accounts.Login(ctx, chat.Credentials{User: "alice", Password: "correct horse"})
			return err
		},
		"Refresh": func() error {
			_, err := accounts.Refresh(ctx, chat.RefreshRequest{Token: session.RefreshToken})
			return err
		},
		"Logout": func() error { return accounts.Logout(ctx, chat.LogoutRequest{User: "alice", Session: session.ID}) },
		"ChangePassword": func() error {
			return accounts.ChangePassword(ctx, chat.PasswordChange{User: "alice", Password: "correct horse", NewPassword: "staple staple"})
		},
	} {
		if err := call(); chat.CodeOf(err) != chat.Unavailable {
			t.Errorf("%s without Redis = %v, want unavailable", name, err)
		}
	}
}

// TestASessionOfAnOldPassword is not begun: the password was changed while it was being compared.
func TestASessionOfAnOldPassword(t *testing.T) {
	t.Parallel()
	store := open(t, redistest.Start(t).URL(), conformance.Options{Clock: conformance.NewClock()})
	if _, err := store.AddAccount(t.Context(), chat.StoredAccount{Account: chat.Account{User: "alice"}, PasswordHash: "new"}); err != nil {
		t.Fatal(err)
	}
	session := chat.StoredSession{Begun: 1, Expires: 60_000, Seed: "s", Current: "c", Previous: "-"}
	for _, c := range []struct {
		user, hash string
		want       bool
	}{{"alice", "old", false}, {"alice", "new", true}, {"nobody", "", false}} {
		if added, err := store.AddSession(t.Context(), c.user, c.hash, "id-of-"+c.hash, session, 10); added != c.want || err != nil {
			t.Errorf("AddSession(%s, %q) = %v, %v; want %v", c.user, c.hash, added, err, c.want)
		}
		if _, found, err := store.ReadSession(t.Context(), c.user, "id-of-"+c.hash); found != c.want || err != nil {
			t.Errorf("ReadSession(%s) after that = %v, %v; want %v", c.user, found, err, c.want)
		}
	}
}
