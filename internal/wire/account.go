package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func RegisterRequest(r chat.Registration, requestID string) *rpc.RegisterRequest {
	return &rpc.RegisterRequest{
		User: r.User, Password: r.Password, Name: optional(r.Name), External: optional(r.External), Adopt: optional(r.Adopt),
		Meta: meta(chat.Caller{}, requestID),
	}
}

func RegistrationOf(r *rpc.RegisterRequest) chat.Registration {
	return chat.Registration{User: r.User, Password: r.Password, Name: r.GetName(), External: r.GetExternal(), Adopt: r.GetAdopt()}
}

func AccountRequest(user string, by chat.Caller, requestID string) *rpc.AccountRequest {
	return &rpc.AccountRequest{User: user, Meta: meta(by, requestID)}
}

func ChangeAccountRequest(c chat.AccountChange, by chat.Caller, requestID string) *rpc.ChangeAccountRequest {
	return &rpc.ChangeAccountRequest{User: optional(c.User), HideLastSeen: c.HideLastSeen, Meta: meta(by, requestID)}
}

func AccountChangeOf(r *rpc.ChangeAccountRequest) chat.AccountChange {
	return chat.AccountChange{User: r.GetUser(), HideLastSeen: r.HideLastSeen}
}

func AccountResponse(a chat.Account, err error) *rpc.AccountResponse {
	code, text := outcome(err)
	response := &rpc.AccountResponse{Code: code, Msg: text}
	if err == nil {
		response.Account = account(a)
	}
	return response
}

func account(a chat.Account) *rpc.Account {
	return &rpc.Account{
		User: a.User, Name: a.Name, Created: a.Created, LastSeen: optional(a.LastSeen), HidesLastSeen: optional(a.HidesLastSeen),
	}
}

func accountOf(a *rpc.Account) chat.Account {
	if a == nil {
		return chat.Account{}
	}
	return chat.Account{
		User: a.User, Name: a.Name, Created: a.Created, LastSeen: a.GetLastSeen(), HidesLastSeen: a.GetHidesLastSeen(),
	}
}

func AccountOf(r *rpc.AccountResponse) (chat.Account, error) {
	return accountOf(r.Account), errorOf(r.Code, r.Msg)
}

func AccountsRequest(r chat.AccountsRequest, by chat.Caller, requestID string) *rpc.AccountsRequest {
	return &rpc.AccountsRequest{
		Prefix: optional(r.Prefix), Cursor: optional(r.Cursor), Limit: limit32(r.Limit), Meta: meta(by, requestID),
	}
}

func AccountsRequestOf(r *rpc.AccountsRequest) chat.AccountsRequest {
	return chat.AccountsRequest{Prefix: r.GetPrefix(), Cursor: r.GetCursor(), Limit: int64(r.Limit)}
}

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

func KnownRequest(users []string, by chat.Caller, requestID string) *rpc.KnownRequest {
	return &rpc.KnownRequest{Users: users, Meta: meta(by, requestID)}
}

func LoginRequest(c chat.Credentials, requestID string) *rpc.LoginRequest {
	return &rpc.LoginRequest{User: c.User, Password: c.Password, Meta: meta(chat.Caller{}, requestID)}
}

func CredentialsOf(r *rpc.LoginRequest) chat.Credentials {
	return chat.Credentials{User: r.User, Password: r.Password}
}

func RefreshRequest(r chat.RefreshRequest, requestID string) *rpc.RefreshRequest {
	return &rpc.RefreshRequest{RefreshToken: r.Token, Key: optional(r.Key), Meta: meta(chat.Caller{}, requestID)}
}

func RefreshRequestOf(r *rpc.RefreshRequest) chat.RefreshRequest {
	return chat.RefreshRequest{Token: r.RefreshToken, Key: r.GetKey()}
}

func SessionResponse(s chat.Session, err error) *rpc.SessionResponse {
	code, text := outcome(err)
	response := &rpc.SessionResponse{Code: code, Msg: text}
	if err == nil {
		response.Session = &rpc.Session{Id: s.ID, User: s.User, RefreshToken: s.RefreshToken}
	}
	return response
}

func SessionOf(r *rpc.SessionResponse) (chat.Session, error) {
	if err := errorOf(r.Code, r.Msg); err != nil || r.Session == nil {
		return chat.Session{}, err
	}
	return chat.Session{ID: r.Session.Id, User: r.Session.User, RefreshToken: r.Session.RefreshToken}, nil
}

func LogoutRequest(r chat.LogoutRequest, requestID string) *rpc.LogoutRequest {
	return &rpc.LogoutRequest{
		RefreshToken: optional(r.RefreshToken), User: optional(r.User), Session: optional(r.Session), Meta: meta(chat.Caller{}, requestID),
	}
}

func LogoutRequestOf(r *rpc.LogoutRequest) chat.LogoutRequest {
	return chat.LogoutRequest{RefreshToken: r.GetRefreshToken(), User: r.GetUser(), Session: r.GetSession()}
}

func LogoutResponse(err error) *rpc.LogoutResponse {
	code, text := outcome(err)
	return &rpc.LogoutResponse{Code: code, Msg: text}
}

func LoggedOutOf(r *rpc.LogoutResponse) error { return errorOf(r.Code, r.Msg) }

func ChangePasswordRequest(c chat.PasswordChange, requestID string) *rpc.ChangePasswordRequest {
	return &rpc.ChangePasswordRequest{
		User: c.User, Password: c.Password, NewPassword_: c.NewPassword, Session: optional(c.Session), Meta: meta(chat.Caller{}, requestID),
	}
}

func PasswordChangeOf(r *rpc.ChangePasswordRequest) chat.PasswordChange {
	return chat.PasswordChange{User: r.User, Password: r.Password, NewPassword: r.NewPassword_, Session: r.GetSession()}
}

func ChangePasswordResponse(err error) *rpc.ChangePasswordResponse {
	code, text := outcome(err)
	return &rpc.ChangePasswordResponse{Code: code, Msg: text}
}

func PasswordChangedOf(r *rpc.ChangePasswordResponse) error { return errorOf(r.Code, r.Msg) }

func DeleteAccountRequest(d chat.Deletion, by chat.Caller, requestID string) *rpc.DeleteAccountRequest {
	return &rpc.DeleteAccountRequest{
		User: optional(d.User), Password: optional(d.Password), Erase: &d.Erase, Meta: meta(by, requestID),
		Session: optional(d.Session),
	}
}

func DeletionOf(r *rpc.DeleteAccountRequest) chat.Deletion {
	return chat.Deletion{User: r.GetUser(), Password: r.GetPassword(), Erase: r.GetErase(), Session: r.GetSession()}
}

func DeleteAccountResponse(complete bool, err error) *rpc.DeleteAccountResponse {
	code, text := outcome(err)
	return &rpc.DeleteAccountResponse{Code: code, Msg: text, Complete: &complete}
}

func DeletedOf(r *rpc.DeleteAccountResponse) (complete bool, err error) {
	return r.GetComplete(), errorOf(r.Code, r.Msg)
}
