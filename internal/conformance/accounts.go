package conformance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// AccountService is the subject of RunAccounts.
type AccountService interface {
	chat.Accounts
	chat.Sessions
}

// AccountLimits apply to the subject of RunAccounts.
var AccountLimits = chat.AccountOptions{DefaultLimit: 3, MaxLimit: 5, SessionLasts: time.Hour}

// RunAccounts tests the contract of a AccountService. Open returns an empty one with the time of a clock, over a Hasher that is
// fast enough for hundreds of calls.
func RunAccounts(t *testing.T, open func(*testing.T, *Clock) AccountService) {
	for name, test := range map[string]func(*testing.T, accounts){
		"Register":              testRegister,
		"RegisterTwice":         testRegisterTwice,
		"RegisterAtOnce":        testRegisterAtOnce,
		"LooksLikeAnother":      testLooksLikeAnother,
		"LooksAlikeAtOnce":      testLooksAlikeAtOnce,
		"Scripts":               testScripts,
		"PasswordsPrepared":     testPasswordsPrepared,
		"WhatIsNoAccount":       testWhatIsNoAccount,
		"Pages":                 testPages,
		"Known":                 testKnown,
		"Login":                 testLogin,
		"Refresh":               testRefresh,
		"RefreshAgainSameKey":   testRefreshAgain,
		"ReuseEndsTheSession":   testReuse,
		"RefreshAtOnce":         testRefreshAtOnce,
		"RefreshAtOnceSameKey":  testRefreshAtOnceSameKey,
		"Expiry":                testExpiry,
		"WhatIsNoToken":         testWhatIsNoToken,
		"SessionNames":          testSessionNames,
		"Logout":                testLogout,
		"ChangePassword":        testChangePassword,
		"ChangePasswordRefused": testChangePasswordRefused,
		"TooManySessions":       testTooManySessions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			test(t, accounts{open(t, clock), clock})
		})
	}
}

type accounts struct {
	AccountService
	clock *Clock
}

const goodPassword = "correct horse"

func (a accounts) register(t *testing.T, users ...string) {
	t.Helper()
	for _, user := range users {
		if _, err := a.Register(t.Context(), chat.Registration{User: user, Password: goodPassword, Name: "I am " + user}); err != nil {
			t.Fatalf("Register(%s) = %v", user, err)
		}
	}
}

func (a accounts) login(t *testing.T, user, password string) chat.Session {
	t.Helper()
	s, err := a.Login(t.Context(), chat.Credentials{User: user, Password: password})
	if err != nil || s.User != user || s.ID == "" || s.RefreshToken == "" {
		t.Fatalf("Login(%s) = %+v, %v; want a session", user, s, err)
	}
	return s
}

func wantCode(t *testing.T, what string, err error, want chat.Code) {
	t.Helper()
	if chat.CodeOf(err) != want {
		t.Errorf("%s = %v, want %q", what, err, want)
	}
}

func testRegister(t *testing.T, p accounts) {
	made, err := p.Register(t.Context(), chat.Registration{User: "é.b+c@x", Password: strings.Repeat("p", chat.MaxPasswordBytes), Name: "Zoë \"Z\" 日本"})
	if err != nil || made.User != "é.b+c@x" || made.Name != "Zoë \"Z\" 日本" || made.Created <= 0 {
		t.Errorf("Register() = %+v, %v; want the account", made, err)
	}
	if found, err := p.Account(t.Context(), "é.b+c@x"); err != nil || found != made {
		t.Errorf("Account() = %+v, %v; want %+v", found, err, made)
	}
	_, err = p.Account(t.Context(), "unknown")
	wantCode(t, "Account(unknown)", err, chat.NotFound)
}

func testRegisterTwice(t *testing.T, p accounts) {
	p.register(t, "alice")
	_, err := p.Register(t.Context(), chat.Registration{User: "alice", Password: "another password"})
	wantCode(t, "Register(alice) again", err, chat.Conflict)
	p.login(t, "alice", goodPassword)
	_, err = p.Login(t.Context(), chat.Credentials{User: "alice", Password: "another password"})
	wantCode(t, "Login with the refused password", err, chat.Unauthenticated)
}

