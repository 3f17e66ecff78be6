package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// AccountService are the accounts and their sessions: chat.AccountService.
type AccountService interface {
	chat.Accounts
	chat.Sessions
}

// ofAccounts is ask of accounts.
func ofAccounts[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, AccountService) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Accounts, "accounts", method, r, do)
}

// Register makes an account.
func (h *Handler) Register(ctx context.Context, r *rpc.RegisterRequest) (*rpc.AccountResponse, error) {
	r = orEmpty(r)
	return wire.AccountResponse(ofAccounts(ctx, h, "Register", r, func(ctx context.Context, p AccountService) (chat.Account, error) {
		return p.Register(ctx, wire.RegistrationOf(r))
	})), nil
}

// Account returns one.
func (h *Handler) Account(ctx context.Context, r *rpc.AccountRequest) (*rpc.AccountResponse, error) {
	r = orEmpty(r)
	return wire.AccountResponse(ofAccounts(ctx, h, "Account", r, func(ctx context.Context, p AccountService) (chat.Account, error) {
		return p.Account(ctx, r.User)
	})), nil
}

// ChangeAccount changes one.
func (h *Handler) ChangeAccount(ctx context.Context, r *rpc.ChangeAccountRequest) (*rpc.AccountResponse, error) {
	r = orEmpty(r)
	return wire.AccountResponse(ofAccounts(ctx, h, "ChangeAccount", r, func(ctx context.Context, p AccountService) (chat.Account, error) {
		return p.ChangeAccount(ctx, wire.AccountChangeOf(r))
	})), nil
}

// Accounts returns a page of all.
func (h *Handler) Accounts(ctx context.Context, r *rpc.AccountsRequest) (*rpc.AccountsResponse, error) {
	r = orEmpty(r)
	return wire.AccountsResponse(ofAccounts(ctx, h, "Accounts", r, func(ctx context.Context, p AccountService) (chat.AccountPage, error) {
		return p.Accounts(ctx, wire.AccountsRequestOf(r))
	})), nil
}

// Known returns the accounts of those among users who have one.
func (h *Handler) Known(ctx context.Context, r *rpc.KnownRequest) (*rpc.AccountsResponse, error) {
	r = orEmpty(r)
	return wire.AccountsResponse(ofAccounts(ctx, h, "Known", r, func(ctx context.Context, p AccountService) (chat.AccountPage, error) {
		accounts, err := p.Known(ctx, r.Users)
		return chat.AccountPage{Accounts: accounts}, err
	})), nil
}

// Login begins a session.
func (h *Handler) Login(ctx context.Context, r *rpc.LoginRequest) (*rpc.SessionResponse, error) {
	r = orEmpty(r)
	return wire.SessionResponse(ofAccounts(ctx, h, "Login", r, func(ctx context.Context, p AccountService) (chat.Session, error) {
		return p.Login(ctx, wire.CredentialsOf(r))
	})), nil
}

// Refresh continues one.
func (h *Handler) Refresh(ctx context.Context, r *rpc.RefreshRequest) (*rpc.SessionResponse, error) {
	r = orEmpty(r)
	return wire.SessionResponse(ofAccounts(ctx, h, "Refresh", r, func(ctx context.Context, p AccountService) (chat.Session, error) {
		return p.Refresh(ctx, wire.RefreshRequestOf(r))
	})), nil
}

// Logout ends one.
func (h *Handler) Logout(ctx context.Context, r *rpc.LogoutRequest) (*rpc.LogoutResponse, error) {
	r = orEmpty(r)
	_, err := ofAccounts(ctx, h, "Logout", r, func(ctx context.Context, p AccountService) (struct{}, error) {
		return done(p.Logout(ctx, wire.LogoutRequestOf(r)))
	})
	return wire.LogoutResponse(err), nil
}

// ChangePassword replaces a password.
func (h *Handler) ChangePassword(ctx context.Context, r *rpc.ChangePasswordRequest) (*rpc.ChangePasswordResponse, error) {
	r = orEmpty(r)
	_, err := ofAccounts(ctx, h, "ChangePassword", r, func(ctx context.Context, p AccountService) (struct{}, error) {
		return done(p.ChangePassword(ctx, wire.PasswordChangeOf(r)))
	})
	return wire.ChangePasswordResponse(err), nil
}

// DeleteAccount deletes a user for good.
func (h *Handler) DeleteAccount(ctx context.Context, r *rpc.DeleteAccountRequest) (*rpc.DeleteAccountResponse, error) {
	r = orEmpty(r)
	return wire.DeleteAccountResponse(ofAccounts(ctx, h, "DeleteAccount", r, func(ctx context.Context, p AccountService) (bool, error) {
		return p.DeleteAccount(ctx, wire.DeletionOf(r))
	})), nil
}
