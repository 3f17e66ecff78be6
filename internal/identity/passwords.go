package identity

import (
	"context"
	"log/slog"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/token"
)

// VerifyWith returns the Verify of a gateway with these keys of its own, or nil, and a function that ends its background work.
func VerifyWith(c Config, keys *token.Keys, accounts chat.Accounts, log *slog.Logger) (verify Verify, end func()) {
	var own func(string) (chat.Caller, error)
	if keys != nil {
		own = keys.Verify
	}
	if !c.Given() {
		return func(_ context.Context, token string) (chat.Caller, error) { return own(token) }, func() {}
	}
	provider := New(c, accounts.Register, log)
	return provider.Over(own), provider.Close
}

// ErrNoPasswords refuses passwords, and the sessions that begin with one.
var ErrNoPasswords error = chat.Errorf(chat.PermissionDenied,
	"this server has no passwords: get a token from its identity provider, and send it as Authorization: Bearer")

// NoPasswords refuses every password. Sessions that began before still last until they end.
type NoPasswords struct{ chat.Sessions }

// Login implements chat.Sessions.
func (NoPasswords) Login(context.Context, chat.Credentials) (chat.Session, error) {
	return chat.Session{}, ErrNoPasswords
}

// ChangePassword implements chat.Sessions.
func (NoPasswords) ChangePassword(context.Context, chat.PasswordChange) error {
	return ErrNoPasswords
}

// NoRegistrations refuses to register users with a password.
type NoRegistrations struct{ accounts }

type accounts = chat.Accounts // chat.Accounts has a method of the same name

// WithoutRegistrations returns NoRegistrations over accounts.
func WithoutRegistrations(over chat.Accounts) NoRegistrations { return NoRegistrations{over} }

// Register implements chat.Accounts.
func (NoRegistrations) Register(context.Context, chat.Registration) (chat.Account, error) {
	return chat.Account{}, ErrNoPasswords
}
