package wire

import (
	"math"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// RegisterRequest is what a client sends.
func RegisterRequest(r chat.Registration, requestID string) *rpc.RegisterRequest {
	return &rpc.RegisterRequest{User: r.User, Password: r.Password, Name: optional(r.Name), RequestId: optional(requestID)}
}

// RegistrationOf is what the server makes of a request.
func RegistrationOf(r *rpc.RegisterRequest) chat.Registration {
	return chat.Registration{User: r.User, Password: r.Password, Name: r.GetName()}
}

// AccountRequest is what a client sends.
func AccountRequest(user string, by chat.Caller, requestID string) *rpc.AccountRequest {
	return &rpc.AccountRequest{User: user, RequestId: optional(requestID), Caller: Caller(by)}
}

// AccountResponse is what the server answers.
func AccountResponse(a chat.Account, err error) *rpc.AccountResponse {
	code, text := outcome(err)
	response := &rpc.AccountResponse{Code: code, Msg: text}
	if err == nil {
		response.Account = account(a)
	}
	return response
}

func account(a chat.Account) *rpc.Account {
	return &rpc.Account{User: a.User, Name: a.Name, Created: a.Created}
}

func accountOf(a *rpc.Account) chat.Account {
	if a == nil {
		return chat.Account{}
	}
	return chat.Account{User: a.User, Name: a.Name, Created: a.Created}
}

// AccountOf is what a client makes of the answer.
func AccountOf(r *rpc.AccountResponse) (chat.Account, error) {
	return accountOf(r.Account), errorOf(r.Code, r.Msg)
}

// AccountsRequest is what a client sends. A limit that Thrift's i32 cannot hold is above every maximum, or negative.
func AccountsRequest(r chat.AccountsRequest, by chat.Caller, requestID string) *rpc.AccountsRequest {
	limit := max(math.MinInt32, min(r.Limit, math.MaxInt32))
	return &rpc.AccountsRequest{
		Prefix: optional(r.Prefix), Cursor: optional(r.Cursor), Limit: int32(limit), RequestId: optional(requestID), Caller: Caller(by),
	}
}

// AccountsRequestOf is what the server makes of a request.
func AccountsRequestOf(r *rpc.AccountsRequest) chat.AccountsRequest {
	return chat.AccountsRequest{Prefix: r.GetPrefix(), Cursor: r.GetCursor(), Limit: int64(r.Limit)}
}

// AccountsResponse is what the server answers.
func AccountsResponse(page chat.AccountPage, err error) *rpc.AccountsResponse {
	code, text := outcome(err)
	response := &rpc.AccountsResponse{Code: code, Msg: text}
	if err != nil {
		return response
	}
	response.Accounts = make([]*rpc.Account, len(page.Accounts))
	for i, a := range page.Accounts {
		response.Accounts[i] = account(a)
	}
	response.HasMore, response.NextCursor = &page.HasMore, optional(page.NextCursor)
	return response
}

// AccountPageOf is what a client makes of the answer.
func AccountPageOf(r *rpc.AccountsResponse) (chat.AccountPage, error) {
	if err := errorOf(r.Code, r.Msg); err != nil {
		return chat.AccountPage{}, err
	}
	page := chat.AccountPage{HasMore: r.GetHasMore(), NextCursor: r.GetNextCursor()}
	for _, a := range r.Accounts {
		page.Accounts = append(page.Accounts, accountOf(a))
	}
	return page, nil
}

// KnownRequest is what a client sends.
func KnownRequest(users []string, by chat.Caller, requestID string) *rpc.KnownRequest {
	return &rpc.KnownRequest{Users: users, RequestId: optional(requestID), Caller: Caller(by)}
}

// LoginRequest is what a client sends.
func LoginRequest(c chat.Credentials, requestID string) *rpc.LoginRequest {
	return &rpc.LoginRequest{User: c.User, Password: c.Password, RequestId: optional(requestID)}
}

// CredentialsOf is what the server makes of a request.
func CredentialsOf(r *rpc.LoginRequest) chat.Credentials {
	return chat.Credentials{User: r.User, Password: r.Password}
}

// RefreshRequest is what a client sends.
func RefreshRequest(r chat.RefreshRequest, requestID string) *rpc.RefreshRequest {
	return &rpc.RefreshRequest{RefreshToken: r.Token, Key: optional(r.Key), RequestId: optional(requestID)}
}

// RefreshRequestOf is what the server makes of a request.
func RefreshRequestOf(r *rpc.RefreshRequest) chat.RefreshRequest {
	return chat.RefreshRequest{Token: r.RefreshToken, Key: r.GetKey()}
}

// SessionResponse is what the server answers.
func SessionResponse(s chat.Session, err error) *rpc.SessionResponse {
	code, text := outcome(err)
	response := &rpc.SessionResponse{Code: code, Msg: text}
	if err == nil {
		response.Session = &rpc.Session{Id: s.ID, User: s.User, RefreshToken: s.RefreshToken}
	}
	return response
}

// SessionOf is what a client makes of the answer.
func SessionOf(r *rpc.SessionResponse) (chat.Session, error) {
	if err := errorOf(r.Code, r.Msg); err != nil || r.Session == nil {
		return chat.Session{}, err
	}
	return chat.Session{ID: r.Session.Id, User: r.Session.User, RefreshToken: r.Session.RefreshToken}, nil
}

// LogoutRequest is what a client sends.
func LogoutRequest(r chat.LogoutRequest, requestID string) *rpc.LogoutRequest {
	return &rpc.LogoutRequest{
		RefreshToken: optional(r.RefreshToken), User: optional(r.User), Session: optional(r.Session), RequestId: optional(requestID),
	}
}

// LogoutRequestOf is what the server makes of a request.
func LogoutRequestOf(r *rpc.LogoutRequest) chat.LogoutRequest {
	return chat.LogoutRequest{RefreshToken: r.GetRefreshToken(), User: r.GetUser(), Session: r.GetSession()}
}

// LogoutResponse is what the server answers.
func LogoutResponse(err error) *rpc.LogoutResponse {
	code, text := outcome(err)
	return &rpc.LogoutResponse{Code: code, Msg: text}
}

// LoggedOutOf is what a client makes of the answer.
func LoggedOutOf(r *rpc.LogoutResponse) error { return errorOf(r.Code, r.Msg) }

// ChangePasswordRequest is what a client sends.
func ChangePasswordRequest(c chat.PasswordChange, requestID string) *rpc.ChangePasswordRequest {
	return &rpc.ChangePasswordRequest{
		User: c.User, Password: c.Password, NewPassword_: c.NewPassword, Session: optional(c.Session), RequestId: optional(requestID),
	}
}

// PasswordChangeOf is what the server makes of a request.
func PasswordChangeOf(r *rpc.ChangePasswordRequest) chat.PasswordChange {
	return chat.PasswordChange{User: r.User, Password: r.Password, NewPassword: r.NewPassword_, Session: r.GetSession()}
}

// ChangePasswordResponse is what the server answers.
func ChangePasswordResponse(err error) *rpc.ChangePasswordResponse {
	code, text := outcome(err)
	return &rpc.ChangePasswordResponse{Code: code, Msg: text}
}

// PasswordChangedOf is what a client makes of the answer.
func PasswordChangedOf(r *rpc.ChangePasswordResponse) error { return errorOf(r.Code, r.Msg) }

// DeleteAccountRequest is what a client sends.
func DeleteAccountRequest(d chat.Deletion, by chat.Caller, requestID string) *rpc.DeleteAccountRequest {
	return &rpc.DeleteAccountRequest{
		User: optional(d.User), Password: optional(d.Password), Erase: &d.Erase, Caller: Caller(by), RequestId: optional(requestID),
		Session: optional(d.Session),
	}
}

// DeletionOf is what the server makes of a request.
func DeletionOf(r *rpc.DeleteAccountRequest) chat.Deletion {
	return chat.Deletion{User: r.GetUser(), Password: r.GetPassword(), Erase: r.GetErase(), Session: r.GetSession()}
}

// DeleteAccountResponse is what the server answers.
func DeleteAccountResponse(complete bool, err error) *rpc.DeleteAccountResponse {
	code, text := outcome(err)
	return &rpc.DeleteAccountResponse{Code: code, Msg: text, Complete: &complete}
}

// DeletedOf is what a client makes of the answer.
func DeletedOf(r *rpc.DeleteAccountResponse) (complete bool, err error) {
	return r.GetComplete(), errorOf(r.Code, r.Msg)
}
