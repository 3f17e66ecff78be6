package wire

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestAccountsRoundTrip(t *testing.T) {
	for _, r := range []chat.Registration{{}, {User: "alice", Password: "correct horse", Name: "Alice"}} {
		if got := RegistrationOf(RegisterRequest(r, "id")); got != r {
			t.Errorf("RegistrationOf(RegisterRequest(%+v)) = %+v", r, got)
		}
	}
	account := chat.Account{User: "alice", Name: "Alice", Created: 7}
	if got, err := AccountOf(AccountResponse(account, nil)); got != account || err != nil {
		t.Errorf("AccountOf(AccountResponse(%+v)) = %+v, %v", account, got, err)
	}
	for _, r := range []chat.AccountsRequest{{}, {Prefix: "a", Cursor: "al", Limit: 5}} {
		if got := AccountsRequestOf(AccountsRequest(r, chat.Caller{}, "id")); got != r {
			t.Errorf("AccountsRequestOf(AccountsRequest(%+v)) = %+v", r, got)
		}
	}
	if got := AccountsRequest(chat.AccountsRequest{Limit: math.MaxInt64}, chat.Caller{}, "").Limit; got != math.MaxInt32 {
		t.Errorf("AccountsRequest(the largest limit).Limit = %d, want %d", got, math.MaxInt32)
	}
	for _, p := range []chat.AccountPage{{}, {Accounts: []chat.Account{account}, HasMore: true, NextCursor: "bob"}} {
		if got, err := AccountPageOf(AccountsResponse(p, nil)); !reflect.DeepEqual(got, p) || err != nil {
			t.Errorf("AccountPageOf(AccountsResponse(%+v)) = %+v, %v", p, got, err)
		}
	}
}

func TestSessionsRoundTrip(t *testing.T) {
	credentials := chat.Credentials{User: "alice", Password: "correct horse"}
	if got := CredentialsOf(LoginRequest(credentials, "id")); got != credentials {
		t.Errorf("CredentialsOf(LoginRequest(%+v)) = %+v", credentials, got)
	}
	for _, r := range []chat.RefreshRequest{{Token: "token"}, {Token: "token", Key: "key"}} {
		if got := RefreshRequestOf(RefreshRequest(r, "id")); got != r {
			t.Errorf("RefreshRequestOf(RefreshRequest(%+v)) = %+v", r, got)
		}
	}
	session := chat.Session{ID: "1", User: "alice", RefreshToken: "token"}
	if got, err := SessionOf(SessionResponse(session, nil)); got != session || err != nil {
		t.Errorf("SessionOf(SessionResponse(%+v)) = %+v, %v", session, got, err)
	}
	for _, r := range []chat.LogoutRequest{{RefreshToken: "token"}, {User: "alice", Session: "1"}} {
		if got := LogoutRequestOf(LogoutRequest(r, "id")); got != r {
			t.Errorf("LogoutRequestOf(LogoutRequest(%+v)) = %+v", r, got)
		}
	}
	change := chat.PasswordChange{User: "alice", Password: "old", NewPassword: "new", Session: "1"}
	if got := PasswordChangeOf(ChangePasswordRequest(change, "id")); got != change {
		t.Errorf("PasswordChangeOf(ChangePasswordRequest(%+v)) = %+v", change, got)
	}
}

func TestAccountErrorsRoundTrip(t *testing.T) {
	for _, code := range chat.Codes() {
		err := chat.Wrap(errors.New("secret"), code, "what to do")
		_, account := AccountOf(AccountResponse(chat.Account{}, err))
		_, page := AccountPageOf(AccountsResponse(chat.AccountPage{}, err))
		_, session := SessionOf(SessionResponse(chat.Session{}, err))
		for _, got := range []error{
			account, page, session, LoggedOutOf(LogoutResponse(err)), PasswordChangedOf(ChangePasswordResponse(err)),
		} {
			if chat.CodeOf(got) != code || got.Error() != string(code)+": what to do" {
				t.Errorf("%s went over the wire and came as %v", code, got)
			}
		}
	}
}
