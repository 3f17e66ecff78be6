// Package identity verifies tokens of an identity provider (OpenID Connect Core 1.0) and gives its users accounts.
package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	maxRemembered = 16384
	// accountsLast is how long an account is known to exist. It is far below chat.DeletionSettles, for which the rpc-servers
	// themselves refuse a deleted user.
	accountsLast = 5 * time.Minute
	// verifiedLast is how long a token is not verified again. A token outlives a removed key for that long behind keysLast.
	verifiedLast = time.Minute
)

// Verify returns the caller of a token. Its errors are chat's.
type Verify func(ctx context.Context, token string) (chat.Caller, error)

// Provider accepts the tokens of an identity provider. It is safe for concurrent use.
type Provider struct {
	config   Config
	keys     *keySet
	verifier *oidc.IDTokenVerifier
	register func(context.Context, chat.Registration) (chat.Account, error)
	now      func() time.Time
	verified *lru.Cache[[sha256.Size]byte, verified]
	accounts *lru.Cache[string, time.Time] // of which it was seen at that time that they exist
}

// verified has the claims of a valid token.
type verified struct {
	chat.Caller
	name string
	at   time.Time // of the verification
}

// New returns the Provider of a Config with one. It registers its users, when it first sees them, with register.
func New(c Config, register func(context.Context, chat.Registration) (chat.Account, error), log *slog.Logger) *Provider {
	return newProvider(c, register, newKeySet(c.JWKSURL, log), time.Now)
}

func newProvider(c Config, register func(context.Context, chat.Registration) (chat.Account, error), keys *keySet, now func() time.Time) *Provider {
	names := make([]string, len(algorithms))
	for i, algorithm := range algorithms {
		names[i] = string(algorithm)
	}
	tokens, _ := lru.New[[sha256.Size]byte, verified](maxRemembered) // the only error is a size of 0
	accounts, _ := lru.New[string, time.Time](maxRemembered)         // as above
	return &Provider{
		config: c, keys: keys, register: register, now: now,
		verifier: oidc.NewVerifier(c.Issuer, keys, &oidc.Config{ClientID: c.Audience, SupportedSigningAlgs: names, Now: now}),
		verified: tokens, accounts: accounts,
	}
}

// Close ends the Provider's background work. No token may be verified after it.
func (p *Provider) Close() { p.keys.close() }

// Over returns a Verify that asks own for tokens with an HMAC, which are this server's own, and the provider for all others.
// own may be nil.
func (p *Provider) Over(own func(token string) (chat.Caller, error)) Verify {
	return func(ctx context.Context, token string) (chat.Caller, error) {
		if own != nil && isHMAC(token) {
			return own(token)
		}
		return p.Verify(ctx, token)
	}
}

// isHMAC reports whether a token says that it has an HMAC. Others are refused by the next verification, if they lie.
func isHMAC(token string) bool {
	_, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	return err == nil
}

// Verify returns the user of a token of the provider, who has an account from now on. The error is TokenExpired, TokenInvalid,
// or Unavailable if the provider's keys or the account cannot be read.
func (p *Provider) Verify(ctx context.Context, token string) (chat.Caller, error) {
	if len(token) > maxTokenBytes {
		return chat.Caller{}, chat.Errorf(chat.TokenInvalid, "the token has %d bytes; the limit is %d", len(token), maxTokenBytes)
	}
	hash := sha256.Sum256([]byte(token))
	known, found := p.verified.Get(hash)
	if !found || p.now().Sub(known.at) >= verifiedLast {
		var err error
		if known, err = p.verify(ctx, token); err != nil {
			return chat.Caller{}, err
		}
		p.verified.Add(hash, known)
	}
	if !p.now().Before(known.Expires) {
		return chat.Caller{}, expired(nil)
	}
	return known.Caller, p.account(ctx, known)
}

func expired(cause error) error {
	return chat.Wrap(cause, chat.TokenExpired, "the token has expired; get another one from the identity provider")
}

func invalid(cause error) error {
	return chat.Wrap(cause, chat.TokenInvalid, "the token is neither from this server nor from its identity provider for this server; log in again")
}

func (p *Provider) verify(ctx context.Context, text string) (verified, error) {
	if _, err := p.keys.VerifySignature(ctx, text); chat.CodeOf(err) == chat.Unavailable { // the verifier keeps the text alone
		return verified{}, err
	}
	token, err := p.verifier.Verify(ctx, text)
	var old *oidc.TokenExpiredError
	switch {
	case errors.As(err, &old):
		return verified{}, expired(err)
	case err != nil:
		return verified{}, invalid(err)
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return verified{}, invalid(err)
	}
	user, _ := claims[p.config.UserClaim].(string)
	if user == "" {
		return verified{}, chat.Errorf(chat.TokenInvalid, "the token has no claim %s with the user's id", p.config.UserClaim)
	}
	if confirmed, _ := claims["email_verified"].(bool); p.config.UserClaim == "email" && !confirmed {
		return verified{}, chat.Errorf(chat.TokenInvalid, "the identity provider has not verified the email %s", user)
	}
	name, _ := claims["name"].(string)
	return verified{Caller: chat.Caller{User: user, Expires: token.Expiry}, name: name, at: p.now()}, nil
}

// account has the user's account made, unless it was there a moment ago.
func (p *Provider) account(ctx context.Context, known verified) error {
	if at, found := p.accounts.Get(known.User); found && p.now().Sub(at) < accountsLast {
		return nil
	}
	asked := chat.Registration{User: known.User, Name: known.name, External: true, Adopt: p.config.PasswordsOff()}
	_, err := p.register(ctx, asked)
	if chat.CodeOf(err) == chat.InvalidArgument && known.name != "" { // the name is no good for a label
		asked.Name = ""
		_, err = p.register(ctx, asked)
	}
	switch chat.CodeOf(err) {
	case "":
		p.accounts.Add(known.User, p.now())
		return nil
	case chat.InvalidArgument, chat.Conflict:
		return chat.Wrap(err, chat.TokenInvalid, "the token's user cannot have an account here: "+chat.AsError(err).Message)
	}
	return err
}
