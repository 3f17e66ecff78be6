package conformance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func (a accounts) refresh(t *testing.T, token, key string) chat.Session {
	t.Helper()
	s, err := a.Refresh(t.Context(), chat.RefreshRequest{Token: token, Key: key})
	if err != nil {
		t.Fatalf("Refresh(key %q) = %v, want a session", key, err)
	}
	return s
}

func (a accounts) refused(t *testing.T, what, token, key string, want chat.Code) {
	t.Helper()
	_, err := a.Refresh(t.Context(), chat.RefreshRequest{Token: token, Key: key})
	wantCode(t, "Refresh with "+what, err, want)
}

func testRefresh(t *testing.T, p accounts) {
	p.register(t, "a.b")
	first := p.login(t, "a.b", goodPassword)
	token := first.RefreshToken
	for i := range 4 {
		next := p.refresh(t, token, fmt.Sprint(i))
		if next.ID != first.ID || next.User != "a.b" || next.RefreshToken == token {
			t.Errorf("Refresh() = %+v, want the same session with another token than %s", next, token)
		}
		token = next.RefreshToken
	}
	p.refused(t, "a key that is too long", token, strings.Repeat("k", chat.MaxKeyBytes+1), chat.InvalidArgument)
	p.refresh(t, token, "")
}

// testRefreshAgain: a client repeats a refresh whose answer was lost.
func testRefreshAgain(t *testing.T, p accounts) {
	p.register(t, "alice")
	first := p.login(t, "alice", goodPassword).RefreshToken
	second := p.refresh(t, first, "key")
	for range 3 {
		if again := p.refresh(t, first, "key"); again != second {
			t.Errorf("the same Refresh again = %+v, want %+v", again, second)
		}
	}
	third := p.refresh(t, second.RefreshToken, "another")
	p.refused(t, "the same key after the next token was used", first, "key", chat.TokenInvalid)
	p.refused(t, "the latest token of a session that was ended so", third.RefreshToken, "", chat.TokenInvalid)
}

func testReuse(t *testing.T, p accounts) {
	p.register(t, "alice")
	for name, c := range map[string]struct{ key, again string }{
		"without a key":    {"", ""},
		"with another key": {"one", "two"},
		"a key the second": {"", "two"},
		"no key then":      {"one", ""},
	} {
		other := p.login(t, "alice", goodPassword)
		first := p.login(t, "alice", goodPassword).RefreshToken
		second := p.refresh(t, first, c.key).RefreshToken
		p.refused(t, "a used token "+name, first, c.again, chat.TokenInvalid)
		p.refused(t, "the latest token, when a used one came back "+name, second, "", chat.TokenInvalid)
		p.refresh(t, other.RefreshToken, "") // another session goes on
	}
	first := p.login(t, "alice", goodPassword).RefreshToken
	third := p.refresh(t, p.refresh(t, first, "").RefreshToken, "").RefreshToken
	p.refused(t, "a token that was used long ago", first, "", chat.TokenInvalid)
	p.refused(t, "the latest, after that", third, "", chat.TokenInvalid)
}

const rivals = 8