func testRegisterAtOnce(t *testing.T, p accounts) {
	const rivals = 8
	passwords := make([]string, rivals)
	errs := make([]error, rivals)
	var all sync.WaitGroup
	for i := range rivals {
		passwords[i] = fmt.Sprint("password of ", i)
		all.Go(func() {
			_, errs[i] = p.Register(t.Context(), chat.Registration{User: "alice", Password: passwords[i]})
		})
	}
	all.Wait()
	won := 0
	for i, err := range errs {
		_, login := p.Login(t.Context(), chat.Credentials{User: "alice", Password: passwords[i]})
		if err == nil {
			won++
			wantCode(t, "Login of who has registered", login, "")
			continue
		}
		wantCode(t, "Register of who was later", err, chat.Conflict)
		wantCode(t, "Login of who was later", login, chat.Unauthenticated)
	}
	if won != 1 {
		t.Errorf("%d of %d registered the same user, want one", won, rivals)
	}
}

func testLooksLikeAnother(t *testing.T, p accounts) {
	p.register(t, "alice", "modern", "Bob")
	for _, user := range []string{
		"ALICE", "Alice", "aIice", "a1ice", "аlice", "ａｌｉｃｅ", "rnodern", "bob", "BOB", "b0b",
	} {
		_, err := p.Register(t.Context(), chat.Registration{User: user, Password: goodPassword})
		wantCode(t, "Register("+user+")", err, chat.Conflict)
	}
	p.register(t, "alicia", "bobo", "alice2")
}

