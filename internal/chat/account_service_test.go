package chat_test

import (
	"context"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/names"
)

func accountsOver(store chat.AccountServiceStore, hasher chat.Hasher, now func() time.Time) *chat.AccountService {
	options := conformance.AccountLimits
	options.Now = now
	return chattest.Accounts(store, hasher, chat.Access{Names: names.Rules{}}, options, nil)
}

func TestAccountsConform(t *testing.T) {
	t.Parallel()
	conformance.RunAccounts(t, func(_ *testing.T, clock *conformance.Clock) conformance.AccountService {
		return accountsOver(chattest.NewStore(chattest.StoreOptions{}), &chattest.PlainHasher{}, clock.Now)
	})
}

// TestLoginsDoTheSameWork: the time of an answer does not tell whether a user is registered.
func TestLoginsDoTheSameWork(t *testing.T) {
	hasher := &chattest.PlainHasher{}
	accounts := accountsOver(chattest.NewStore(chattest.StoreOptions{}), hasher, nil)
	if _, err := accounts.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	hashes := hasher.Hashes.Load()
	for _, c := range []chat.Credentials{{User: "alice", Password: "wrong"}, {User: "nobody", Password: "wrong"}, {User: "nobody"}} {
		hasher.Verifies.Store(0)
		if _, err := accounts.Login(t.Context(), c); chat.CodeOf(err) != chat.Unauthenticated {
			t.Errorf("Login(%+v) = %v, want unauthenticated", c, err)
		}
		if got := hasher.Verifies.Load(); got != 1 || hasher.Hashes.Load() != hashes {
			t.Errorf("Login(%+v) compares %d passwords and makes %d hashes, want 1 and none", c, got, hasher.Hashes.Load()-hashes)
		}
	}
}

// TestATakenNameCostsNoHash: who tries names is not served with expensive work.
func TestATakenNameCostsNoHash(t *testing.T) {
	hasher := &chattest.PlainHasher{}
	accounts := accountsOver(chattest.NewStore(chattest.StoreOptions{}), hasher, nil)
	for range 3 {
		_, _ = accounts.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"})
	}
	if got := hasher.Hashes.Load(); got != 1 {
		t.Errorf("three registrations of one name make %d hashes, want 1", got)
	}
}

// TestWeakHashesAreReplaced at the next login, and no session ends by it.
func TestWeakHashesAreReplaced(t *testing.T) {
	store := chattest.NewStore(chattest.StoreOptions{})
	old := accountsOver(store, &chattest.PlainHasher{}, nil)
	_, err := old.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"})
	session, loginErr := old.Login(t.Context(), chat.Credentials{User: "alice", Password: "correct horse"})
	if err != nil || loginErr != nil {
		t.Fatal(err, loginErr)
	}
	hasher := &chattest.PlainHasher{Generation: "2"}
	accounts := accountsOver(store, hasher, nil)
	for range 2 {
		if _, err := accounts.Login(t.Context(), chat.Credentials{User: "alice", Password: "correct horse"}); err != nil {
			t.Errorf("Login() = %v", err)
		}
	}
	_, _ = accounts.Login(t.Context(), chat.Credentials{User: "alice", Password: "wrong"})
	if got := hasher.Hashes.Load(); got != 1 {
		t.Errorf("the logins made %d hashes, want one that replaces the weak one", got)
	}
	if _, err := accounts.Refresh(t.Context(), chat.RefreshRequest{Token: session.RefreshToken}); err != nil {
		t.Errorf("Refresh() of a session from before = %v, want nil", err)
	}
}

// credulous accepts every password, also of a user without an account.
type credulous struct{ chattest.PlainHasher }

func (*credulous) Verify(context.Context, string, string) (right, weak bool, err error) {
	return true, false, nil
}

func TestAnUnknownUserHasNoPassword(t *testing.T) {
	accounts := accountsOver(chattest.NewStore(chattest.StoreOptions{}), &credulous{}, nil)
	if s, err := accounts.Login(t.Context(), chat.Credentials{User: "nobody"}); chat.CodeOf(err) != chat.Unauthenticated {
		t.Errorf("Login() of one who is not registered = %+v, %v; want unauthenticated", s, err)
	}
}

// overtaken is a store in which another login replaces a weak hash first.
type overtaken struct{ *chattest.Store }

func (o overtaken) ReplacePassword(ctx context.Context, user, old, hash string, keep chat.Keep) (bool, error) {
	if _, err := o.Store.ReplacePassword(ctx, user, old, hash+" of the other", keep); err != nil {
		return false, err
	}
	return o.Store.ReplacePassword(ctx, user, old, hash, keep)
}

func TestWeakHashesThatAnotherReplaces(t *testing.T) {
	store := chattest.NewStore(chattest.StoreOptions{})
	_, err := accountsOver(store, &chattest.PlainHasher{}, nil).Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	accounts := accountsOver(overtaken{store}, &chattest.PlainHasher{Generation: "2"}, nil)
	if _, err := accounts.Login(t.Context(), chat.Credentials{User: "alice", Password: "correct horse"}); err != nil {
		t.Errorf("Login() while another one replaces the weak hash = %v, want a session", err)
	}
}

// changing is a store in which the password changes during a login.
type changing struct{ *chattest.Store }

func (c changing) ReadAccounts(ctx context.Context, users []string) ([]chat.StoredAccount, error) {
	found, err := c.Store.ReadAccounts(ctx, users)
	if len(found) == 1 && found[0].PasswordHash != "" {
		_, _ = c.ReplacePassword(ctx, users[0], found[0].PasswordHash, "plain$changed", chat.Keep{})
	}
	return found, err
}

func TestAPasswordThatChangesMeanwhile(t *testing.T) {
	store := chattest.NewStore(chattest.StoreOptions{})
	for _, user := range []string{"alice", "bob"} {
		_, err := accountsOver(store, &chattest.PlainHasher{}, nil).Register(t.Context(), chat.Registration{User: user, Password: "correct horse"})
		if err != nil {
			t.Fatal(err)
		}
	}
	accounts := accountsOver(changing{store}, &chattest.PlainHasher{}, nil)
	if _, err := accounts.Login(t.Context(), chat.Credentials{User: "alice", Password: "correct horse"}); chat.CodeOf(err) != chat.Unauthenticated {
		t.Errorf("Login() while the password changes = %v, want unauthenticated and no session", err)
	}
	err := accounts.ChangePassword(t.Context(), chat.PasswordChange{User: "bob", Password: "correct horse", NewPassword: "staple staple"})
	if chat.CodeOf(err) != chat.Unauthenticated {
		t.Errorf("ChangePassword() while the password changes = %v, want unauthenticated", err)
	}
}

func TestActingUser(t *testing.T) {
	alice := chat.WithCaller(t.Context(), chat.Caller{User: "alice", Session: "s"})
	worker := chat.WithCaller(t.Context(), chat.Caller{User: "worker", Service: true})
	for _, c := range []struct {
		ctx         context.Context
		named, want string
		code        chat.Code
	}{
		{t.Context(), "bob", "bob", ""},
		{t.Context(), "", "", ""},
		{alice, "", "alice", ""},
		{alice, "alice", "alice", ""},
		{alice, "bob", "", chat.PermissionDenied},
		{worker, "bob", "bob", ""},
		{worker, "", "", ""},
	} {
		if got, err := chat.ActingUser(c.ctx, c.named); got != c.want || chat.CodeOf(err) != c.code {
			t.Errorf("ActingUser(%q) = %q, %v; want %q, %q", c.named, got, err, c.want, c.code)
		}
	}
}