// atOnce refreshes with one token concurrently and returns the new tokens.
func (a accounts) atOnce(t *testing.T, token string, key func(i int) string) map[string]int {
	t.Helper()
	var mutex sync.Mutex
	given := map[string]int{}
	var all sync.WaitGroup
	for i := range rivals {
		all.Go(func() {
			s, err := a.Refresh(t.Context(), chat.RefreshRequest{Token: token, Key: key(i)})
			if err != nil {
				wantCode(t, "Refresh at once with others", err, chat.TokenInvalid)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			given[s.RefreshToken]++
		})
	}
	all.Wait()
	return given
}

func testRefreshAtOnce(t *testing.T, p accounts) {
	p.register(t, "alice")
	given := p.atOnce(t, p.login(t, "alice", goodPassword).RefreshToken, func(i int) string { return fmt.Sprint("key ", i) })
	if len(given) != 1 {
		t.Errorf("%d tokens were given for one, want 1", len(given))
	}
	for token := range given {
		p.refused(t, "the token of who was first", token, "", chat.TokenInvalid)
	}
}

func testRefreshAtOnceSameKey(t *testing.T, p accounts) {
	p.register(t, "alice")
	given := p.atOnce(t, p.login(t, "alice", goodPassword).RefreshToken, func(int) string { return "key" })
	for token, times := range given {
		if len(given) != 1 || times != rivals {
			t.Errorf("the tokens %v were given, want one %d times", given, rivals)
		}
		p.refresh(t, token, "")
	}
}

func testExpiry(t *testing.T, p accounts) {
	p.register(t, "alice")
	token := p.login(t, "alice", goodPassword).RefreshToken
	p.clock.Add(AccountLimits.SessionLasts - time.Second)
	token = p.refresh(t, token, "").RefreshToken // which restarts the time
	p.clock.Add(AccountLimits.SessionLasts - time.Second)
	token = p.refresh(t, token, "").RefreshToken
	p.clock.Add(AccountLimits.SessionLasts)
	p.refused(t, "a token in the moment in which it expires", token, "", chat.TokenExpired)
	p.login(t, "alice", goodPassword) // which removes the old one
	p.refused(t, "a token of a session that is forgotten", token, "", chat.TokenInvalid)
}

func testWhatIsNoToken(t *testing.T, p accounts) {
	p.register(t, "alice", "bob")
	s := p.login(t, "alice", goodPassword)
	secret := s.RefreshToken[strings.LastIndexByte(s.RefreshToken, '.')+1:]
	for name, token := range map[string]string{
		"nothing":             "",
		"dots":                "..",
		"no session":          "alice." + secret,
		"another user":        "bob." + s.ID + "." + secret,
		"an unknown session":  "alice." + strings.Repeat("A", 22) + "." + secret,
		"a short secret":      "alice." + s.ID + "." + secret[1:],
		"a secret and more":   s.RefreshToken + "A",
		"what is not base64":  "alice." + s.ID + "." + strings.Repeat("!", 43),
		"a user with a colon": "a:b." + s.ID + "." + secret,
		"spaces":              "alice. ." + secret,
	} {
		p.refused(t, name, token, "", chat.TokenInvalid)
		if strings.HasPrefix(name, "an unknown") || strings.HasPrefix(name, "another") {
			continue // ended, as far as a client can tell
		}
		if token != "" {
			wantCode(t, "Logout with "+name, p.Logout(t.Context(), chat.LogoutRequest{RefreshToken: token}), chat.TokenInvalid)
		}
	}
	p.refresh(t, s.RefreshToken, "") // and none of these calls has ended it
}

// testSessionNames: the session's name, which is in access tokens, does not end the session. Refresh tokens contain
// another name.
func testSessionNames(t *testing.T, p accounts) {
	p.register(t, "alice")
	s := p.login(t, "alice", goodPassword)
	if strings.Contains(s.RefreshToken, s.ID) {
		t.Errorf("the refresh token contains the session's ID")
	}
	if user, session, err := chat.ParseRefreshToken(s.RefreshToken); user != "alice" || session != s.ID || err != nil {
		t.Errorf("ParseRefreshToken() = %q, %q, %v; want the session's ID", user, session, err)
	}
	forged := "alice." + s.ID + "." + strings.Repeat("A", 43)
	p.refused(t, "forged from the ID", forged, "", chat.TokenInvalid)
	wantCode(t, "Logout with a forged token", p.Logout(t.Context(), chat.LogoutRequest{RefreshToken: forged}), "")
	p.refresh(t, s.RefreshToken, "")
}

func testLogout(t *testing.T, p accounts) {
	p.register(t, "alice")
	byToken, byID, stays := p.login(t, "alice", goodPassword), p.login(t, "alice", goodPassword), p.login(t, "alice", goodPassword)
	forged := stays.RefreshToken[:len(stays.RefreshToken)-43] + strings.Repeat("A", 43)
	wantCode(t, "Logout with a forged token", p.Logout(t.Context(), chat.LogoutRequest{RefreshToken: forged}), chat.TokenInvalid)
	wantCode(t, "Logout of nothing", p.Logout(t.Context(), chat.LogoutRequest{}), chat.InvalidArgument)
	wantCode(t, "Logout without a session", p.Logout(t.Context(), chat.LogoutRequest{User: "alice"}), chat.InvalidArgument)
	for range 2 {
		wantCode(t, "Logout with a token", p.Logout(t.Context(), chat.LogoutRequest{RefreshToken: byToken.RefreshToken}), "")
		wantCode(t, "Logout of a session", p.Logout(t.Context(), chat.LogoutRequest{User: "alice", Session: byID.ID}), "")
	}
	p.refused(t, "a token of who has logged out", byToken.RefreshToken, "", chat.TokenInvalid)
	p.refused(t, "a token of a session that was ended", byID.RefreshToken, "", chat.TokenInvalid)
	p.refresh(t, stays.RefreshToken, "")
}

func testChangePassword(t *testing.T, p accounts) {
	p.register(t, "alice", "bob")
	here, elsewhere, bobs := p.login(t, "alice", goodPassword), p.login(t, "alice", goodPassword), p.login(t, "bob", goodPassword)
	change := chat.PasswordChange{User: "alice", Password: goodPassword, NewPassword: "staple staple", Session: here.ID}
	wantCode(t, "ChangePassword()", p.ChangePassword(t.Context(), change), "")
	p.refused(t, "a token of another session", elsewhere.RefreshToken, "", chat.TokenInvalid)
	p.refresh(t, here.RefreshToken, "")
	p.refresh(t, bobs.RefreshToken, "")
	_, err := p.Login(t.Context(), chat.Credentials{User: "alice", Password: goodPassword})
	wantCode(t, "Login with the old password", err, chat.Unauthenticated)
	last := p.login(t, "alice", "staple staple")
	change = chat.PasswordChange{User: "alice", Password: "staple staple", NewPassword: goodPassword}
	wantCode(t, "ChangePassword() without a session", p.ChangePassword(t.Context(), change), "")
	p.refused(t, "any token, when no session goes on", last.RefreshToken, "", chat.TokenInvalid)
	if found, err := p.Account(t.Context(), "alice"); err != nil || found.Name != "I am alice" {
		t.Errorf("Account(alice) = %+v, %v; want the name as it was", found, err)
	}
}

func testChangePasswordRefused(t *testing.T, p accounts) {
	p.register(t, "alice")
	s := p.login(t, "alice", goodPassword)
	for name, c := range map[string]struct {
		change chat.PasswordChange
		want   chat.Code
	}{
		"a wrong password":   {chat.PasswordChange{User: "alice", Password: "wrong horse", NewPassword: "staple staple"}, chat.Unauthenticated},
		"unknown":            {chat.PasswordChange{User: "unknown", Password: goodPassword, NewPassword: "staple staple"}, chat.Unauthenticated},
		"a short password":   {chat.PasswordChange{User: "alice", Password: goodPassword, NewPassword: "short"}, chat.InvalidArgument},
		"what is not a user": {chat.PasswordChange{User: "a:b", Password: goodPassword, NewPassword: "staple staple"}, chat.InvalidArgument},
	} {
		wantCode(t, "ChangePassword with "+name, p.ChangePassword(t.Context(), c.change), c.want)
	}
	p.refresh(t, s.RefreshToken, "")
	p.login(t, "alice", goodPassword)
}