// testLooksAlikeAtOnce: of users who register at once by names that look alike, at most one succeeds. No name stays
// rejected because of another attempt that was itself rejected.
func testLooksAlikeAtOnce(t *testing.T, p accounts) {
	rivals := []string{"alice", "ALICE", "aIice", "Alice", "а1ice", "ALlCE"}
	errs := make([]error, len(rivals))
	var all sync.WaitGroup
	for i, user := range rivals {
		all.Go(func() { _, errs[i] = p.Register(t.Context(), chat.Registration{User: user, Password: goodPassword}) })
	}
	all.Wait()
	for i, a := range rivals {
		if errs[i] != nil {
			wantCode(t, "Register("+a+")", errs[i], chat.Conflict)
		}
	}
	page, err := p.Accounts(t.Context(), chat.AccountsRequest{Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range page.Accounts {
		for _, b := range page.Accounts {
			if a.User != b.User && strings.EqualFold(a.User, b.User) {
				t.Errorf("%s and %s have an account each", a.User, b.User)
			}
		}
	}
	if len(page.Accounts) == 0 {
		_, err := p.Register(t.Context(), chat.Registration{User: "alice", Password: goodPassword})
		wantCode(t, "Register(alice) after all were refused", err, "")
	}
}

func testScripts(t *testing.T, p accounts) {
	for _, user := range []string{"राम", "กิตติ", "น้ำ", "தமிழ்", "မြန်မာ", "ខ្មែរ", "বাংলা", "שלום", "محمد", "王伟", "한글", "Սևակ"} {
		p.register(t, user)
		if found, err := p.Account(t.Context(), user); err != nil || found.User != user {
			t.Errorf("Account(%s) = %+v, %v", user, found, err)
		}
		p.login(t, user, goodPassword)
	}
}

// testPasswordsPrepared: a password is the same from every keyboard, and its length counts visible characters.
func testPasswordsPrepared(t *testing.T, p accounts) {
	_, err := p.Register(t.Context(), chat.Registration{User: "zoe", Password: "cafe\u0301 noir"})
	wantCode(t, "Register with a password that is not NFC", err, "")
	p.login(t, "zoe", "caf\u00e9 noir")
	p.login(t, "zoe", "cafe\u0301\u00a0noir")
	_, err = p.Login(t.Context(), chat.Credentials{User: "zoe", Password: "cafe noir"})
	wantCode(t, "Login without the accent", err, chat.Unauthenticated)
	err = p.ChangePassword(t.Context(), chat.PasswordChange{User: "zoe", Password: "café noir", NewPassword: "A\u030angstro\u0308m"})
	wantCode(t, "ChangePassword", err, "")
	p.login(t, "zoe", "\u212bngström")
	_, err = p.Register(t.Context(), chat.Registration{User: "kurz", Password: "e\u0301e\u0301e\u0301e\u0301"})
	wantCode(t, "Register with a password of four letters in eight code points", err, chat.InvalidArgument)
}

func testWhatIsNoAccount(t *testing.T, p accounts) {
	for name, r := range map[string]chat.Registration{
		"no user":          {Password: goodPassword},
		"a pair":           {User: "a:b", Password: goodPassword},
		"a long user":      {User: strings.Repeat("a", 65), Password: goodPassword},
		"braces":           {User: "a}", Password: goodPassword},
		"no password":      {User: "a"},
		"a short password": {User: "a", Password: "1234567"},
		"a long password":  {User: "a", Password: strings.Repeat("p", chat.MaxPasswordBytes+1)},
		"a long name":      {User: "a", Password: goodPassword, Name: strings.Repeat("n", chat.MaxNameBytes+1)},
		"a line":           {User: "a", Password: goodPassword, Name: "a\nb"},
		"an override":      {User: "a", Password: goodPassword, Name: "a\u202eb"},
		"an isolate":       {User: "a", Password: goodPassword, Name: "a\u2067b"},
		"a paragraph":      {User: "a", Password: goodPassword, Name: "a\u2029b"},
		"a blank name":     {User: "a", Password: goodPassword, Name: " \u3000"},
		"an unseen name":   {User: "a", Password: goodPassword, Name: "\u200b\u3164\ufe0f\u2800"},
		"a short word":     {User: "a", Password: "пароль7"},
		"a bell":           {User: "a", Password: goodPassword + "\a"},
		"a zero width":     {User: "a", Password: goodPassword + "\u200b"},
		"a filler":         {User: "\u3164", Password: goodPassword},
		"a choseong":       {User: "\u115f", Password: goodPassword},
		"an unseen tail":   {User: "alice\uffa0", Password: goodPassword},
		"a kelvin sign":    {User: "\u212aelvin", Password: goodPassword},
		"not NFC":          {User: "cafe\u0301", Password: goodPassword},
		"a ligature":       {User: "\ufb01ne", Password: goodPassword},
		"bold letters":     {User: "\U0001d41a", Password: goodPassword},
		"two directions":   {User: "a\u05d0", Password: goodPassword},
		"me":               {User: "me", Password: goodPassword},
		"service":          {User: "SERVICE", Password: goodPassword},
		"public":           {User: "pubIic", Password: goodPassword},
		"admin":            {User: "аdmin", Password: goodPassword}, // Cyrillic
		"system":           {User: "ｓystem", Password: goodPassword},
	} {
		_, err := p.Register(t.Context(), r)
		wantCode(t, "Register with "+name, err, chat.InvalidArgument)
	}
	_, err := p.Account(t.Context(), "a")
	wantCode(t, "Account(a) after refusals", err, chat.NotFound)
}

func testPages(t *testing.T, p accounts) {
	p.register(t, "bob", "alice", "al", "Zoë", "bobby", "é", "b.z")
	for _, c := range []struct {
		ask  chat.AccountsRequest
		want string
		next string
	}{
		{chat.AccountsRequest{}, "Zoë al alice", "b.z"},
		{chat.AccountsRequest{Cursor: "b.z"}, "b.z bob bobby", "é"},
		{chat.AccountsRequest{Cursor: "é"}, "é", ""},
		{chat.AccountsRequest{Limit: 100}, "Zoë al alice b.z bob", "bobby"},
		{chat.AccountsRequest{Prefix: "al"}, "al alice", ""},
		{chat.AccountsRequest{Prefix: "b", Limit: 2}, "b.z bob", "bobby"},
		{chat.AccountsRequest{Prefix: "b", Limit: 2, Cursor: "bobby"}, "bobby", ""},
		{chat.AccountsRequest{Prefix: "bob", Cursor: "a"}, "bob bobby", ""},
		{chat.AccountsRequest{Prefix: "al", Cursor: "b"}, "", ""},
		{chat.AccountsRequest{Prefix: "x"}, "", ""},
	} {
		page, err := p.Accounts(t.Context(), c.ask)
		var got []string
		for _, a := range page.Accounts {
			got = append(got, a.User)
			if a.Name != "I am "+a.User || a.Created <= 0 {
				t.Errorf("Accounts(%+v) has %+v, want its name and time", c.ask, a)
			}
		}
		if err != nil || strings.Join(got, " ") != c.want || page.NextCursor != c.next || page.HasMore != (c.next != "") {
			t.Errorf("Accounts(%+v) = %q, %+v, %v; want %q and then %q", c.ask, got, page, err, c.want, c.next)
		}
	}
	if _, err := p.Accounts(t.Context(), chat.AccountsRequest{Prefix: "."}); err != nil {
		t.Errorf("Accounts() of those that begin with a dot = %v", err)
	}
	for _, wrong := range []chat.AccountsRequest{{Limit: -1}, {Prefix: "a:"}, {Cursor: "a b"}} {
		_, err := p.Accounts(t.Context(), wrong)
		wantCode(t, fmt.Sprintf("Accounts(%+v)", wrong), err, chat.InvalidArgument)
	}
}

func testKnown(t *testing.T, p accounts) {
	p.register(t, "alice", "bob")
	known, err := p.Known(t.Context(), []string{"carol", "bob", "alice", "bob"})
	if err != nil || len(known) != 2 || known[0].User != "bob" || known[1].User != "alice" || known[1].Name != "I am alice" {
		t.Errorf("Known() = %+v, %v; want bob and alice", known, err)
	}
	if known, err := p.Known(t.Context(), nil); err != nil || len(known) != 0 {
		t.Errorf("Known(unknown) = %+v, %v; want none", known, err)
	}
	many := make([]string, chat.MaxKnown+1)
	for i := range many {
		many[i] = fmt.Sprint("user-", i)
	}
	many[chat.MaxKnown-1] = "alice"
	if known, err := p.Known(t.Context(), many[:chat.MaxKnown]); err != nil || len(known) != 1 {
		t.Errorf("Known(%d users) = %+v, %v; want alice", chat.MaxKnown, known, err)
	}
	_, err = p.Known(t.Context(), many)
	wantCode(t, "Known(too many)", err, chat.InvalidArgument)
	_, err = p.Known(t.Context(), []string{"alice", "a:b"})
	wantCode(t, "Known(a:b)", err, chat.InvalidArgument)
}

func testLogin(t *testing.T, p accounts) {
	p.register(t, "alice")
	first, second := p.login(t, "alice", goodPassword), p.login(t, "alice", goodPassword)
	if first.ID == second.ID || first.RefreshToken == second.RefreshToken {
		t.Errorf("two logins are %+v and %+v, want sessions of their own", first, second)
	}
	_, wrong := p.Login(t.Context(), chat.Credentials{User: "alice", Password: "wrong horse"})
	_, unknown := p.Login(t.Context(), chat.Credentials{User: "unknown", Password: goodPassword})
	_, none := p.Login(t.Context(), chat.Credentials{User: "unknown"})
	wantCode(t, "Login with a wrong password", wrong, chat.Unauthenticated)
	for _, err := range []error{unknown, none} {
		if err == nil || err.Error() != wrong.Error() {
			t.Errorf("Login of an unknown user = %v, want the error of a wrong password, %v", err, wrong)
		}
	}
	_, err := p.Login(t.Context(), chat.Credentials{User: "a:b", Password: goodPassword})
	wantCode(t, "Login of what is no user", err, chat.InvalidArgument)
}

func testTooManySessions(t *testing.T, p accounts) {
	p.register(t, "alice")
	var sessions []chat.Session
	for range chat.MaxSessions + 1 {
		sessions = append(sessions, p.login(t, "alice", goodPassword))
		p.clock.Add(time.Second)
	}
	p.refused(t, "a token of the oldest session of too many", sessions[0].RefreshToken, "", chat.TokenInvalid)
	p.refresh(t, sessions[1].RefreshToken, "")
}
