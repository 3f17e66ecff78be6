package rpcclient

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/pkg/kerrors"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Accounts = (*Client)(nil)
	_ chat.Sessions = (*Client)(nil)
)

// Register implements chat.Accounts. One that may have arrived is not repeated: it would find its own account.
func (c *Client) Register(ctx context.Context, r chat.Registration) (chat.Account, error) {
	request := wire.RegisterRequest(r, logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, false, func(ctx context.Context, s *server) (*rpc.AccountResponse, error) {
		return s.kitex.Register(ctx, request)
	})
	if err != nil {
		return chat.Account{}, callError(err, registerError)
	}
	return wire.AccountOf(response)
}

func registerError(err error) error {
	const settle = "it is unknown whether the account was made; log in to see"
	if errors.Is(err, kerrors.ErrRPCTimeout) {
		return chat.Wrap(err, chat.DeadlineExceeded, "the rpc-server took too long; "+settle)
	}
	return chat.Wrap(err, chat.Unavailable, "the connection to the rpc-server broke; "+settle)
}

// Account implements chat.Accounts.
func (c *Client) Account(ctx context.Context, user string) (chat.Account, error) {
	request := wire.AccountRequest(user, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.AccountResponse, error) {
		return s.kitex.Account(ctx, request)
	})
	if err != nil {
		return chat.Account{}, callError(err, readError)
	}
	return wire.AccountOf(response)
}

// Accounts implements chat.Accounts.
func (c *Client) Accounts(ctx context.Context, r chat.AccountsRequest) (chat.AccountPage, error) {
	request := wire.AccountsRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.AccountsResponse, error) {
		return s.kitex.Accounts(ctx, request)
	})
	if err != nil {
		return chat.AccountPage{}, callError(err, readError)
	}
	return wire.AccountPageOf(response)
}

// Known implements chat.Accounts.
func (c *Client) Known(ctx context.Context, users []string) ([]chat.Account, error) {
	request := wire.KnownRequest(users, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.AccountsResponse, error) {
		return s.kitex.Known(ctx, request)
	})
	if err != nil {
		return nil, callError(err, readError)
	}
	page, err := wire.AccountPageOf(response)
	return page.Accounts, err
}

// Login implements chat.Sessions. It is repeated: a session whose token was lost on the way is nobody's, and expires.
func (c *Client) Login(ctx context.Context, credentials chat.Credentials) (chat.Session, error) {
	request := wire.LoginRequest(credentials, logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.SessionResponse, error) {
		return s.kitex.Login(ctx, request)
	})
	if err != nil {
		return chat.Session{}, callError(err, readError)
	}
	return wire.SessionOf(response)
}

// Refresh implements chat.Sessions. It is repeated only with a key: without one, a repetition would end the session.
func (c *Client) Refresh(ctx context.Context, r chat.RefreshRequest) (chat.Session, error) {
	request := wire.RefreshRequest(r, logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, r.Key != "", func(ctx context.Context, s *server) (*rpc.SessionResponse, error) {
		return s.kitex.Refresh(ctx, request)
	})
	if err != nil {
		return chat.Session{}, callError(err, readError)
	}
	return wire.SessionOf(response)
}

// Logout implements chat.Sessions.
func (c *Client) Logout(ctx context.Context, r chat.LogoutRequest) error {
	request := wire.LogoutRequest(r, logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.LogoutResponse, error) {
		return s.kitex.Logout(ctx, request)
	})
	if err != nil {
		return callError(err, readError)
	}
	return wire.LoggedOutOf(response)
}

// ChangePassword implements chat.Sessions. One that may have arrived is not repeated: the old password would be wrong.
func (c *Client) ChangePassword(ctx context.Context, p chat.PasswordChange) error {
	request := wire.ChangePasswordRequest(p, logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, false, func(ctx context.Context, s *server) (*rpc.ChangePasswordResponse, error) {
		return s.kitex.ChangePassword(ctx, request)
	})
	if err != nil {
		return callError(err, passwordError)
	}
	return wire.PasswordChangedOf(response)
}

func passwordError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; log in to see which password holds")
}
