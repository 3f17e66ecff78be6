package rpcclient

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/pkg/kerrors"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Accounts = (*Client)(nil)
	_ chat.Sessions = (*Client)(nil)
)

// Register implements chat.Accounts. One that may have arrived is not repeated: it would find its own account.
func (c *Client) Register(ctx context.Context, r chat.Registration) (chat.Account, error) {
	return ask(ctx, c, kind{false, registerError}, imservice.Client.Register,
		wire.RegisterRequest(r, logging.RequestID(ctx)), wire.AccountOf)
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
	return ask(ctx, c, reads, imservice.Client.Account,
		wire.AccountRequest(user, caller(ctx), logging.RequestID(ctx)), wire.AccountOf)
}

// ChangeAccount implements chat.Accounts.
func (c *Client) ChangeAccount(ctx context.Context, change chat.AccountChange) (chat.Account, error) {
	return ask(ctx, c, reads, imservice.Client.ChangeAccount,
		wire.ChangeAccountRequest(change, caller(ctx), logging.RequestID(ctx)), wire.AccountOf)
}

// Accounts implements chat.Accounts.
func (c *Client) Accounts(ctx context.Context, r chat.AccountsRequest) (chat.AccountPage, error) {
	return ask(ctx, c, reads, imservice.Client.Accounts,
		wire.AccountsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.AccountPageOf)
}

// Known implements chat.Accounts.
func (c *Client) Known(ctx context.Context, users []string) ([]chat.Account, error) {
	page, err := ask(ctx, c, reads, imservice.Client.Known,
		wire.KnownRequest(users, caller(ctx), logging.RequestID(ctx)), wire.AccountPageOf)
	return page.Accounts, err
}

// Login implements chat.Sessions. It is repeated: a session whose token was lost on the way is not used, and expires.
func (c *Client) Login(ctx context.Context, credentials chat.Credentials) (chat.Session, error) {
	return ask(ctx, c, reads, imservice.Client.Login,
		wire.LoginRequest(credentials, logging.RequestID(ctx)), wire.SessionOf)
}

// Refresh implements chat.Sessions. It is repeated only with a key: without one, a repetition would end the session.
func (c *Client) Refresh(ctx context.Context, r chat.RefreshRequest) (chat.Session, error) {
	return ask(ctx, c, kind{r.Key != "", readError}, imservice.Client.Refresh,
		wire.RefreshRequest(r, logging.RequestID(ctx)), wire.SessionOf)
}

// Logout implements chat.Sessions.
func (c *Client) Logout(ctx context.Context, r chat.LogoutRequest) error {
	return tell(ctx, c, reads, imservice.Client.Logout, wire.LogoutRequest(r, logging.RequestID(ctx)), wire.LoggedOutOf)
}

// ChangePassword implements chat.Sessions. One that may have arrived is not repeated: the old password would be wrong.
func (c *Client) ChangePassword(ctx context.Context, p chat.PasswordChange) error {
	return tell(ctx, c, kind{false, passwordError}, imservice.Client.ChangePassword,
		wire.ChangePasswordRequest(p, logging.RequestID(ctx)), wire.PasswordChangedOf)
}

func passwordError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; log in to see which password holds")
}

// DeleteAccount implements chat.Sessions. A user's is not repeated once it may have arrived: neither the user's password nor
// token is good any more.
func (c *Client) DeleteAccount(ctx context.Context, d chat.Deletion) (complete bool, err error) {
	by := caller(ctx)
	return ask(ctx, c, kind{d.Password == "" && by.Service, deletionError}, imservice.Client.DeleteAccount,
		wire.DeleteAccountRequest(d, by, logging.RequestID(ctx)), wire.DeletedOf)
}

func deletionError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; it is unknown whether the account was deleted")
}
