package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

func TestRegistrationRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "alice")
	for _, c := range []struct {
		user, password, name string
		want                 chat.Code
	}{
		{"bob", "12345678", "", ""},
		{"b1", "1234567", "", chat.InvalidArgument},
		{"b2", "", "", chat.InvalidArgument},
		{"b3", strings.Repeat("p", chat.MaxPasswordBytes), "", ""},
		{"b4", strings.Repeat("p", chat.MaxPasswordBytes+1), "", chat.InvalidArgument},
		{"b5", "\xff2345678", "", chat.InvalidArgument},
		{"b6", "пароль78", "", ""},
		{"b7", goodPassword, strings.Repeat("n", chat.MaxNameBytes), ""},
		{"b8", goodPassword, strings.Repeat("n", chat.MaxNameBytes+1), chat.InvalidArgument},
		{"b9", goodPassword, "a\tb", chat.InvalidArgument},
		{"alice", goodPassword, "", chat.Conflict},
		{"ALICE", goodPassword, "", chat.Conflict},
		{"", goodPassword, "", chat.InvalidArgument},
		{"a:b", goodPassword, "", chat.InvalidArgument},
		{"a/b", goodPassword, "", chat.InvalidArgument},
		{"..", goodPassword, "", chat.InvalidArgument},
		{strings.Repeat("u", chat.MaxIDBytes), goodPassword, "", ""},
		{strings.Repeat("u", chat.MaxIDBytes+1), goodPassword, "", chat.InvalidArgument},
		{"Admin", goodPassword, "", chat.InvalidArgument},
		{"me", goodPassword, "", chat.InvalidArgument},
	} {
		_, err := d.Accounts.Register(t.Context(), chat.Registration{User: c.user, Password: c.password, Name: c.name})
		wantCode(t, fmt.Sprintf("Register(%.10s, a password of %d bytes, %.10q)", c.user, len(c.password), c.name), err, c.want)
	}
}

// TestExternalUsers: an identity provider's user gets an account without a password, and never one with a password unless
// that is adopted.
func TestExternalUsers(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "bob", "cid")
	if _, err := d.Accounts.DeleteAccount(as("cid"), chat.Deletion{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    chat.Registration
		want chat.Code
	}{
		{"a new user", chat.Registration{User: "ann", Name: "Ann", External: true}, ""},
		{"the user again", chat.Registration{User: "ann", Name: "Other", External: true}, ""},
		{"a name that looks the same", chat.Registration{User: "ANN", External: true}, chat.Conflict},
		{"a password for the user", chat.Registration{User: "ann", Password: goodPassword}, chat.Conflict},
		{"a user with a password", chat.Registration{User: "bob", External: true}, chat.Conflict},
		{"the same, adopted", chat.Registration{User: "bob", External: true, Adopt: true}, ""},
		{"a deleted user", chat.Registration{User: "cid", External: true, Adopt: true}, chat.Conflict},
		{"no name", chat.Registration{External: true}, chat.InvalidArgument},
		{"a reserved name", chat.Registration{User: "admin", External: true}, chat.InvalidArgument},
		{"a bad display name", chat.Registration{User: "dan", Name: "a\tb", External: true}, chat.InvalidArgument},
	} {
		account, err := d.Accounts.Register(t.Context(), c.r)
		wantCode(t, c.name, err, c.want)
		if c.r.User == "ann" && c.want == "" && account.Name != "Ann" {
			t.Errorf("%s has the account %+v, want the first one", c.name, account)
		}
	}
	for _, password := range []string{"", chat.NoPassword, goodPassword} {
		_, err := d.Accounts.Login(t.Context(), chat.Credentials{User: "ann", Password: password})
		wantCode(t, "Login() with "+password, err, chat.Unauthenticated)
	}
	if known, err := d.Accounts.Known(as("bob"), []string{"ann"}); err != nil || len(known) != 1 {
		t.Errorf("Known() = %+v, %v; want ann", known, err)
	}
}

