// Package token makes and verifies the access tokens that say who asks: JWTs, signed with HS256 by this gateway or by
// another one with the same key.
package token

import (
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/reload"
)

// issuer is in every token, so that one that something else has signed with the same secret is not taken for ours.
const issuer = "pullchat"

// service is the scope of a back end's token.
const service = "service"

// claims are the claims of a token: its subject is a user, or with the scope "service" the name of a back end.
type claims struct {
	Session string `json:"sid,omitempty"`
	Scope   string `json:"scope,omitempty"`
	jwt.RegisteredClaims
}

// Keys sign with the first of their keys and verify with all. They are safe for concurrent use.
type Keys struct {
	source   func() []key           // not empty; the same slice until the keys change
	secret   *atomic.Pointer[[]key] // of AUTH_SECRET, or nil
	file     *reload.Value[[]key]   // of AUTH_KEY_FILE, or nil
	now      func() time.Time
	verified *verified
}

func newKeys(source func() []key) *Keys {
	return &Keys{source: source, now: time.Now, verified: newVerified()}
}

// ForUser signs a token of a session.
func (k *Keys) ForUser(user, session string, lasts time.Duration) (string, error) {
	return k.sign(claims{Session: session}, user, lasts)
}

// ForService signs a token of a back end.
func (k *Keys) ForService(name string, lasts time.Duration) (string, error) {
	return k.sign(claims{Scope: service}, name, lasts)
}

func (k *Keys) sign(c claims, subject string, lasts time.Duration) (string, error) {
	now := k.now()
	c.RegisteredClaims = jwt.RegisteredClaims{
		Issuer: issuer, Subject: subject, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lasts)),
	}
	first := k.source()[0]
	unsigned := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	unsigned.Header["kid"] = first.id
	return unsigned.SignedString(first.secret)
}

// Verify returns who a token is of. The error is TokenExpired for one that was good, and TokenInvalid for any other.
// There is no leeway: a token is refused in the second in which it expires, and refreshing makes up for clocks that
// differ.
func (k *Keys) Verify(text string) (chat.Caller, error) {
	keys, hash := k.source(), sha256.Sum256([]byte(text))
	if known, found := k.verified.caller(hash, keys, k.now()); found {
		return known, nil
	}
	who, err := k.verify(text, keys)
	if err == nil {
		k.verified.add(hash, keys, who)
	}
	return who, err
}

func (k *Keys) verify(text string, keys []key) (chat.Caller, error) {
	var c claims
	_, err := jwt.ParseWithClaims(text, &c, func(unverified *jwt.Token) (any, error) { return secretOf(unverified, keys) },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), // never the token's own method
		jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(k.now), jwt.WithStrictDecoding())
	switch {
	case err == nil:
		return caller(c)
	case expiredOnly(err):
		return chat.Caller{}, chat.Wrap(err, chat.TokenExpired, "the token has expired; refresh it, or log in again")
	default:
		return chat.Caller{}, invalid(err)
	}
}

func invalid(cause error) error {
	return chat.Wrap(cause, chat.TokenInvalid, "the token is not one of this server's; log in again")
}

// expiredOnly: the signature and everything else was right, which is checked before the time.
func expiredOnly(err error) bool {
	return errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidIssuer)
}

func caller(c claims) (chat.Caller, error) {
	who := chat.Caller{User: c.Subject, Session: c.Session, Service: c.Scope == service, Expires: c.ExpiresAt.Time}
	switch {
	case c.Subject == "":
		return chat.Caller{}, invalid(errors.New("the token has no subject"))
	case c.Scope != "" && c.Scope != service:
		return chat.Caller{}, invalid(errors.New("the token has an unknown scope"))
	case !who.Service && who.Session == "":
		return chat.Caller{}, invalid(errors.New("the token has no session"))
	}
	return who, nil
}

// secretOf returns the secret of the key that a token names.
func secretOf(unverified *jwt.Token, keys []key) (any, error) {
	for _, candidate := range keys {
		if unverified.Header["kid"] == candidate.id {
			return candidate.secret, nil
		}
	}
	return nil, errors.New("the token's kid is not the id of a key")
}