func TestAccountsNeedAToken(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob")
	if _, err := d.Accounts.DeleteAccount(as("bob"), chat.Deletion{}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   chat.Caller
		want chat.Code
	}{
		"a user": {chat.Caller{User: "ann"}, ""}, "a service": {chat.Caller{User: "x", Service: true}, ""},
		"no user": {chat.Caller{}, chat.Unauthenticated}, "a deleted user": {chat.Caller{User: "bob"}, chat.TokenInvalid},
	} {
		ctx := chat.WithCaller(t.Context(), c.by)
		_, account := d.Accounts.Account(ctx, "ann")
		page, accounts := d.Accounts.Accounts(ctx, chat.AccountsRequest{})
		known, err := d.Accounts.Known(ctx, []string{"bob", "ann", "ann"})
		wantCode(t, "Account() for "+name, account, c.want)
		wantCode(t, "Accounts() for "+name, accounts, c.want)
		wantCode(t, "Known() for "+name, err, c.want)
		if c.want == "" && (len(page.Accounts) != 1 || len(known) != 1) {
			t.Errorf("Accounts() and Known() for %s = %+v and %+v, want ann", name, page, known)
		}
	}
}

// TestSessionsEnd: a session lasts until it expires without a refresh, and each refresh begins its time anew.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann")
	login := func() chat.Session {
		t.Helper()
		s, err := d.Accounts.Login(t.Context(), chat.Credentials{User: "ann", Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := login()
	lasts := time.Hour
	for _, c := range []struct {
		wait time.Duration
		want chat.Code
	}{{lasts - time.Millisecond, ""}, {lasts - time.Millisecond, ""}, {lasts, chat.TokenExpired}} {
		d.clock.Add(c.wait)
		check := d.Accounts.CheckSession(t.Context(), "ann", s.ID)
		if (check == nil) != (c.want == "") {
			t.Errorf("CheckSession() after %v = %v", c.wait, check)
		}
		next, err := d.Accounts.Refresh(t.Context(), chat.RefreshRequest{Token: s.RefreshToken})
		wantCode(t, fmt.Sprintf("Refresh() after %v", c.wait), err, c.want)
		s.RefreshToken = next.RefreshToken
	}
	s, other := login(), login()
	wantCode(t, "CheckSession()", d.Accounts.CheckSession(t.Context(), "ann", s.ID), "")
	wantCode(t, "CheckSession() of another user", d.Accounts.CheckSession(t.Context(), "bob", s.ID), chat.TokenInvalid)
	wantCode(t, "Logout()", d.Accounts.Logout(t.Context(), chat.LogoutRequest{User: "ann", Session: s.ID}), "")
	wantCode(t, "CheckSession() after the logout", d.Accounts.CheckSession(t.Context(), "ann", s.ID), chat.TokenInvalid)
	wantCode(t, "CheckSession() of the other session", d.Accounts.CheckSession(t.Context(), "ann", other.ID), "")
	last := login()
	change := chat.PasswordChange{User: "ann", Password: goodPassword, NewPassword: "staple staple", Session: last.ID}
	wantCode(t, "ChangePassword()", d.Accounts.ChangePassword(t.Context(), change), "")
	wantCode(t, "CheckSession() of the session that changed the password", d.Accounts.CheckSession(t.Context(), "ann", last.ID), "")
	wantCode(t, "CheckSession() of another session", d.Accounts.CheckSession(t.Context(), "ann", other.ID), chat.TokenInvalid)
	_, err := d.Accounts.Refresh(t.Context(), chat.RefreshRequest{Token: last.RefreshToken, Key: strings.Repeat("k", chat.MaxKeyBytes+1)})
	wantCode(t, "Refresh() with a long key", err, chat.InvalidArgument)
}

// TestWithoutADeleter: a server that deletes no accounts says so.
func TestWithoutADeleter(t *testing.T) {
	t.Parallel()
	accounts := chattest.Accounts(chattest.NewStore(chattest.StoreOptions{}), &chattest.PlainHasher{}, chat.Access{}, chat.AccountOptions{}, nil)
	_, err := accounts.DeleteAccount(as("ann"), chat.Deletion{})
	wantCode(t, "DeleteAccount()", err, chat.NotFound)
}
